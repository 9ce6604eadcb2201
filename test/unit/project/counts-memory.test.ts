/**
 * What a message costs in memory, in counts that no noise changes: objects and heap of messages at rest, heap allocated
 * on their way through, bytes of index. See ARCHITECTURE.md, Memory: no object for each message.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectAmqp, consume, declareQueue, publishes, selectConfirms } from "../../support/counted-amqp.ts";
import { CountedBroker, type CountedPeer } from "../../support/counted-broker.ts";
import { bytesAllocated, heapAtRest } from "../../support/heap.ts";

const messages = 100_000;
const perPublish = 1000;
const rounds = 3;
/** Measured on Bun: 15 to 80; an object for each message would be 100,000. */
const objectsAtRestMax = 1000;
/** Measured on Bun: 4,700, the typed arrays of 391 pages that note 256 deliveries each. */
const objectsHeldMax = 6000;
/** Of Node's heap, where buffers are not. Measured: 0 to 2.1, and 5.2 of those held; a small object has 24. */
const heapBytesAtRestMax = 6;
const heapBytesHeldMax = 10;

let counted: CountedBroker;

before(async () => {
  counted = await CountedBroker.open({ isKept: true });
});

after(() => counted.close());

async function publisherTo(queue: string, isDurable: boolean): Promise<CountedPeer> {
  const publisher = await connectAmqp(counted);
  await publisher.ask(Buffer.concat([declareQueue(queue, isDurable), selectConfirms]));
  publisher.isKeeping = false;
  return publisher;
}

function lengthOf(queue: string): number {
  return counted.broker.defaultVhost.queues.get(queue)!.log.length;
}

function indexBytesOf(queue: string): number {
  return counted.broker.defaultVhost.queues.get(queue)!.log.index.arrayBytes;
}

interface Growth {
  readonly objects: number;
  readonly heapBytesEach: number;
}

/** What the heap grew by in a median run: the first leaves compiled code behind, which is not the messages'. */
async function growthOf(prepare: (round: number) => Promise<() => Promise<void>>): Promise<Growth> {
  const objects: number[] = [];
  const heapBytesEach: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const work = await prepare(round);
    const earlier = await heapAtRest();
    await work();
    const later = await heapAtRest();
    objects.push(later.objects - earlier.objects);
    heapBytesEach.push((later.bytes - earlier.bytes) / messages);
  }
  return { objects: median(objects), heapBytesEach: median(heapBytesEach) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

for (const isDurable of [true, false]) {
  const kind = isDurable ? "durable" : "transient";

  test(`100,000 messages in a ${kind} queue are no objects`, async () => {
    const growth = await growthOf(async (round) => {
      const queue = `rest-${kind}-${round}`;
      const publisher = await publisherTo(queue, isDurable);
      const batch = publishes({ queue }, perPublish, isDurable);
      return async () => {
        for (let done = 0; done < messages; done += perPublish) publisher.deliver(batch);
        await counted.settle();
        assert.equal(lengthOf(queue), messages);
      };
    });
    assert.ok(growth.objects < objectsAtRestMax, `${growth.objects} objects`);
    assert.ok(growth.heapBytesEach < heapBytesAtRestMax, `${growth.heapBytesEach} bytes of heap each`);
  });
}

test("100,000 messages that a consumer holds unacknowledged are no objects", async () => {
  const growth = await growthOf(async (round) => {
    const queue = `held-${round}`;
    const publisher = await publisherTo(queue, false);
    const batch = publishes({ queue }, perPublish, false);
    for (let done = 0; done < messages; done += perPublish) publisher.deliver(batch);
    const consumer = await connectAmqp(counted);
    consumer.isKeeping = false;
    return async () => {
      counted.counts.reset();
      consumer.deliver(consume(queue, { acks: true }));
      await counted.settle();
      assert.ok(counted.counts.sentBytes > messages * 100, "not all were delivered");
    };
  });
  assert.ok(growth.objects < objectsHeldMax, `${growth.objects} objects`);
  assert.ok(growth.heapBytesEach < heapBytesHeldMax, `${growth.heapBytesEach} bytes of heap each`);
});

/** The fewest bytes of heap that one message allocates, of several runs: once the code is compiled. */
async function bytesAllocatedEach(peer: CountedPeer, batch: Buffer): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 8; round++) {
    const earlier = bytesAllocated()!;
    peer.deliver(batch);
    await counted.settle();
    least = Math.min(least, (bytesAllocated()! - earlier) / perRound);
  }
  return least;
}

/** Measured: 50 to 55, 59 to 63, and 29 to 34: room for one more small object, not for two. */
const allocatedBytesMax = 100;
const isCounted = bytesAllocated() !== undefined;
const perRound = perPublish * 20;

test(
  "a transient message through a queue to its consumer allocates little",
  { skip: !isCounted },
  async () => {
    const queue = "passed-on";
    const publisher = await publisherTo(queue, false);
    const consumer = await connectAmqp(counted);
    consumer.isKeeping = false;
    consumer.deliver(consume(queue, { acks: false }));
    const each = await bytesAllocatedEach(publisher, publishes({ queue }, perRound, false));
    assert.equal(lengthOf(queue), 0);
    assert.ok(each < allocatedBytesMax, `${each} bytes`);
  },
);

test("a persistent, confirmed message allocates little", { skip: !isCounted }, async () => {
  const publisher = await publisherTo("kept", true);
  const each = await bytesAllocatedEach(publisher, publishes({ queue: "kept" }, perRound, true));
  assert.ok(each < allocatedBytesMax, `${each} bytes`);
});

test("an entry by XADD allocates little", { skip: !isCounted }, async () => {
  const client = counted.connect("redis");
  client.isKeeping = false;
  const body = "x".repeat(100);
  const one = `*5\r\n$4\r\nXADD\r\n$5\r\nadded\r\n$1\r\n*\r\n$4\r\nbody\r\n$100\r\n${body}\r\n`;
  const each = await bytesAllocatedEach(client, Buffer.from(one.repeat(perRound)));
  assert.ok(each < allocatedBytesMax, `${each} bytes`);
});

test("messages that share ticks share an index entry; one that comes alone has 16 bytes of its own", async () => {
  const shared = "shared-index";
  const publisher = await publisherTo(shared, true);
  const batch = publishes({ queue: shared }, perPublish, true);
  for (let done = 0; done < messages; done += perPublish) publisher.deliver(batch);
  await counted.settle();
  assert.equal(lengthOf(shared), messages);
  // Measured: 0.08, an entry for each read of 64 KiB.
  const sharedBytes = indexBytesOf(shared) / messages;
  assert.ok(sharedBytes < 0.2, `${sharedBytes} bytes each`);

  const alone = "alone-index";
  await publisher.ask(declareQueue(alone, true));
  const one = publishes({ queue: alone }, 1, true);
  const count = 10_000;
  for (let done = 0; done < count; done++) publisher.deliver(one);
  await counted.settle();
  assert.equal(lengthOf(alone), count);
  // Measured: 16.4, of 16 that are used: blocks of 512 entries, of which the last is not full.
  const aloneBytes = indexBytesOf(alone) / count;
  assert.ok(aloneBytes < 18, `${aloneBytes} bytes each`);
});
