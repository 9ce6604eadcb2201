/**
 * The same load over any number of queues: messages go round over all of them, and each queue has a consumer.
 *
 * The server's CPU seconds are those of the load alone: declaring and subscribing are over before it begins.
 */
import type { Figures } from "../contract.ts";
import { usageOf } from "../base/process.ts";
import { method, methodId, priorityArguments, uint } from "./amqp/handshake.ts";
import { AmqpLink, consume, declareQueues, deleteQueues, queueName } from "./amqp/link.ts";
import { Arrivals } from "./amqp/arrivals.ts";
import { Confirms } from "./amqp/confirms.ts";
import { PublishBlocks } from "./amqp/publish-blocks.ts";
import { throwWhenStalled } from "./base/watch.ts";

/** Sent and not yet both delivered and, where there are confirms, confirmed. */
const inFlightMax = 20_000;
const consumerChannels = 10;

export interface GrowthAmqpOptions {
  readonly port: number;
  readonly serverPid: number;
  readonly id: string;
  readonly queues: number;
  readonly messages: number;
  readonly bodyBytes: number;
  /** Durable queues and persistent, confirmed messages; else transient ones. */
  readonly isPersistent: boolean;
  /** Queues with priorities up to this one, and messages of all of them. */
  readonly priorityMax?: number;
}

export interface GrowthFigures extends Figures {
  /** Of the server, for the messages counted. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

export async function generate(options: GrowthAmqpOptions): Promise<GrowthFigures> {
  const { port, id, queues, messages, bodyBytes, isPersistent, priorityMax } = options;
  const writing = await AmqpLink.open(port, 1);
  const reading = await AmqpLink.open(port, consumerChannels);
  await declareQueues(writing, id, queues, isPersistent, priorityArguments(priorityMax));
  if (isPersistent) await writing.call(method(1, 0x0055_000a, uint(1, 0)), methodId.confirmSelectOk);
  const consumes = Array.from({ length: queues }, (_, number) => {
    const channel = 1 + (number % consumerChannels);
    return consume({ queue: queueName(id, number), channel, tag: String(number), acks: false });
  });
  await reading.call(Buffer.concat(consumes), methodId.consumeOk, queues);
  const arrivals = new Arrivals(messages);
  const to = { queuePrefix: id, queues };
  const blocks = new PublishBlocks({ link: writing, bodyBytes, isPersistent, priorityMax, to });
  const earlier = usageOf(options.serverPid);
  const startedMs = performance.now();
  await pass(writing, reading, { blocks, arrivals, messages, isPersistent });
  const seconds = (performance.now() - startedMs) / 1000;
  const later = usageOf(options.serverPid);
  await deleteQueues(writing, id, queues);
  writing.close();
  reading.close();
  return {
    count: messages,
    seconds,
    verified: arrivals.note,
    cpuSeconds: later.cpuSeconds - earlier.cpuSeconds,
    rssBytes: later.rssBytes,
  };
}

interface Load {
  readonly blocks: PublishBlocks;
  readonly arrivals: Arrivals;
  readonly messages: number;
  readonly isPersistent: boolean;
}

async function pass(writing: AmqpLink, reading: AmqpLink, load: Load): Promise<void> {
  const { blocks, arrivals, messages, isPersistent } = load;
  const confirms = new Confirms();
  const settled = () => (isPersistent ? Math.min(arrivals.count, confirms.count) : arrivals.count);
  const stopWatching = throwWhenStalled(
    () => arrivals.count + confirms.count,
    () => `${blocks.sent} sent, ${arrivals.count} arrived, ${confirms.count} confirmed, of ${messages}`,
  );
  await new Promise<void>((resolve) => {
    const pump = () => {
      while (blocks.hasFree && blocks.sent < messages) {
        if (blocks.sent - settled() + blocks.messagesPerBlock > inFlightMax) return;
        blocks.send(messages - blocks.sent, 0, 0);
      }
    };
    const progressed = () => {
      if (settled() === messages) resolve();
      else pump();
    };
    writing.onConfirm = (tag, isMultiple) => {
      confirms.add(tag, isMultiple, blocks.sent);
      progressed();
    };
    reading.onDeliver = (bytes, bodyAt) => {
      arrivals.add(bytes.readUInt32BE(bodyAt));
      if (arrivals.count % blocks.messagesPerBlock === 0 || arrivals.areAll) progressed();
    };
    blocks.onFree = pump;
    pump();
  });
  stopWatching();
}
