/**
 * PUBLISH on some connections to subscribers on others. Every subscriber must see every message, of each publisher in
 * order; its latency is from when the message was sent (was due, at a fixed rate) to when a subscriber has it.
 *
 * Not here: what a sender sends when (redis/sender.ts), how pushes are read (redis/pushes.ts).
 * Invariant: publishers never have more than `deliveriesInFlightMax` with subscribers that have not arrived: less than
 * the least buffer at which a server drops a slow subscriber, were all of it one subscriber's.
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { call } from "./redis/client.ts";
import { commandBatch } from "./redis/commands.ts";
import { Connection } from "./redis/connection.ts";
import { linger, Progress } from "./redis/progress.ts";
import { PushReader, pushSizes } from "./redis/pushes.ts";
import { type PaceOptions, Sender } from "./redis/sender.ts";
import { BusyMeter, latenessText } from "./base/account.ts";
import { spin } from "./base/spin.ts";

export interface RedisPublishOptions {
  readonly port: number;
  readonly channel: string;
  readonly publishers: number;
  readonly pipeline: number;
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly messages: number;
  /** Of messages published, not deliveries. */
  readonly pace?: PaceOptions;
}

/** Of 100 bytes: 15 MB. */
const deliveriesInFlightMax = 100_000;
const dueAtOnceMax = 256;
/** At full speed the latency of every 64th message of a publisher is taken; a clock's share of the rest is too dear. */
const latencySkipMask = 63;

export async function generate(options: RedisPublishOptions): Promise<Figures> {
  const { port, channel, messages, payloadBytes } = options;
  const pace = options.pace && { ...options.pace, lateness: new Histogram() };
  const deliveries = messages * options.subscribers;
  const isPaced = pace !== undefined;
  let published = 0;
  let answered = 0;
  let arrived = 0;
  const missing = () => `${messages - answered} of ${messages} replies, ${deliveries - arrived} deliveries`;
  const progress = new Progress(() => answered + arrived, missing);
  const target = { port, failed: progress.fail };

  const latency = new Histogram();
  const format = {
    ...pushSizes(channel, payloadBytes),
    sources: options.publishers,
    latency,
    latencySkipMask: isPaced ? 0 : latencySkipMask,
  };
  const subscribers = await Connection.openMany(options.subscribers, target);
  for (const subscriber of subscribers) await call(subscriber, "SUBSCRIBE", channel);
  const readers = subscribers.map(() => new PushReader(format));

  const publishers = await Connection.openMany(options.publishers, target);
  const commands = isPaced ? dueAtOnceMax : options.pipeline;
  const batch = commandBatch(["PUBLISH", channel], { payloadBytes, commands });
  const shared = {
    sources: publishers.length,
    requests: messages,
    pipeline: options.pipeline,
    pace,
  };
  const senders = publishers.map((publisher, source) => new Sender(publisher, batch, { ...shared, source }));

  /** Publishers that had to wait for subscribers; served again in turn. */
  let isHeldBack = false;
  const step = (sender: Sender, nowMs: number) => {
    const inFlight = published * subscribers.length - arrived;
    const room = Math.floor((deliveriesInFlightMax - inFlight) / Math.max(1, subscribers.length));
    if (room < commands) isHeldBack = true;
    if (room > 0) published += sender.step(nowMs, Math.min(commands, room));
  };
  const stepAll = () => {
    isHeldBack = false;
    const nowMs = performance.now();
    for (const sender of senders) step(sender, nowMs);
    return !progress.isOver;
  };
  const look = () => {
    if (answered === messages && arrived === deliveries) progress.complete();
  };
  for (const [index, subscriber] of subscribers.entries()) {
    const reader = readers[index]!;
    subscriber.received = (chunk) => {
      const before = reader.received;
      reader.feed(chunk);
      arrived += reader.received - before;
      if (isHeldBack && !isPaced) stepAll();
      if (arrived >= deliveries) look();
    };
  }
  const busy = new BusyMeter();
  const startMs = performance.now();
  for (const [index, sender] of senders.entries()) {
    publishers[index]!.drained = () => step(sender, performance.now());
    sender.start(startMs, (_, replies) => {
      answered += replies;
      if (answered === messages) look();
      else if (!isPaced) step(sender, performance.now());
    });
  }
  if (isPaced) spin(stepAll);
  else stepAll();
  await progress.done;
  const seconds = (performance.now() - startMs) / 1000;
  const generatorText = pace === undefined ? busy.text() : latenessText(pace.lateness);

  await linger();
  verify(senders, readers, options);
  for (const connection of [...publishers, ...subscribers]) connection.close();
  const each = `${messages} replies; ${subscribers.length} subscribers saw each message once, in order`;
  const percentiles = latency.percentiles();
  return {
    count: options.subscribers === 0 ? messages : deliveries,
    seconds,
    ...(percentiles === undefined ? {} : { latency: percentiles }),
    verified: `${each}, ${generatorText}`,
  };
}

/** @throws when a subscriber has other than all messages, or the replies did not count all subscribers */
function verify(senders: readonly Sender[], readers: readonly PushReader[], options: RedisPublishOptions) {
  for (const { received } of readers)
    if (received !== options.messages)
      throw new Error(`a subscriber got ${received} of ${options.messages} messages`);
  const told = senders.reduce((sum, sender) => sum + sender.integerSum, 0);
  const expected = options.messages * options.subscribers;
  if (told !== expected)
    throw new Error(`replies to PUBLISH told of ${told} deliveries, expected ${expected}`);
}
