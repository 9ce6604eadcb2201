/**
 * Everything that holds messages, of every protocol, in one list with its kind: /api/troika/destinations.
 *
 *     queue          AMQP's, classic or quorum
 *     stream         declared by AMQP
 *     redis_stream   made by Redis's XADD or by Kafka's Produce, and not declared since
 *     kafka_topic    made as a topic; its partitions are one item
 *     redis_group    of a stream, with what it has pending
 *     kafka_group    that has committed offsets
 *
 * Not here: what RabbitMQ's API says of the same queues and streams (rabbitmq/queues.ts).
 */
import type { GroupCursor } from "../../broker/groups/group-cursor.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Topic } from "../../broker/queue/topics.ts";
import { waitingCountOf } from "../../broker/schedule/listing.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { namedVhostAt, seenVhosts } from "../api/audience.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery } from "../api/list.ts";
import { shownName } from "../rabbitmq/names.ts";

type Kind = "queue" | "stream" | "redis_stream" | "kafka_topic" | "redis_group" | "kafka_group";

interface Item {
  readonly vhost: Vhost;
  readonly kind: Kind;
  readonly name: string;
  readonly logs: readonly Queue[];
  /** Of a group: the stream it belongs to, or null. */
  readonly group?: { readonly of: string | null; readonly pending: number | null };
}

function kindOf(queue: Queue): Kind {
  if (queue.kind === "queue") return "queue";
  return queue.isImplicit ? "redis_stream" : "stream";
}

function* itemsOf(vhost: Vhost): Generator<Item, void> {
  for (const topic of vhost.topics.all()) {
    const { name, partitions, isAdopted } = topic;
    const kind = isAdopted && partitions.length === 1 ? kindOf(partitions[0]!) : "kafka_topic";
    yield { vhost, kind, name, logs: partitions };
    yield* groupsOf(vhost, topic);
  }
  for (const queue of vhost.queues.values()) {
    if (queue.exclusiveOwner !== 0) yield { vhost, kind: kindOf(queue), name: queue.name, logs: [queue] };
  }
  for (const name of vhost.groupOffsets.groups.keys()) {
    yield { vhost, kind: "kafka_group", name, logs: [], group: { of: null, pending: null } };
  }
}

function* groupsOf(vhost: Vhost, { partitions }: Topic): Generator<Item, void> {
  for (const { name: of, groups } of partitions) {
    for (const [name, cursor] of groups) yield redisGroup(vhost, of, name, cursor);
  }
}

function redisGroup(vhost: Vhost, of: string, name: string, cursor: GroupCursor): Item {
  return { vhost, kind: "redis_group", name, logs: [], group: { of, pending: cursor.pending.size } };
}

function sumOf({ logs, group }: Item, read: (queue: Queue) => number): number | undefined {
  if (group !== undefined) return undefined;
  let sum = 0;
  for (const queue of logs) sum += read(queue);
  return sum;
}

const fields: Fields<Item> = {
  bytes: (item) => sumOf(item, ({ log }) => log.bytes),
  consumers: (item) => sumOf(item, ({ consumerCount }) => consumerCount),
  durable: ({ logs }) => (logs.length === 0 ? undefined : logs.every(({ durable }) => durable)),
  kind: ({ kind }) => kind,
  messages: (item) => sumOf(item, ({ messageCount }) => messageCount),
  messages_deduplicated: (item) => sumOf(item, ({ deduplicated }) => deduplicated),
  messages_delayed: (item) =>
    sumOf(item, ({ vhost, name }) => waitingCountOf(vhost.broker, vhost.name, name)),
  messages_unacknowledged: (item) => sumOf(item, ({ unacknowledgedCount }) => unacknowledgedCount),
  messages_waiting: (item) => sumOf(item, ({ waitingCount }) => waitingCount),
  name: ({ name }) => shownName(name),
  partitions: ({ kind, logs }) => (kind === "kafka_topic" ? logs.length : undefined),
  pending: ({ group }) => group?.pending ?? undefined,
  stream: ({ group }) => (group === undefined || group.of === null ? undefined : shownName(group.of)),
  vhost: ({ vhost }) => shownName(vhost.name),
};

function* inVhosts(vhosts: Iterable<Vhost>, wanted: string | null): Generator<Item | null, void> {
  for (const vhost of vhosts) {
    for (const item of itemsOf(vhost)) yield wanted === null || item.kind === wanted ? item : null;
  }
}

function listed({ broker, query }: Asked<never>, vhosts: Iterable<Vhost>): Promise<Answer> {
  return list(broker, query, {
    items: inVhosts(vhosts, query.get("kind") || null),
    nameOf: ({ name }) => name,
    groupOf: ({ vhost }) => vhost.name,
    fields,
  });
}

const query = { ...listQuery, kind: "only of this kind" } as const;

export const destinationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/destinations",
    audience: "management",
    summary: "Queues, streams, Kafka topics and groups of every protocol, with their kind.",
    query,
    run: (asked) => listed(asked as Asked<never>, seenVhosts(asked.broker, asked.caller)),
  }),
  endpoint({
    method: "GET",
    path: "/api/troika/destinations/{vhost}",
    audience: "management",
    summary: "The same in one virtual host.",
    query,
    run: (asked) =>
      listed(asked as Asked<never>, [namedVhostAt(asked.broker, asked.caller, asked.names["vhost"]!)]),
  }),
];
