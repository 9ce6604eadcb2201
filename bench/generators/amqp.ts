/**
 * AMQP load on raw sockets: publishers and consumers over queues, a fanout or a topic exchange.
 *
 * At full speed it sends for the time wanted, with a bound on what is under way, and then waits for the rest; at a
 * rate it sends what is due each millisecond and measures from when each message was due to when it came.
 */
import type { Figures } from "../contract.ts";
import { AmqpLink, consume, declareQueues, deleteQueues, queueName } from "./growth/amqp-link.ts";
import { method, methodId, uint } from "./growth/amqp-handshake.ts";
import { throwWhenStalled } from "./kafka/watch.ts";
import { PublishBlocks, type PublishTarget } from "./growth/publish-blocks.ts";
import { bindTopics, declareExchange, deleteExchange, topicKeyPrefix } from "./amqp/exchanges.ts";
import { Lane } from "./amqp/lane.ts";

const bytesInFlightMax = 16 << 20;
const messagesInFlightMax = 50_000;
const messagesPerSecondMax = 4_000_000;

export interface AmqpOptions {
  readonly port: number;
  readonly id: string;
  readonly bodyBytes: number;
  readonly secondsWanted: number;
  readonly ratePerSecond?: number;
  /** Durable queues and persistent messages. */
  readonly isPersistent?: boolean;
  /** So many unconfirmed at most; absent: no confirms. */
  readonly confirmsInFlightMax?: number;
  /** Manual acknowledgement, one by one, with this prefetch; absent: automatic. */
  readonly prefetch?: number;
  /** Pairs of a publisher and a consumer, each with a queue. */
  readonly pairs?: number;
  /** Through a fanout exchange to so many queues. */
  readonly fanOutQueues?: number;
  /** Through a topic exchange with so many bindings, each message to one queue. */
  readonly topicBindings?: number;
}

interface Route {
  readonly queues: number;
  readonly copies: number;
  readonly to: PublishTarget;
  readonly exchange?: "fanout" | "topic";
}

const topicQueues = 10;

function routeOf(options: AmqpOptions, id: string): Route {
  const { fanOutQueues, topicBindings } = options;
  if (fanOutQueues !== undefined)
    return { queues: fanOutQueues, copies: fanOutQueues, to: { exchange: id }, exchange: "fanout" };
  if (topicBindings !== undefined) {
    const to = { exchange: id, queuePrefix: topicKeyPrefix, queues: topicBindings };
    return { queues: topicQueues, copies: 1, to, exchange: "topic" };
  }
  return { queues: 1, copies: 1, to: { queuePrefix: id, queues: 1 } };
}

interface Opened {
  readonly lane: Lane;
  close(): Promise<void>;
}

async function openLane(options: AmqpOptions, pairs: number, id: string): Promise<Opened> {
  const { port, bodyBytes, isPersistent = false, confirmsInFlightMax, prefetch } = options;
  const { queues, copies, to, exchange } = routeOf(options, id);
  const writing = await AmqpLink.open(port, 1);
  const reading = await AmqpLink.open(port, copies);
  await declareQueues(writing, id, queues, isPersistent);
  if (exchange !== undefined) await declareExchange(writing, { name: id, type: exchange, queues });
  if (options.topicBindings !== undefined)
    await bindTopics(writing, { exchange: id, queues, bindings: options.topicBindings });
  if (confirmsInFlightMax !== undefined)
    await writing.call(method(1, 0x0055_000a, uint(1, 0)), methodId.confirmSelectOk);
  for (let queue = 0; queue < queues; queue++) {
    const channel = copies === 1 ? 1 : queue + 1;
    if (prefetch !== undefined && (queue === 0 || copies > 1)) {
      const qos = method(channel, 0x003c_000a, uint(4, 0), uint(2, prefetch), uint(1, 0));
      await reading.call(qos, methodId.qosOk);
    }
    const from = { queue: queueName(id, queue), channel, tag: String(queue), acks: prefetch !== undefined };
    await reading.call(consume(from), methodId.consumeOk);
  }
  const lane = new Lane({
    writing,
    reading,
    blocks: new PublishBlocks({ link: writing, bodyBytes, isPersistent, to }),
    copies,
    hasConfirms: confirmsInFlightMax !== undefined,
    acks: prefetch !== undefined,
    inFlightMax:
      confirmsInFlightMax ??
      Math.floor(Math.min(messagesInFlightMax, bytesInFlightMax / bodyBytes) / (copies * pairs) + 1000),
    messagesMax: Math.ceil((messagesPerSecondMax * options.secondsWanted) / pairs),
    ratePerSecond: options.ratePerSecond === undefined ? undefined : options.ratePerSecond / copies / pairs,
    secondsWanted: options.secondsWanted,
  });
  return {
    lane,
    async close() {
      if (exchange !== undefined) await deleteExchange(writing, id);
      await deleteQueues(writing, id, queues);
      writing.close();
      reading.close();
    },
  };
}

export async function generate(options: AmqpOptions): Promise<Figures> {
  const { pairs = 1 } = options;
  const opened: Opened[] = [];
  for (let pair = 0; pair < pairs; pair++)
    opened.push(await openLane(options, pairs, `${options.id}-${pair}`));
  const lanes = opened.map(({ lane }) => lane);
  const sumOf = (value: (lane: Lane) => number) => lanes.reduce((sum, lane) => sum + value(lane), 0);
  const stopWatching = throwWhenStalled(
    () => sumOf((lane) => lane.delivered + lane.confirmed),
    () => lanes.map(({ note }) => note).join("; "),
  );
  const startMs = performance.now();
  await Promise.all(lanes.map((lane) => lane.run()));
  stopWatching();
  const endMs = Math.max(...lanes.map(({ lastArrivalMs }) => lastArrivalMs));
  for (const part of opened) await part.close();
  const [first, ...others] = lanes;
  for (const lane of others) first!.latency.add(lane.latency);
  const count = sumOf((lane) => lane.delivered);
  const latency = first!.latency.percentiles();
  const confirms =
    options.confirmsInFlightMax === undefined ? "" : `, ${sumOf((lane) => lane.confirmed)} confirmed`;
  return {
    count,
    seconds: (endMs - startMs) / 1000,
    ...(latency === undefined ? {} : { latency }),
    verified: `${count} deliveries, each sequence number once for each consumer${confirms}`,
  };
}
