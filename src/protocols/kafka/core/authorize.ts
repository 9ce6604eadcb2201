/**
 * What the user of a request may do: asks the broker's table of rights (broker/access/rights.ts) with Kafka names.
 *
 * The commands know which request needs what, as in Kafka's documentation ("Authorization: Operations and resources"). Invariant:
 * for a user who may do everything this costs a look into a small map.
 */
import {
  type ClusterAct,
  type GroupAct,
  type LogAct,
  mayMakePartitions,
  mayPublishUnder,
  mayUseCluster as mayUse,
  mayUseGroup as mayUseBrokerGroup,
  mayUseLog,
  mayUseWholeTopic as mayUseWhole,
  mayWriteSome,
} from "../../../broker/access/rights.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { partitionName } from "../../../broker/queue/topics.ts";
import type { Call } from "./call.ts";
import { toBrokerName } from "./names.ts";
import type { KafkaTopic } from "../topics/directory.ts";

/** An operation on a topic. Its name may be that of another topic's partition. */
export function mayUseTopic(call: Call, act: LogAct, name: string): boolean {
  return mayUseLog(call.caller, act, call.server.vhost, toBrokerName(name));
}

/** An operation on the topic with all its partitions. */
export function mayUseWholeTopic(call: Call, act: LogAct, name: string): boolean {
  return mayUseWhole(call.caller, act, call.server.vhost, toBrokerName(name));
}

/** An operation on the records of one partition of `topic`. If there is no such partition, the name is checked. */
export function mayUsePartition(
  call: Call,
  act: LogAct,
  topic: KafkaTopic | undefined,
  name: string,
  partition: number,
): boolean {
  const queue = topic?.queue(partition);
  return mayUseLog(call.caller, act, call.server.vhost, queue?.name ?? toBrokerName(name));
}

/** Needs a right on the cluster, or on the topic; and no stream of the topic may be denied. */
export function mayCreateTopic(call: Call, name: string, partitions = 1): boolean {
  if (!mayUseTopic(call, "create", name) && !mayUseCluster(call, "createTopics")) return false;
  return partitions === 1 || mayAddPartitions(call, name, 0, partitions);
}

/** Whether a user who may make the topic, or add to it, may make the partitions from `from` up to but not including `to`. */
export function mayAddPartitions(call: Call, topic: string, from: number, to: number): boolean {
  const { caller, server } = call;
  const nameOf = (partition: number): string => partitionName(toBrokerName(topic), partition);
  return mayMakePartitions(caller, server.vhost, nameOf, from, to);
}

/** Whether a user who may write to the exchange may produce records with that key to it. */
export function mayProduceUnder(call: Call, exchange: Exchange, key: string): boolean {
  return mayPublishUnder(call.caller, call.server.vhost, exchange, key, []);
}

export function mayUseGroup(call: Call, act: GroupAct, groupId: string): boolean {
  return mayUseBrokerGroup(call.caller, act, call.server.vhost, toBrokerName(groupId));
}

export function mayUseCluster(call: Call, act: ClusterAct): boolean {
  return mayUse(call.caller, act);
}

/** A user who may write to any topic may be an idempotent producer. */
export function mayWriteIdempotently(call: Call): boolean {
  return mayUseCluster(call, "produceIdempotently") || mayWriteSome(call.caller, call.server.vhost);
}
