/**
 * What rabbitmq_prometheus tells of a node as a whole: global counters, what came and went, and the process's bounds.
 *
 * Not here: what each queue and connection has (rabbitmq.ts); histograms of message sizes, which nobody counts. Invariant: global
 * counters do not fall when a queue or exchange is deleted.
 */
import type { ConnectionFacts } from "../../base/connection-facts.ts";
import type { Job } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Totals } from "../../broker/totals.ts";
import type { Surroundings } from "../api/surroundings.ts";
import { churnOf } from "../rabbitmq/shown/node-facts.ts";
import { type Family, sumsOf } from "./text.ts";

interface Whole {
  readonly totals: Totals;
  readonly churn: Readonly<Record<string, number>>;
  /** Channels that have published, and messages that wait for their confirm. */
  readonly publishers: number;
  readonly unconfirmed: number;
  readonly connections: number;
  readonly connectionsMax: number;
}

type Read = (whole: Whole) => number;

function counter(name: string, help: string, read: Read): Family<Whole> {
  return { name, kind: "counter", help, read };
}

function gauge(name: string, help: string, read: Read): Family<Whole> {
  return { name, kind: "gauge", help, read };
}

const delivered: Read = ({ totals: { deliver, deliver_no_ack, get, get_no_ack } }) =>
  deliver + deliver_no_ack + get + get_no_ack;
const unroutable: Read = ({ totals }) => totals.drop_unroutable + totals.return_unroutable;

/** With the protocol as label. */
const globals: readonly Family<Whole>[] = [
  counter(
    "global_messages_received_total",
    "Total number of messages received from publishers",
    ({ totals }) => totals.publish,
  ),
  counter(
    "global_messages_received_confirm_total",
    "Total number of messages received from publishers expecting confirmations",
    ({ totals, unconfirmed }) => totals.confirm + unconfirmed,
  ),
  counter(
    "global_messages_confirmed_total",
    "Total number of messages confirmed to publishers",
    ({ totals }) => totals.confirm,
  ),
  counter(
    "global_messages_routed_total",
    "Total number of messages routed to queues or streams",
    (whole) => whole.totals.publish - unroutable(whole),
  ),
  counter(
    "global_messages_unroutable_dropped_total",
    "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
    ({ totals }) => totals.drop_unroutable,
  ),
  counter(
    "global_messages_unroutable_returned_total",
    "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
    ({ totals }) => totals.return_unroutable,
  ),
  counter("global_messages_delivered_total", "Total number of messages delivered to consumers", delivered),
  counter(
    "global_messages_delivered_consume_manual_ack_total",
    "Total number of messages delivered to consumers using basic.consume with manual acknowledgment",
    ({ totals }) => totals.deliver,
  ),
  counter(
    "global_messages_delivered_consume_auto_ack_total",
    "Total number of messages delivered to consumers using basic.consume with automatic acknowledgment",
    ({ totals }) => totals.deliver_no_ack,
  ),
  counter(
    "global_messages_delivered_get_manual_ack_total",
    "Total number of messages delivered to consumers using basic.get with manual acknowledgment",
    ({ totals }) => totals.get,
  ),
  counter(
    "global_messages_delivered_get_auto_ack_total",
    "Total number of messages delivered to consumers using basic.get with automatic acknowledgment",
    ({ totals }) => totals.get_no_ack,
  ),
  counter(
    "global_messages_get_empty_total",
    "Total number of times basic.get operations fetched no message",
    ({ totals }) => totals.get_empty,
  ),
  counter(
    "global_messages_redelivered_total",
    "Total number of messages redelivered to consumers",
    ({ totals }) => totals.redeliver,
  ),
  counter(
    "global_messages_acknowledged_total",
    "Total number of message acknowledgements received from consumers",
    ({ totals }) => totals.ack,
  ),
  gauge("global_publishers", "Publishers currently connected", ({ publishers }) => publishers),
  gauge("global_consumers", "Consumers currently connected", ({ totals }) => totals.consumers),
];

const node: readonly Family<Whole>[] = [
  ...(["connection", "channel"] as const).flatMap((thing) => [
    counter(
      `${thing}s_opened_total`,
      `Total number of ${thing}s opened`,
      ({ churn }) => churn[`${thing}_created`]!,
    ),
    counter(
      `${thing}s_closed_total`,
      `Total number of ${thing}s closed`,
      ({ churn }) => churn[`${thing}_closed`]!,
    ),
  ]),
  ...["declared", "created", "deleted"].map((what) =>
    counter(`queues_${what}_total`, `Total number of queues ${what}`, ({ churn }) => churn[`queue_${what}`]!),
  ),
  gauge("channel_consumers", "Consumers on a channel", ({ totals }) => totals.consumers),
  gauge("process_open_fds", "Open file descriptors", ({ connections }) => connections),
  gauge("process_max_fds", "Open file descriptors limit", ({ connectionsMax }) => connectionsMax),
  gauge("process_open_tcp_sockets", "Open TCP sockets", ({ connections }) => connections),
  gauge("process_max_tcp_sockets", "Open TCP sockets limit", ({ connectionsMax }) => connectionsMax),
];

function* wholeOf(broker: Broker, around: Surroundings, connections: readonly ConnectionFacts[]): Job<Whole> {
  yield* broker.totals.renewing();
  let [publishers, unconfirmed] = [0, 0];
  for (const connection of connections) {
    const channels = connection.describeChannels?.() ?? [];
    for (const { counts, unconfirmed: waiting } of channels) {
      if (counts.publish > 0) publishers++;
      unconfirmed += waiting;
    }
    yield 1 + channels.length;
  }
  return {
    totals: broker.totals.ofBroker,
    churn: churnOf(broker, around),
    publishers,
    unconfirmed,
    connections: broker.connections.count,
    connectionsMax: around.connectionsMax,
  };
}

export function* wholeText(
  broker: Broker,
  around: Surroundings,
  connections: readonly ConnectionFacts[],
): Job<string> {
  const whole = yield* wholeOf(broker, around, connections);
  const protocol = { protocol: "amqp091" };
  return (
    (yield* sumsOf("rabbitmq_", [whole], globals, protocol)) + (yield* sumsOf("rabbitmq_", [whole], node))
  );
}
