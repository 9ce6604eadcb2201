/**
 * What is shown of a queue or stream, with RabbitMQ's names: the fields of each type, its counts, rates and consumers.
 *
 * Not here: endpoints (queues.ts). Sizes of messages are those of the stored records, shared out by the number of messages.
 */
import { queueCounters } from "../../../broker/rates.ts";
import { effectiveDefinition } from "../../../broker/policy/policy.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { waitingCountOf } from "../../../broker/schedule/listing.ts";
import { queueTypeOf } from "../../../broker/queue/queue-type.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Fields } from "../../api/list.ts";
import { connectionName } from "./connection-fields.ts";
import { consumersOfQueue, shownConsumer } from "../consumers.ts";
import { shownName } from "../names.ts";
import { messageStats, noProcess, type Spans, Stats } from "./stats.ts";

export interface QueueView {
  readonly broker: Broker;
  readonly nodeName: string;
  readonly spans: Spans;
}

const unacknowledgedOf = ({ unacknowledgedCount }: Queue): number => unacknowledgedCount;
/** Those that are in the queue. */
const totalOf = ({ messageCount }: Queue): number => messageCount;
/** `messages` is their sum. */
const lengths = ["messages_ready", "messages_unacknowledged", "messages_waiting", "messages_dlx"] as const;

function bytesOf(queue: Queue, messages: number): number {
  const total = totalOf(queue);
  return total === 0 ? 0 : Math.round((queue.log.bytes * messages) / total);
}

/** Whether messages could be delivered as soon as they come. */
function capacityOf(queue: Queue): number {
  if (queue.consumerCount === 0) return 0;
  if (queue.readyCount === 0) return 1;
  for (const consumer of queue.consumers.all()) if (!consumer.isParked) return 1;
  return queue.kind === "stream" ? 1 : 0;
}

function tagWhere(queue: Queue, isWanted: boolean): string | null {
  if (!isWanted) return null;
  for (const consumer of queue.consumers.all()) if (queue.isActive(consumer)) return consumer.tag ?? null;
  return null;
}

type OfType = (queue: Queue) => boolean;
const isClassic: OfType = (queue) => queueTypeOf(queue) === "classic";
const isQuorum: OfType = (queue) => queueTypeOf(queue) === "quorum";
const isStream: OfType = (queue) => queueTypeOf(queue) === "stream";
const isNoStream: OfType = (queue) => !isStream(queue);
const isReplicated: OfType = (queue) => !isClassic(queue);

function details(view: QueueView, queue: Queue, ...names: readonly string[]): object {
  return new Stats(view.broker, view.spans, queueCounters, queue).details("lengths", names);
}

/** What is known without looking at messages. */
function definitionFields({ nodeName }: Pick<QueueView, "nodeName">): Fields<Queue> {
  return {
    arguments: ({ args }) => args,
    auto_delete: ({ autoDelete }) => autoDelete,
    durable: ({ durable }) => durable,
    exclusive: ({ exclusiveOwner }) => exclusiveOwner !== 0,
    name: ({ name }) => shownName(name),
    node: () => nodeName,
    state: () => "running",
    type: queueTypeOf,
    vhost: ({ vhost }) => shownName(vhost.name),
  };
}

/** `disable_stats=true`: as RabbitMQ leaves out what it would have to ask a queue for. */
export function fieldsWithoutStats({ nodeName }: QueueView, isCounted: boolean): Fields<Queue> {
  const nodes = [nodeName];
  const totals = [
    ...Object.entries(totalFields).map(([name, field]) => [name, when(isNoStream, field)]),
    ["totals", when(isStream, () => null)],
    ["type_specific", when(isStream, () => null)],
  ];
  const always = {
    ...definitionFields({ nodeName }),
    leader: when(isQuorum, () => nodeName),
    members: when(isQuorum, () => nodes),
    online: when(isQuorum, () => nodes),
    policy: ({ policies }: Queue) => policies.layers.policyName,
  };
  if (!isCounted)
    return { ...always, node: (queue) => (isQuorum(queue) ? undefined : nodeName), state: () => "live" };
  return {
    ...always,
    exclusive: (queue) => (isClassic(queue) ? queue.exclusiveOwner !== 0 : null),
    node: when(isClassic, () => nodeName),
    ...Object.fromEntries(totals),
  };
}

function when(isOf: OfType, field: (queue: Queue) => unknown) {
  return (queue: Queue) => (isOf(queue) ? field(queue) : undefined);
}

const totalFields: Fields<Queue> = {
  messages: (queue) => totalOf(queue) + queue.lettersWaiting,
  // They are none of the queue's yet. Only where there are some, since RabbitMQ has no such messages.
  messages_delayed: ({ vhost, name }) => waitingCountOf(vhost.broker, vhost.name, name) || undefined,
  messages_ready: ({ readyCount }) => readyCount,
  messages_unacknowledged: unacknowledgedOf,
  // RabbitMQ has no such messages: only where there are some.
  messages_waiting: ({ waitingCount }) => waitingCount || undefined,
};

export function queueFields(view: QueueView): Fields<Queue> {
  const { nodeName, broker, spans } = view;
  const nodes = [nodeName];
  return {
    ...definitionFields(view),
    ...totalFields,
    backing_queue_status: when(isClassic, (queue) => backingOf(view, queue)),
    consumer_capacity: when(isNoStream, capacityOf),
    consumer_utilisation: when(isNoStream, capacityOf),
    consumers: ({ consumerCount }) => consumerCount,
    effective_policy_definition: (queue) => effectiveDefinition(queue, queue.policies.layers),
    exclusive_consumer_tag: when(isClassic, (queue) => tagWhere(queue, queue.isExclusivelyConsumed)),
    garbage_collection: when(isNoStream, () => noProcess.garbage_collection),
    head_message_timestamp: when(isClassic, () => null),
    leader: when(isQuorum, () => nodeName),
    members: when(isReplicated, () => nodes),
    memory: ({ log }) => log.bytes,
    message_bytes: when(isNoStream, (queue) => bytesOf(queue, totalOf(queue)) + queue.letterBytesWaiting),
    message_bytes_dlx: when(isQuorum, (queue) => queue.letterBytesWaiting),
    message_bytes_paged_out: when(isClassic, () => 0),
    message_bytes_persistent: when(isNoStream, (queue) => bytesOf(queue, queue.durable ? totalOf(queue) : 0)),
    message_bytes_ram: when(isNoStream, (queue) => bytesOf(queue, totalOf(queue))),
    message_bytes_ready: when(isNoStream, (queue) => bytesOf(queue, queue.readyCount)),
    message_bytes_unacknowledged: when(isNoStream, (queue) => bytesOf(queue, unacknowledgedOf(queue))),
    message_stats: (queue) =>
      messageStats(
        new Stats(broker, spans, queueCounters, queue),
        {
          published: queue.log.nextOffset > 0,
          delivered: queue.delivered + queue.emptyGets + queue.acknowledged > 0,
        },
        ["publish"],
      ),
    messages_details: (queue) => details(view, queue, ...lengths),
    messages_dlx: when(isQuorum, (queue) => queue.lettersWaiting),
    messages_paged_out: when(isClassic, () => 0),
    messages_persistent: when(isNoStream, (queue) =>
      queue.durable ? totalOf(queue) + queue.lettersWaiting : 0,
    ),
    messages_ram: when(isNoStream, totalOf),
    messages_ready_details: (queue) => details(view, queue, "messages_ready"),
    messages_ready_ram: when(isClassic, ({ readyCount }) => readyCount),
    messages_unacknowledged_details: (queue) => details(view, queue, "messages_unacknowledged"),
    messages_unacknowledged_ram: when(isClassic, unacknowledgedOf),
    online: when(isReplicated, () => nodes),
    open_files: when(isQuorum, () => ({ [nodeName]: 0 })),
    operator_policy: ({ policies }) => policies.layers.operatorPolicyName ?? null,
    policy: ({ policies }) => policies.layers.policyName ?? null,
    readers: when(isStream, ({ streamConsumers }) => ({ [nodeName]: streamConsumers })),
    recoverable_slaves: when(isClassic, () => null),
    reductions: () => noProcess.reductions,
    reductions_details: () => noProcess.reductions_details,
    single_active_consumer_tag: when(isClassic, (queue) =>
      tagWhere(queue, queue.policy.singleActiveConsumer),
    ),
    single_active_consumer_ctag: when(isQuorum, (queue) =>
      tagWhere(queue, queue.policy.singleActiveConsumer),
    ),
  };
}

/** Further fields of one queue alone. */
export function wholeQueueFields(view: QueueView): Fields<Queue> {
  return {
    consumer_details: (queue) =>
      [...consumersOfQueue(queue)].map((place) => shownConsumer(view, queue, place)),
    ...queueFields(view),
    garbage_collection: () => noProcess.garbage_collection,
    deliveries: () => [],
    incoming: () => [],
    owner_pid_details: (queue) => ownerOf(view.broker, queue),
  };
}

function backingOf({ broker }: QueueView, queue: Queue): object {
  const rates = broker.rates.of(queueCounters, queue);
  return {
    avg_ack_egress_rate: rates?.ack ?? 0,
    avg_ack_ingress_rate: rates?.deliver ?? 0,
    avg_egress_rate: rates?.deliver ?? 0,
    avg_ingress_rate: rates?.publish ?? 0,
    len: queue.readyCount,
    mode: queue.args["x-queue-mode"] ?? "default",
    next_seq_id: queue.log.nextOffset,
    version: 1,
  };
}

function ownerOf(broker: Broker, { exclusiveOwner }: Queue): object | undefined {
  const facts = exclusiveOwner === 0 ? undefined : broker.connections.find(exclusiveOwner);
  if (facts === undefined) return undefined;
  return { name: connectionName(facts), peer_host: facts.remote.host, peer_port: facts.remote.port };
}
