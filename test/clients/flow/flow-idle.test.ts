/** Many connections that do nothing, and connections that never finish what they began: each costs little. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { figure, mebibyte, MemoryWatch, Peer, redis, residentBytes, testMsMax } from "./flow-support.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

type Port = "redis" | "amqp" | "kafka";

async function connectMany(port: number, count: number, first: Buffer | null): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let i = 0; i < count; i += 100) {
    peers.push(...(await Promise.all(Array.from({ length: 100 }, () => Peer.connect(port)))));
    if (first !== null) for (const peer of peers.slice(i)) peer.send(first);
  }
  return peers;
}

test(
  "2,000 idle Redis connections cost little, and closing them gives it back",
  { timeout: testMsMax },
  async () => {
    const count = 2000;
    await closeAll(await connectMany(broker.ports.redis, 100, redis("PING")));
    await delay(100);
    const bytesBefore = residentBytes(broker.pid);
    const peers = await connectMany(broker.ports.redis, count, redis("PING"));
    while (peers.some((peer) => peer.received < 7)) await delay(5);
    const each = (residentBytes(broker.pid) - bytesBefore) / count;
    figure(`idle Redis connection: ${(each / 1024).toFixed(1)} KiB`);
    assert.ok(each < 20_000, `${each} bytes for each connection`);
    await closeAll(peers);
    // The room is used again: as many once more need no more.
    const again = await connectMany(broker.ports.redis, count, redis("PING"));
    while (again.some((peer) => peer.received < 7)) await delay(5);
    const grown = (residentBytes(broker.pid) - bytesBefore) / count;
    figure(`after as many were closed and opened again: ${(grown / 1024).toFixed(1)} KiB`);
    assert.ok(grown < 30_000, `${grown} bytes for each connection the second time`);
    await closeAll(again);
  },
);

const halves: Record<Port, Buffer[]> = {
  // A bulk of half a gigabyte, of which nothing comes; a line that does not end.
  redis: [
    Buffer.from("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nx"),
    Buffer.from("*1000000\r\n$1\r\nx\r\n$"),
  ],
  // A header cut in two; a start-ok of which the frame's size is all there is.
  amqp: [Buffer.from("AMQ"), Buffer.from("AMQP\x00\x00\x09\x01\x01\x00\x00\x00\x00\x20\x00\x00", "latin1")],
  // A request of 100 MB that only begins.
  kafka: [Buffer.from([0x06, 0x40, 0, 0, 0, 0, 0, 3]), Buffer.from([0x06, 0x40])],
};

for (const name of ["redis", "amqp", "kafka"] as const) {
  test(`requests that only begin cost what came of them: ${name}`, { timeout: testMsMax }, async () => {
    const watch = new MemoryWatch(broker.pid);
    const peers: Peer[] = [];
    for (const half of halves[name]) peers.push(...(await connectMany(broker.ports[name], 500, half)));
    await delay(100);
    watch.endsBelow(32 * mebibyte, `1000 half requests, ${name}`);
    await closeAll(peers);
  });
}

async function closeAll(peers: readonly Peer[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.close()));
  await delay(50);
}
