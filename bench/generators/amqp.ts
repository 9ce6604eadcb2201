/**
 * AMQP load on raw sockets: publishers and consumers over queues, a fanout or a topic exchange.
 *
 * At full speed it sends for the time wanted, with a bound on what is under way, and then waits for the rest; at a
 * rate it sends what is due on the millisecond and measures from when each message was due to when it came.
 * Each publisher is a lane of its own: its connection, its queues, and the connections of their consumers.
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { Deliveries } from "./amqp/deliveries.ts";
import { Lane } from "./amqp/lane.ts";
import { openRoute } from "./amqp/route.ts";
import { method, methodId, uint } from "./amqp/handshake.ts";
import { AmqpLink } from "./amqp/link.ts";
import { PublishBlocks } from "./amqp/publish-blocks.ts";
import { scheduleFor } from "./base/schedule.ts";
import { throwWhenStalled } from "./base/watch.ts";
import { BusyMeter, latenessText } from "./base/account.ts";

/** On their way to consumers, over all of them. */
const bytesUnarrivedMax = 16 << 20;
const deliveriesUnarrivedMax = 50_000;
const unarrivedLeast = 1000;
const messagesPerSecondMax = 4_000_000;
/** Connections over which the consumers of one publisher are spread. */
const readingMax = 5;

export interface AmqpOptions {
  readonly port: number;
  readonly id: string;
  readonly bodyBytes: number;
  readonly secondsWanted: number;
  /** Deliveries a second. */
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
  /** Consumers come when all is published and confirmed, and are not part of what is timed. */
  readonly consumesAfter?: boolean;
}

interface Opened {
  readonly lane: Lane;
  readonly deliveries: readonly Deliveries[];
  /** For consumers that come later: has them take all that was sent. */
  consume(): Promise<void>;
  close(): Promise<void>;
}

async function openLane(options: AmqpOptions, number: number, pairs: number): Promise<Opened> {
  const { port, bodyBytes, isPersistent = false, confirmsInFlightMax, prefetch, ratePerSecond } = options;
  const { consumesAfter = false } = options;
  const writing = await AmqpLink.open(port, 1);
  const route = await openRoute(writing, {
    name: `${options.id}-${number}`,
    isDurable: isPersistent,
    fanOutQueues: options.fanOutQueues,
    topicBindings: options.topicBindings,
  });
  const { consumed, copies } = route;
  if (confirmsInFlightMax !== undefined)
    await writing.call(method(1, 0x0055_000a, uint(1, 0)), methodId.confirmSelectOk);
  const links: AmqpLink[] = [];
  const deliveries: Deliveries[] = [];
  const each = Math.ceil(consumed.length / readingMax);
  const subscribe = async () => {
    for (let from = 0; from < consumed.length; from += each) {
      const own = consumed.slice(from, from + each);
      const link = await AmqpLink.open(port, own.length);
      links.push(link);
      const isEachTimed = ratePerSecond !== undefined;
      const how = { bodyBytes, prefetch, isEachTimed, isTimed: !consumesAfter };
      deliveries.push(await Deliveries.subscribe({ link, consumed: own, ...how }));
    }
  };
  if (!consumesAfter) await subscribe();
  const deliveriesMax = Math.min(deliveriesUnarrivedMax, bytesUnarrivedMax / bodyBytes);
  const lane = new Lane({
    writing,
    blocks: new PublishBlocks({ link: writing, bodyBytes, isPersistent, to: route.to }),
    deliveries,
    copies: consumesAfter ? 0 : copies,
    schedule: scheduleFor(ratePerSecond === undefined ? undefined : ratePerSecond / copies / pairs, {
      seconds: options.secondsWanted,
      recordsMax: Math.ceil((messagesPerSecondMax * options.secondsWanted) / pairs),
    }),
    unarrivedMax: Math.floor(deliveriesMax / (copies * pairs)) + unarrivedLeast,
    unconfirmedMax: confirmsInFlightMax,
  });
  const consume = async () => {
    await subscribe();
    await arrival(lane, lane.sent * copies);
  };
  const close = async () => {
    await route.remove();
    for (const part of deliveries) await part.expectNoMore();
    for (const link of [writing, ...links]) link.close();
  };
  return { lane, deliveries, consume, close };
}

/** Resolves when so many messages have arrived. */
function arrival(lane: Lane, count: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (lane.arrived < count) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
}

export async function generate(options: AmqpOptions): Promise<Figures> {
  const { pairs = 1, confirmsInFlightMax, ratePerSecond, consumesAfter = false } = options;
  const opened: Opened[] = [];
  for (let number = 0; number < pairs; number++) opened.push(await openLane(options, number, pairs));
  const lanes = opened.map(({ lane }) => lane);
  const sumOf = (value: (lane: Lane) => number) => lanes.reduce((sum, lane) => sum + value(lane), 0);
  const stopWatching = throwWhenStalled(
    () => sumOf(({ arrived, confirmed }) => arrived + confirmed),
    () => lanes.map(({ note }) => note).join("; "),
  );
  const busy = new BusyMeter();
  const startedMs = performance.now();
  await Promise.all(lanes.map((lane) => lane.run()));
  // At a rate it spins.
  const busyText = ratePerSecond === undefined ? busy.text() : undefined;
  if (consumesAfter) for (const part of opened) await part.consume();
  stopWatching();
  for (const part of opened) await part.close();

  const count = sumOf(({ arrived }) => arrived);
  const latency = merged(opened.flatMap(({ deliveries }) => deliveries.map((part) => part.latency)));
  const percentiles = latency.percentiles();
  const confirms =
    confirmsInFlightMax === undefined ? "" : `, ${sumOf(({ confirmed }) => confirmed)} confirmed`;
  return {
    count,
    seconds: (Math.max(...lanes.map(({ endedMs }) => endedMs)) - startedMs) / 1000,
    ...(percentiles === undefined ? {} : { latency: percentiles }),
    verified:
      `${count} deliveries, each once and in order for each consumer${confirms}, ` +
      (busyText ?? latenessText(merged(lanes.map(({ lateness }) => lateness)))),
  };
}

function merged(parts: readonly Histogram[]): Histogram {
  const all = new Histogram();
  for (const part of parts) all.add(part);
  return all;
}
