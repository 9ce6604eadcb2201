/**
 * The broker's numbers under the names that RabbitMQ's rabbitmq_prometheus 3.10 gives them, which its published dashboards read.
 *
 *     /metrics               sums over all queues, exchanges and AMQP connections
 *     /metrics/per-object    a line for each of them
 *     /metrics/detailed?family=queue_coarse_metrics&vhost=/     only these families, of these virtual hosts
 *
 * What only Erlang has (processes, raft, Mnesia) is absent. Numbers of channels are those of their queues and exchanges, so they begin
 * anew when one is deleted. Nothing is counted for these pages: they are made when somebody asks.
 */
import type { ConnectionFacts } from "../../base/connection-facts.ts";
import type { Job } from "../../base/turn-work.ts";
import { version } from "../../base/version.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Exchange } from "../../broker/exchange/exchange.ts";
import { isHiddenVhost, shownName } from "../../broker/names.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import type { Surroundings } from "../api/surroundings.ts";
import { uptimeSeconds } from "../process-metrics.ts";
import { nodeName } from "../rabbitmq/names.ts";
import { wholeText } from "./rabbitmq-whole.ts";
import { type Family, linesOf, sumsOf, type Things } from "./text.ts";

const prefix = "rabbitmq_";
const detailedPrefix = "rabbitmq_detailed_";
const clusterPrefix = "rabbitmq_cluster_";
const rabbitVersion = "3.10.8";

const coarse: readonly Family<Queue>[] = [
  {
    name: "queue_messages_ready",
    kind: "gauge",
    help: "Messages ready to be delivered to consumers",
    read: (queue) => queue.readyCount,
  },
  {
    name: "queue_messages_unacked",
    kind: "gauge",
    help: "Messages delivered to consumers but not yet acknowledged",
    read: (queue) => queue.unacknowledgedCount,
  },
  {
    name: "queue_messages",
    kind: "gauge",
    help: "Sum of ready and unacknowledged messages - total queue depth",
    read: (queue) => queue.messageCount + queue.lettersWaiting,
  },
];

const consumerCount: readonly Family<Queue>[] = [
  {
    name: "queue_consumers",
    kind: "gauge",
    help: "Consumers on a queue",
    read: (queue) => queue.consumerCount,
  },
];

const queueMetrics: readonly Family<Queue>[] = [
  ...consumerCount,
  {
    name: "queue_messages_bytes",
    kind: "gauge",
    help: "Size in bytes of ready and unacknowledged messages",
    read: ({ log }) => log.bytes,
  },
  {
    name: "queue_messages_persistent",
    kind: "gauge",
    help: "Persistent messages",
    read: (queue) => (queue.log.isDurable ? queue.messageCount : 0),
  },
];

const queuePublished: readonly Family<Queue>[] = [
  {
    name: "queue_messages_published_total",
    kind: "counter",
    help: "Total number of messages published to queues",
    read: ({ log }) => log.nextOffset,
  },
];

const channelQueue: readonly Family<Queue>[] = [
  {
    name: "channel_messages_delivered_ack_total",
    kind: "counter",
    help: "Total number of messages delivered to consumers in manual acknowledgement mode",
    read: ({ delivered }) => delivered,
  },
  {
    name: "channel_messages_redelivered_total",
    kind: "counter",
    help: "Total number of messages redelivered to consumers",
    read: ({ redelivered }) => redelivered,
  },
  {
    name: "channel_messages_acked_total",
    kind: "counter",
    help: "Total number of messages acknowledged by consumers",
    read: ({ acknowledged }) => acknowledged,
  },
];

const channelExchange: readonly Family<Exchange>[] = [
  {
    name: "channel_messages_published_total",
    kind: "counter",
    help: "Total number of messages published into an exchange on a channel",
    read: ({ published }) => published,
  },
  {
    name: "channel_messages_unroutable_returned_total",
    kind: "counter",
    help: "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
    read: ({ returned }) => returned,
  },
  {
    name: "channel_messages_unroutable_dropped_total",
    kind: "counter",
    help: "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
    read: ({ unroutable, returned }) => unroutable - returned,
  },
];

const connectionCoarse: readonly Family<ConnectionFacts>[] = [
  {
    name: "connection_incoming_bytes_total",
    kind: "counter",
    help: "Total number of bytes received on a connection",
    read: ({ bytesReceived }) => bytesReceived,
  },
  {
    name: "connection_outgoing_bytes_total",
    kind: "counter",
    help: "Total number of bytes sent on a connection",
    read: ({ bytesSent }) => bytesSent,
  },
];

const connectionMetrics: readonly Family<ConnectionFacts>[] = [
  {
    name: "connection_channels",
    kind: "gauge",
    help: "Channels on a connection",
    read: ({ channels }) => channels,
  },
];

const nodeCoarse: readonly Family<Broker>[] = [
  {
    name: "process_resident_memory_bytes",
    kind: "gauge",
    help: "Memory used in bytes",
    read: () => process.memoryUsage.rss(),
  },
  {
    name: "disk_space_available_bytes",
    kind: "gauge",
    help: "Disk space available in bytes",
    read: ({ storage: { room } }) => room?.freeBytes ?? NaN,
  },
];

const nodeMetrics: readonly Family<Broker>[] = [
  {
    name: "disk_space_available_limit_bytes",
    kind: "gauge",
    help: "Free disk space low watermark in bytes",
    read: ({ storage: { room } }) => room?.freeBytesMin ?? 0,
  },
  {
    name: "resident_memory_limit_bytes",
    kind: "gauge",
    help: "Memory high watermark in bytes",
    read: ({ options }) => options.memoryBytesMax,
  },
  {
    name: "erlang_uptime_seconds",
    kind: "gauge",
    help: "Node uptime",
    read: uptimeSeconds,
  },
];

const authAttempts: readonly Family<Broker>[] = [
  {
    name: "auth_attempts_total",
    kind: "counter",
    help: "Total number of authorization attempts",
    read: ({ access }) => access.attemptsMade().succeeded + access.attemptsMade().failed,
  },
  {
    name: "auth_attempts_succeeded_total",
    kind: "counter",
    help: "Total number of successful authentication attempts",
    read: ({ access }) => access.attemptsMade().succeeded,
  },
  {
    name: "auth_attempts_failed_total",
    kind: "counter",
    help: "Total number of failed authentication attempts",
    read: ({ access }) => access.attemptsMade().failed,
  },
];

const alarms: readonly Family<Broker>[] = [
  {
    name: "alarms_file_descriptor_limit",
    kind: "untyped",
    help: "is 1 if file descriptor limit alarm is in effect",
    read: () => 0,
  },
  {
    name: "alarms_free_disk_space_watermark",
    kind: "untyped",
    help: "is 1 if free disk space watermark alarm is in effect",
    read: ({ storage: { gate } }) => (gate.failure === null ? 0 : 1),
  },
  {
    name: "alarms_memory_used_watermark",
    kind: "untyped",
    help: "is 1 if VM memory watermark alarm is in effect",
    read: ({ flow, storage: { gate } }) => (flow.isBlocked && gate.failure === null ? 1 : 0),
  },
];

/** What of the broker a page is about. */
interface Seen {
  readonly vhosts: readonly Vhost[];
  readonly queues: readonly Queue[];
  readonly exchanges: readonly Exchange[];
  readonly connections: readonly ConnectionFacts[];
}

function* seenOf(broker: Broker, only: ReadonlySet<string> | null): Job<Seen> {
  const vhosts = [...broker.vhosts.values()].filter(
    ({ name }) => !isHiddenVhost(name) && (only === null || only.has(shownName(name))),
  );
  const queues: Queue[] = [];
  const exchanges: Exchange[] = [];
  for (const vhost of vhosts) {
    for (const queue of vhost.queues.values()) queues.push(queue);
    for (const exchange of vhost.exchanges.values()) exchanges.push(exchange);
    yield 1 + vhost.queues.size * 0.05;
  }
  const connections = yield* broker.connections.list({ protocol: "amqp" });
  return { vhosts, queues, exchanges, connections };
}

/** With the labels that later dashboards choose by: the page, and the product. */
function infoOf(endpoint: string): string {
  const build =
    `rabbitmq_version="${rabbitVersion}",prometheus_plugin_version="${rabbitVersion}",prometheus_client_version="",` +
    `erlang_version="",product_name="TroikaMQ",product_version="${version}",rabbitmq_endpoint="${endpoint}"`;
  const identity = `rabbitmq_node="${nodeName}",rabbitmq_cluster="${nodeName}",rabbitmq_endpoint="${endpoint}"`;
  return (
    "# TYPE rabbitmq_build_info untyped\n# HELP rabbitmq_build_info RabbitMQ & Erlang/OTP version info\n" +
    `rabbitmq_build_info{${build}} 1\n` +
    "# TYPE rabbitmq_identity_info untyped\n# HELP rabbitmq_identity_info RabbitMQ node & cluster identity info\n" +
    `rabbitmq_identity_info{${identity}} 1\n`
  );
}

function totalsOf({ queues, connections }: Seen): Family<null>[] {
  let consumers = 0;
  for (const queue of queues) consumers += queue.consumerCount;
  let channels = 0;
  for (const connection of connections) channels += connection.channels;
  const gauge = (name: string, help: string, value: number): Family<null> => ({
    name,
    kind: "gauge",
    help,
    read: () => value,
  });
  return [
    gauge("connections", "Connections currently open", connections.length),
    gauge("channels", "Channels currently open", channels),
    gauge("consumers", "Consumers currently connected", consumers),
    gauge("queues", "Queues available", queues.length),
  ];
}

/** Of the node, on the aggregated page and that of objects. */
function* nodeText(broker: Broker, around: Surroundings, seen: Seen, endpoint: string): Job<string> {
  const node = yield* sumsOf(prefix, [broker], [...alarms, ...nodeCoarse, ...nodeMetrics, ...authAttempts]);
  const whole = yield* wholeText(broker, around, seen.connections);
  return node + whole + (yield* sumsOf(prefix, [null], totalsOf(seen))) + infoOf(endpoint);
}

export function* aggregated(broker: Broker, around: Surroundings): Job<string> {
  const seen = yield* seenOf(broker, null);
  return (
    (yield* sumsOf(prefix, seen.queues, [...coarse, ...queueMetrics, ...queuePublished, ...channelQueue])) +
    (yield* sumsOf(prefix, seen.exchanges, channelExchange)) +
    (yield* sumsOf(prefix, seen.connections, [...connectionCoarse, ...connectionMetrics])) +
    (yield* nodeText(broker, around, seen, "aggregated"))
  );
}

function queueThings({ queues }: Seen, families: readonly Family<Queue>[]): Things<Queue> {
  const labelsOf = ({ vhost, name }: Queue) => ({ vhost: shownName(vhost.name), queue: shownName(name) });
  return { things: queues, labelsOf, families };
}

function connectionThings(
  { connections }: Seen,
  families: readonly Family<ConnectionFacts>[],
): Things<ConnectionFacts> {
  const labelsOf = ({ remote, local }: ConnectionFacts) => ({
    connection: `${remote.host}:${remote.port} -> ${local.host}:${local.port}`,
  });
  return { things: connections, labelsOf, families };
}

export function* perObject(broker: Broker, around: Surroundings): Job<string> {
  const seen = yield* seenOf(broker, null);
  return (
    (yield* linesOf(
      prefix,
      queueThings(seen, [...coarse, ...queueMetrics, ...queuePublished, ...channelQueue]),
    )) +
    (yield* linesOf(prefix, connectionThings(seen, [...connectionCoarse, ...connectionMetrics]))) +
    (yield* nodeText(broker, around, seen, "per-object"))
  );
}

type FamilyGroup = (broker: Broker, seen: Seen) => Job<string>;

function exchangeThings(seen: Seen, families: readonly Family<readonly [Vhost, Exchange]>[]) {
  const things = seen.vhosts.flatMap((vhost) =>
    [...vhost.exchanges.values()].map((exchange) => [vhost, exchange] as const),
  );
  const labelsOf = ([vhost, { name, type }]: readonly [Vhost, Exchange]) => ({
    vhost: shownName(vhost.name),
    exchange: shownName(name),
    type,
  });
  return { things, labelsOf, families };
}

const groups: Readonly<Record<string, FamilyGroup>> = {
  queue_coarse_metrics: (_, seen) => linesOf(detailedPrefix, queueThings(seen, coarse)),
  queue_consumer_count: (_, seen) => linesOf(detailedPrefix, queueThings(seen, consumerCount)),
  queue_metrics: (_, seen) => linesOf(detailedPrefix, queueThings(seen, queueMetrics)),
  channel_queue_metrics: (_, seen) => linesOf(detailedPrefix, queueThings(seen, channelQueue)),
  channel_queue_exchange_metrics: (_, seen) => linesOf(detailedPrefix, queueThings(seen, queuePublished)),
  connection_coarse_metrics: (_, seen) => linesOf(detailedPrefix, connectionThings(seen, connectionCoarse)),
  connection_metrics: (_, seen) => linesOf(detailedPrefix, connectionThings(seen, connectionMetrics)),
  node_coarse_metrics: (broker) => sumsOf(detailedPrefix, [broker], nodeCoarse),
  node_metrics: (broker) => sumsOf(detailedPrefix, [broker], nodeMetrics),
  auth_attempt_metrics: (broker) => sumsOf(detailedPrefix, [broker], authAttempts),
  exchange_bindings: (_, seen) =>
    linesOf(
      clusterPrefix,
      exchangeThings(seen, [
        {
          name: "exchange_bindings",
          kind: "gauge",
          help: "Number of bindings for an exchange. This value is cluster-wide.",
          read: ([, { bindings }]) => bindings.size,
        },
      ]),
    ),
  exchange_names: (_, seen) =>
    linesOf(
      clusterPrefix,
      exchangeThings(seen, [
        {
          name: "exchange_name",
          kind: "gauge",
          help: "Enumerates exchanges without any additional info. This value is cluster-wide. A cheaper alternative to `exchange_bindings`",
          read: () => 1,
        },
      ]),
    ),
  vhost_status: (_, { vhosts }) =>
    linesOf(clusterPrefix, {
      things: vhosts,
      labelsOf: ({ name }: Vhost) => ({ vhost: shownName(name) }),
      families: [
        { name: "vhost_status", kind: "gauge", help: "Whether a given vhost is running", read: () => 1 },
      ],
    }),
};

/** Families that are not known are left out, as in RabbitMQ; without any there is the information on the node only. */
export function* detailed(broker: Broker, _: Surroundings, query: URLSearchParams): Job<string> {
  const only = query.getAll("vhost");
  const seen = yield* seenOf(broker, only.length === 0 ? null : new Set(only));
  let text = "";
  for (const name of new Set(query.getAll("family"))) {
    if (Object.hasOwn(groups, name)) text += yield* groups[name]!(broker, seen);
  }
  return text + infoOf("detailed");
}
