/**
 * What one more message costs a durable queue that holds a backlog: messages are taken from its head as fast as others
 * are published at its tail, so that it keeps its depth.
 *
 * Filling is not counted. Messages must come in order, from the first (with priorities: each once); and in the end the backlog must be
 * there.
 */
import { usageOf } from "../base/process.ts";
import type { GrowthFigures } from "./growth-amqp.ts";
import { method, methodId, priorityArguments, qos, uint } from "./amqp/handshake.ts";
import {
  ackUpTo,
  AmqpLink,
  consume,
  declareQueues,
  deleteQueues,
  queueName,
  readyMessages,
} from "./amqp/link.ts";
import { Confirms } from "./amqp/confirms.ts";
import { PublishBlocks } from "./amqp/publish-blocks.ts";
import { throwWhenStalled } from "./base/watch.ts";

const prefetch = 2000;
const acksTogether = 200;
const inFlightMax = 4000;
const settleMsMax = 10_000;
const pollMs = 20;

export interface GrowthBacklogOptions {
  readonly port: number;
  readonly serverPid: number;
  readonly id: string;
  /** Messages that are there before, and after. */
  readonly backlog: number;
  readonly messages: number;
  readonly bodyBytes: number;
  /** A queue with priorities up to this one, and messages of all of them. */
  readonly priorityMax?: number;
}

export async function generate(options: GrowthBacklogOptions): Promise<GrowthFigures> {
  const { port, id, backlog, messages, bodyBytes, priorityMax } = options;
  const writing = await AmqpLink.open(port, 1);
  await declareQueues(writing, id, 1, true, priorityArguments(priorityMax));
  await writing.call(method(1, 0x0055_000a, uint(1, 0)), methodId.confirmSelectOk);
  const to = { queuePrefix: id, queues: 1 };
  const blocks = new PublishBlocks({ link: writing, bodyBytes, isPersistent: true, priorityMax, to });
  const tail = new Tail(writing, blocks);
  await tail.publishUntil(backlog, () => backlog);

  const reading = await AmqpLink.open(port, 1);
  const order = priorityMax === undefined ? new InOrder() : new EachOnce(backlog + messages);
  const head = new Head(reading, queueName(id, 0), order);
  const earlier = usageOf(options.serverPid);
  const startedMs = performance.now();
  const taken = head.take(messages, () => tail.confirmed - backlog);
  tail.onConfirmed = () => head.settle();
  head.onSettled = () => tail.pump();
  // The depth is held from both sides: neither gets ahead of the other by more than is in flight.
  await Promise.all([
    tail.publishUntil(backlog + messages, () => backlog + head.settled + inFlightMax),
    taken,
  ]);
  const seconds = (performance.now() - startedMs) / 1000;
  const later = usageOf(options.serverPid);
  // Closed at once, its last acknowledgements could be lost.
  await reading.call(qos(1, prefetch), methodId.qosOk);
  reading.close();
  await expectReady(writing, queueName(id, 0), backlog);
  await deleteQueues(writing, id, 1);
  writing.close();
  return {
    count: messages,
    seconds,
    verified: `${messages} sequence numbers ${order.note}, ${backlog} left`,
    cpuSeconds: later.cpuSeconds - earlier.cpuSeconds,
    rssBytes: later.rssBytes,
  };
}

/** Publishes, and knows what is confirmed. */
class Tail {
  readonly #confirms = new Confirms();
  onConfirmed: () => void = () => {};
  readonly #blocks: PublishBlocks;
  #until = 0;
  #sentMax: () => number = () => 0;
  #done: () => void = () => {};

  constructor(link: AmqpLink, blocks: PublishBlocks) {
    this.#blocks = blocks;
    blocks.onFree = () => this.pump();
    link.onConfirm = (tag, isMultiple) => {
      this.#confirms.add(tag, isMultiple, blocks.sent);
      this.onConfirmed();
      this.pump();
    };
  }

  get confirmed(): number {
    return this.#confirms.count;
  }

  async publishUntil(until: number, sentMax: () => number): Promise<void> {
    this.#until = until;
    this.#sentMax = sentMax;
    const stopWatching = throwWhenStalled(
      () => this.confirmed,
      () => `${this.confirmed} of ${until} confirmed, ${this.#blocks.sent} sent`,
    );
    await new Promise<void>((resolve) => {
      this.#done = resolve;
      this.pump();
    });
    stopWatching();
  }

  pump(): void {
    const blocks = this.#blocks;
    if (this.confirmed >= this.#until) return this.#done();
    const most = Math.min(this.#until, this.#sentMax(), this.confirmed + inFlightMax);
    while (blocks.hasFree && blocks.sent < most) blocks.send(most - blocks.sent, 0, 0);
  }
}

interface Order {
  readonly note: string;
  /** Throws where the message is not one that may come now. */
  came(sequence: number): void;
}

class InOrder implements Order {
  readonly note = "in order";
  #due = 0;

  came(sequence: number): void {
    if (sequence !== this.#due) throw new Error(`message ${sequence} came, ${this.#due} was due`);
    this.#due += 1;
  }
}

class EachOnce implements Order {
  readonly note = "each once";
  readonly #have: Uint8Array;

  constructor(messages: number) {
    this.#have = new Uint8Array(messages);
  }

  came(sequence: number): void {
    if (this.#have[sequence] !== 0) throw new Error(`message ${sequence} came twice, or was never sent`);
    this.#have[sequence] = 1;
  }
}

/** Takes messages in order, and acknowledges no more than were published meanwhile. */
class Head {
  settled = 0;
  onSettled: () => void = () => {};
  readonly #link: AmqpLink;
  readonly #queue: string;
  readonly #order: Order;
  #delivered = 0;
  #wanted = 0;
  #settledMax: () => number = () => 0;
  #done: () => void = () => {};

  constructor(link: AmqpLink, queue: string, order: Order) {
    this.#link = link;
    this.#queue = queue;
    this.#order = order;
  }

  async take(messages: number, settledMax: () => number): Promise<void> {
    this.#wanted = messages;
    this.#settledMax = settledMax;
    const stopWatching = throwWhenStalled(
      () => this.settled,
      () => `${this.settled} of ${messages} acknowledged, ${this.#delivered} delivered`,
    );
    const link = this.#link;
    link.onDeliver = (bytes, bodyAt) => {
      this.#order.came(bytes.readUInt32BE(bodyAt));
      this.#delivered += 1;
      this.settle();
    };
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    await link.call(qos(1, prefetch), methodId.qosOk);
    await link.call(consume({ queue: this.#queue, channel: 1, tag: "c", acks: true }), methodId.consumeOk);
    await done;
    stopWatching();
  }

  /** Acknowledges some at a time, and what is left at the end. */
  settle(): void {
    const most = Math.min(this.#delivered, this.#wanted, this.#settledMax());
    if (most - this.settled < acksTogether && most !== this.#wanted) return;
    if (most === this.settled) return;
    this.settled = most;
    this.#link.socket.write(ackUpTo(1, most));
    this.onSettled();
    if (most === this.#wanted) this.#done();
  }
}

/** What the consumer held goes back once its connection is gone, and its last acknowledgements may be on their way. */
async function expectReady(link: AmqpLink, queue: string, expected: number): Promise<void> {
  let found = -1;
  for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += pollMs) {
    found = await readyMessages(link, queue);
    if (found === expected) return;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`${expected} messages should be left, ${found} are`);
}
