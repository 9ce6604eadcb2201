/** AMQP consumers that do not read: bounded memory, everything exactly once and in order later, others go on. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Channel, ConfirmChannel } from "amqplib";
import { limits } from "../../../src/base/limits.ts";
import { AmqpTarget, uniqueName } from "../../support/amqp.ts";
import { handshake, method, openChannel, shortText, uint } from "../../support/amqp-frames.ts";
import { eventually, mebibyte, MemoryWatch, Peer, testMsMax } from "./flow-support.ts";

const bodyBytes = 100_000;
const count = 2000;

let target: AmqpTarget;
let publisher: ConfirmChannel;

before(async () => {
  target = await AmqpTarget.start();
  publisher = await (await target.connect()).createConfirmChannel();
});
after(() => target.stop());

const numbered = (number: number): Buffer => {
  const body = Buffer.alloc(bodyBytes, number & 0xff);
  body.writeUInt32BE(number);
  return body;
};

async function fill(queue: string): Promise<void> {
  for (let i = 0; i < count;) {
    for (const end = i + 100; i < end; i++) publisher.sendToQueue(queue, numbered(i));
    await publisher.waitForConfirms();
  }
}

/** A consumer over a plain socket, which reads when it is told to. */
class RawConsumer {
  readonly peer: Peer;
  /** The numbers of the messages that came, and their delivery tags. */
  readonly numbers: number[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #tag = 0;
  #bodyLeft = 0;
  /** Acknowledges each message as it comes. */
  acknowledges = false;

  private constructor(peer: Peer) {
    this.peer = peer;
    peer.take = (bytes) => this.#take(bytes);
  }

  static async start(queue: string, options: { noAck: boolean; prefetch: number }): Promise<RawConsumer> {
    const peer = await Peer.connect(Number(new URL(target.url).port));
    const consumer = new RawConsumer(peer);
    peer.send(handshake(), openChannel(1));
    if (options.prefetch > 0) peer.send(method(1, 60, 10, uint(4, 0), uint(2, options.prefetch), uint(1, 0)));
    const flags = options.noAck ? 2 : 0;
    const names = Buffer.concat([shortText(queue), shortText("raw")]);
    peer.send(method(1, 60, 20, uint(2, 0), names, uint(1, flags), uint(4, 0)));
    return consumer;
  }

  #take(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 8) {
      const size = rest.readUInt32BE(3);
      if (rest.length < size + 8) break;
      this.#frame(rest[0]!, rest.subarray(7, 7 + size));
      rest = rest.subarray(size + 8);
    }
    this.#rest = Buffer.from(rest);
  }

  #frame(type: number, payload: Buffer): void {
    if (type === 1 && payload.readUInt32BE(0) === 0x3c_003c) {
      this.#tag = Number(payload.readBigUInt64BE(5 + payload[4]!));
    } else if (type === 2) this.#bodyLeft = Number(payload.readBigUInt64BE(4));
    else if (type === 3) {
      if (this.#bodyLeft === bodyBytes) this.numbers.push(payload.readUInt32BE(0));
      this.#bodyLeft -= payload.length;
      if (this.#bodyLeft === 0 && this.acknowledges)
        this.peer.send(method(1, 60, 80, uint(8, this.#tag), uint(1, 0)));
    }
  }
}

async function durableQueue(): Promise<string> {
  const queue = uniqueName("flow");
  await publisher.assertQueue(queue, { durable: true });
  return queue;
}

const ascending = Array.from({ length: count }, (_, i) => i);

test(
  "a no-ack consumer that does not read: bounded, and all comes once and in order",
  { timeout: testMsMax },
  async () => {
    const queue = await durableQueue();
    await fill(queue);
    const watch = new MemoryWatch(target.broker!.pid);
    const consumer = await RawConsumer.start(queue, { noAck: true, prefetch: 0 });
    await eventually(() => consumer.numbers.length > 0, "the first delivery");
    consumer.peer.stopReading();
    const seen = consumer.numbers.length;
    await delay(300);
    assert.equal(consumer.numbers.length, seen);
    const { messageCount } = await publisher.checkQueue(queue);
    assert.ok(messageCount > count / 2, `${messageCount} messages wait in the queue, not in memory`);
    watch.endsBelow(64 * mebibyte, "no-ack consumer before 200 MB that does not read");
    consumer.peer.read();
    await eventually(() => consumer.numbers.length >= count, "all messages");
    assert.deepEqual(consumer.numbers, ascending);
    await consumer.peer.close();
  },
);

test(
  "a consumer with a huge prefetch that does not read: bounded, and another one gets the rest",
  { timeout: testMsMax },
  async () => {
    const queue = await durableQueue();
    const lazy = await RawConsumer.start(queue, { noAck: false, prefetch: 60_000 });
    lazy.acknowledges = true;
    lazy.peer.stopReading();
    const watch = new MemoryWatch(target.broker!.pid);
    await fill(queue);
    // What the publishing itself leaves to the collector under Bun is 60 to 105 MiB of it (measured).
    watch.endsBelow(144 * mebibyte, "200 MB through the broker past a consumer that does not read");
    const other: Channel = await target.channel();
    const numbers: number[] = [];
    await other.consume(queue, (message) => numbers.push(message!.content.readUInt32BE(0)), { noAck: true });
    await eventually(() => numbers.length > count / 2, "the other one's messages");
    await delay(200);
    const taken = numbers.length;
    assert.ok(taken < count, "the lazy one has some");
    lazy.peer.read();
    await eventually(() => lazy.numbers.length + numbers.length >= count, "all messages");
    for (const one of [lazy.numbers, numbers])
      assert.deepEqual(
        one,
        one.toSorted((a, b) => a - b),
      );
    assert.deepEqual(
      [...lazy.numbers, ...numbers].toSorted((a, b) => a - b),
      ascending,
    );
    await lazy.peer.close();
  },
);

test(
  "basic.get in one chunk for more than anybody reads: bounded, in order",
  { timeout: testMsMax },
  async () => {
    const queue = await durableQueue();
    await fill(queue);
    const consumer = await RawConsumer.start(await durableQueue(), { noAck: true, prefetch: 0 });
    await eventually(() => consumer.peer.received > 400, "the connection");
    consumer.peer.stopReading();
    const watch = new MemoryWatch(target.broker!.pid);
    const get = method(1, 60, 70, uint(2, 0), shortText(queue), uint(1, 1));
    consumer.peer.send(Buffer.concat(Array.from({ length: count }, () => get)));
    await delay(300);
    const { messageCount } = await publisher.checkQueue(queue);
    assert.ok(messageCount > count / 2, `${messageCount} messages wait in the queue`);
    watch.endsBelow(64 * mebibyte, "basic.get for 200 MB that nobody reads");
    consumer.peer.read();
    await eventually(() => consumer.numbers.length >= count, "all messages");
    assert.deepEqual(consumer.numbers, ascending);
    await consumer.peer.close();
  },
);

test("consumers on one connection take turns in its room", { timeout: testMsMax }, async () => {
  const perQueue = 60;
  const queues = Array.from({ length: 20 }, () => uniqueName("turns"));
  for (const queue of queues) {
    await publisher.assertQueue(queue, { durable: false });
    for (let i = 0; i < perQueue; i++) publisher.sendToQueue(queue, numbered(i));
  }
  await publisher.waitForConfirms();
  const peer = await Peer.connect(Number(new URL(target.url).port));
  const seen = new Set<string>();
  let end = Buffer.alloc(0);
  let bytesUntilAll = 0;
  peer.take = (piece) => {
    end = Buffer.concat([end.subarray(-100), piece]);
    for (const queue of queues) if (end.includes(queue)) seen.add(queue);
    if (seen.size === queues.length && bytesUntilAll === 0) bytesUntilAll = peer.received;
  };
  peer.send(handshake());
  const consumes = queues.map((queue, at) => {
    const names = Buffer.concat([shortText(queue), shortText(queue)]);
    const consume = method(at + 1, 60, 20, uint(2, 0), names, uint(1, 2 + 8), uint(4, 0));
    return Buffer.concat([openChannel(at + 1), consume]);
  });
  peer.send(...consumes);
  await eventually(() => peer.received > queues.length * perQueue * bodyBytes, "all messages");
  // One queue after the other would be 19 times 6 MB before the last one's first message.
  assert.ok(bytesUntilAll > 0 && bytesUntilAll < 60e6, `${bytesUntilAll} bytes until each had its first`);
  await peer.close();
});

test(
  "a client that does not read its direct replies is disconnected at its bound; replies to it are returned from then on",
  { timeout: testMsMax },
  async () => {
    const requester = await target.connect();
    requester.on("error", () => {});
    const asks = await requester.createChannel();
    asks.on("error", () => {});
    await asks.consume("amq.rabbitmq.reply-to", () => {}, { noAck: true });
    const queue = await durableQueue();
    asks.sendToQueue(queue, Buffer.from("?"), { replyTo: "amq.rabbitmq.reply-to" });
    let replyTo = "";
    await eventually(async () => {
      const request = await publisher.get(queue, { noAck: true });
      if (request !== false) replyTo = request.properties.replyTo as string;
      return request !== false;
    }, "the request");
    const { stream } = (requester as unknown as { connection: { stream: Socket } }).connection;
    stream.removeAllListeners("readable").pause();
    let isClosed = false;
    stream.on("close", () => (isClosed = true));
    const replier = await (await target.connect()).createConfirmChannel();
    let returned = 0;
    replier.on("return", () => returned++);
    const watch = new MemoryWatch(target.broker!.pid);
    let taken = -1;
    for (let sent = 0; sent < count && (taken < 0 || sent < 2 * taken); sent += 50) {
      if (taken < 0 && returned > 0) taken = sent - returned;
      for (let i = 0; i < 50; i++) replier.publish("", replyTo, numbered(sent + i), { mandatory: true });
      await replier.waitForConfirms();
      if (taken >= 0) assert.equal(returned, sent + 50 - taken, "each one after the first that was returned");
    }
    assert.ok(taken * bodyBytes > limits.subscriberOutputBytesMax - mebibyte, `${taken} replies were taken`);
    // As of a Redis subscriber.
    watch.endsBelow(6 * limits.subscriberOutputBytesMax, "direct replies that nobody reads, 200 MB");
    await target.broker!.logged("did not read its direct replies");
    stream.resume();
    await eventually(() => isClosed, "the requester's end");
  },
);
