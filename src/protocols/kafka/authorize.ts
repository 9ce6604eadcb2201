/**
 * What the user of a request may do, asked in Kafka's terms of the one place that decides (broker/access).
 *
 * Which request needs what is in the commands, as Kafka's documentation has it ("Authorization: Operations and
 * resources"). Invariant: a user who may do everything costs a look into a small map.
 */
import { plainHost } from "../../base/addresses.ts";
import { defaultVhostName } from "../../broker/names.ts";
import type { Operation, ResourceKind } from "../../broker/access/rule.ts";
import type { Call } from "./call.ts";
import { toBrokerName } from "./names.ts";

const vhost = defaultVhostName;

function allows(call: Call, kind: ResourceKind, operation: Operation, name: string): boolean {
  const { authorization, connection } = call.caller;
  if (authorization === null) return false;
  if (authorization.allowsAll(vhost)) return true;
  return authorization.allows(
    { vhost, kind, operation, name: toBrokerName(name) },
    plainHost(connection.remote.host),
  );
}

export function mayUseTopic(call: Call, operation: Operation, name: string): boolean {
  return allows(call, "name", operation, name);
}

export function mayUseGroup(call: Call, operation: Operation, groupId: string): boolean {
  return allows(call, "group", operation, groupId);
}

export function mayUseCluster(call: Call, operation: Operation): boolean {
  return call.caller.authorization?.isAdministrator === true || asksCluster(call, operation);
}

function asksCluster(call: Call, operation: Operation): boolean {
  const { authorization, connection } = call.caller;
  const question = { vhost, kind: "cluster", operation, name: clusterName } as const;
  return authorization !== null && authorization.allows(question, plainHost(connection.remote.host));
}

export const clusterName = "kafka-cluster";

/** By a right on the cluster, or on the topic alone. */
export function mayCreateTopic(call: Call, name: string): boolean {
  return mayUseTopic(call, "create", name) || mayUseCluster(call, "create");
}

/** Whoever may write to any topic may do so without duplicates. */
export function mayWriteIdempotently(call: Call): boolean {
  const { authorization, connection } = call.caller;
  if (authorization === null) return false;
  if (authorization.allowsAll(vhost) || mayUseCluster(call, "idempotentWrite")) return true;
  return authorization.allowsSome(
    { vhost, kind: "name", operation: "write" },
    plainHost(connection.remote.host),
  );
}
