/** What is not whole takes bounded memory, large things finish all the same, and small ones do not wait for them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { frame, handshake, method, openChannel, shortText, uint } from "../../support/amqp-frames.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { eventually, figure, mebibyte, MemoryWatch, Peer, redis, testMsMax } from "./flow-support.ts";

const bytesMax = 64 * mebibyte;
const frameBytes = 100_000;
/** The connection that asks for metrics has its request and an output too. */
const askingBytesMax = 64 << 10;

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker({ args: ["--memory-bytes-max", "64MiB"] });
});
after(() => broker.stop());

async function metric(name: string): Promise<number> {
  return broker.metric(`troikamq_${name}`);
}

const bodyFrame = (channel: number): Buffer => frame(3, channel, Buffer.alloc(frameBytes));

/** A publish of so many body frames, without them. */
function begin(channel: number, frames: number): Buffer {
  return Buffer.concat([
    method(channel, 60, 40, uint(2, 0), shortText(""), shortText("nobody's"), uint(1, 0)),
    frame(2, channel, uint(2, 60), uint(2, 0), uint(8, frames * frameBytes), uint(2, 0)),
  ]);
}

/** Keeps what it hears. */
async function connectAmqp(): Promise<{ peer: Peer; heard: () => Buffer }> {
  const peer = await Peer.connect(broker.ports.amqp);
  const parts: Buffer[] = [];
  peer.take = (bytes) => parts.push(bytes);
  peer.send(handshake(["authentication_failure_close"]));
  return { peer, heard: () => Buffer.concat(parts) };
}

test(
  "one connection with bodies begun on two hundred channels is refused at half of the bound",
  { timeout: testMsMax },
  async () => {
    const { peer, heard } = await connectAmqp();
    const watch = new MemoryWatch(broker.pid);
    for (let channel = 1; channel <= 200; channel++) {
      peer.send(openChannel(channel), begin(channel, 20));
      for (let i = 0; i < 10; i++) peer.send(bodyFrame(channel));
    }
    await eventually(() => heard().includes("RESOURCE_ERROR"), "a refusal");
    watch.endsBelow(2 * bytesMax, "200 MB of bodies that have not ended");
    peer.send(method(0, 10, 51));
    await eventually(() => peer.isClosed, "the end");
    assert.ok((await metric("bytes_in_flight")) <= askingBytesMax);
  },
);

test(
  "thirty connections that are half through large bodies all finish, and a small request does not wait for them",
  { timeout: testMsMax },
  async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, connectAmqp));
    const small = await Peer.connect(broker.ports.redis);
    for (const { peer } of clients) {
      peer.send(openChannel(1), method(1, 85, 10, uint(1, 0)), begin(1, 40));
      for (let i = 0; i < 20; i++) peer.send(bodyFrame(1));
    }
    let heldBack = 0;
    while ((heldBack = await metric("connections_held_back")) === 0);
    assert.ok(heldBack < clients.length);
    const { received } = small;
    small.send(redis("SET", "small", Buffer.alloc(10_000)));
    await eventually(() => small.received > received, "the small request's answer");
    for (const { peer } of clients) for (let i = 0; i < 20; i++) peer.send(bodyFrame(1));
    const ack = method(1, 60, 80, uint(8, 1), uint(1, 0));
    let most = 0;
    while (!clients.every(({ heard }) => heard().includes(ack))) {
      most = Math.max(most, await metric("bytes_in_flight"));
    }
    figure(`120 MB of bodies at the same time: ${(most / mebibyte).toFixed(1)} MiB held`);
    // Beyond the bound: one body, and of each a chunk, which may make its buffer double.
    assert.ok(most < 1.5 * bytesMax, `${most} bytes`);
    await Promise.all([small, ...clients.map(({ peer }) => peer)].map((peer) => peer.close()));
    while ((await metric("bytes_in_flight")) > askingBytesMax);
    assert.equal(await metric("connections_held_back"), 0);
  },
);
