/** Redis clients that do not read: what they cost is bounded, and nobody else suffers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { eventually, mebibyte, MemoryWatch, Peer, redis, testMsMax } from "./flow-support.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

const connect = (): Promise<Peer> => Peer.connect(broker.ports.redis);

/** Sends and waits for so many bytes of replies. */
async function ask(peer: Peer, replyBytes: number, ...requests: Buffer[]): Promise<void> {
  const wanted = peer.received + replyBytes;
  peer.send(...requests);
  await eventually(() => peer.received >= wanted, "replies");
}

test(
  "a subscriber that does not read is disconnected at its bound; another gets all",
  { timeout: testMsMax },
  async () => {
    const [lazy, eager, publisher] = [await connect(), await connect(), await connect()];
    for (const subscriber of [lazy, eager]) {
      subscriber.send(redis("SUBSCRIBE", "news"));
      await eventually(() => subscriber.received > 0, "the subscription");
    }
    lazy.stopReading();
    const confirmedBytes = eager.received;
    const payload = Buffer.alloc(100_000, "n");
    const messageBytes = redis("message", "news", payload).length;
    const watch = new MemoryWatch(broker.pid);
    const request = redis("PUBLISH", "news", payload);
    for (let sent = 0; sent < 2000;) {
      publisher.send(...Array.from({ length: 40 }, () => request));
      sent += 40;
      await eventually(
        () => eager.received >= confirmedBytes + sent * messageBytes,
        "the eager one's messages",
      );
    }
    // The buffer doubles up to twice the bound; as much again is what it was copied from and not yet collected.
    watch.endsBelow(6 * limits.subscriberOutputBytesMax, "subscriber that does not read, 200 MB");
    lazy.read();
    await eventually(() => lazy.isClosed, "the lazy one's end");
    assert.ok(lazy.received < 2000 * messageBytes);
    await Promise.all([eager.close(), publisher.close()]);
  },
);

test(
  "replies to a pipeline that nobody reads wait unmade, and come whole and in order",
  { timeout: testMsMax },
  async () => {
    const peer = await connect();
    const size = mebibyte;
    for (let i = 0; i < 8; i++) await ask(peer, 5, redis("SET", `k${i}`, Buffer.alloc(size, 0x61 + i)));
    await delay(50);
    const count = 400;
    const watch = new MemoryWatch(broker.pid);
    peer.stopReading();
    const receivedBefore = peer.received;
    peer.send(Buffer.concat(Array.from({ length: count }, (_, i) => redis("GET", `k${i % 8}`))));
    await delay(300);
    assert.equal(peer.received, receivedBefore);
    const head = `$${size}\r\n`.length;
    const replyBytes = head + size + 2;
    let position = 0;
    let wrong = 0;
    peer.take = (bytes) => {
      // Three bytes of each chunk are looked at: where they stand says what they must be.
      for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
        const index = Math.floor((position + at) / replyBytes);
        const inside = (position + at) % replyBytes;
        if (inside >= head && inside < head + size && bytes[at] !== 0x61 + (index % 8)) wrong++;
      }
      position += bytes.length;
    };
    peer.read();
    await eventually(() => position >= count * replyBytes, "all replies");
    assert.equal(position, count * replyBytes);
    assert.equal(wrong, 0);
    watch.endsBelow(160 * mebibyte, "400 MB of replies to one chunk of GETs");
    await ask(peer, 7, redis("PING"));
    await peer.close();
  },
);

test(
  "a client that sends without reading is stopped, and goes on where it was",
  { timeout: testMsMax },
  async () => {
    const peer = await connect();
    await ask(peer, 5, redis("SET", "page", Buffer.alloc(4000, "p")));
    const watch = new MemoryWatch(broker.pid);
    peer.stopReading();
    const receivedBefore = peer.received;
    // 96 MB of requests whose replies are 96 MB.
    const request = redis("ECHO", Buffer.alloc(96_000, "e"));
    const count = 1000;
    for (let i = 0; i < count; i++) peer.send(request);
    await delay(300);
    assert.ok(peer.unsent > 50 * mebibyte, `${peer.unsent} bytes were not taken`);
    watch.endsBelow(48 * mebibyte, "96 MB of ECHO that nobody reads");
    peer.read();
    const wanted = receivedBefore + count * (96_000 + "$96000\r\n\r\n".length);
    await eventually(() => peer.received >= wanted, "all replies");
    assert.equal(peer.received, wanted);
    await peer.close();
  },
);
