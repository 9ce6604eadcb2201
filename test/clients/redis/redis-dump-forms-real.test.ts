/**
 * RESTORE of forms that redis 7.0 does not write, beside the real redis-server where it reads them: zipmaps, streams before 7.0. Those of
 * later versions are restored here alone. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

let ours: TestBroker;
let real: RealRedis;
let us: RawRedis;
let them: RawRedis;

before(async () => {
  if (noRealRedis !== false) return;
  ours = await startTestBroker();
  real = await RealRedis.start();
  us = await RawRedis.open(ours.ports.redis);
  them = await RawRedis.open(real.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  await us.close();
  await them.close();
  await real.stop();
  await ours.stop();
});

const options = { skip: noRealRedis };

/** The payload of a value, with the type before it. */
function payloadOf(value: Buffer): Buffer {
  const bytes = Buffer.concat([value, Buffer.from([9, 0]), Buffer.alloc(8)]);
  new Crc64().update(bytes, 0, bytes.length - 8).write(bytes, bytes.length - 8);
  return bytes;
}

/** What redis 5 has dumped, as it stands in redis's own tests. */
const streamOfRedis5 = [
  "0f011000000000000000010000000000000000c3404a405716570000002300020104010101846461746105000103010020010381610204200a000140",
  "0a0062600a0002400a0063600a4022018164200a4039200a0065600a0005400a0066200a00ff02060002026731050004000000000000000100000000",
  "000000003ef783437a01000001000000000000000200000000000000003ef783437a01000001000000000000000400000000000000003ef783437a01",
  "000001000000000000000500000000000000003ef783437a0100000101036331313ef783437a01000004000000000000000100000000000000000000",
  "000000000002000000000000000000000000000000040000000000000000000000000000000500000000000000000267320000000009003d52ef6867",
  "521dfa",
].join("");

test("a stream of redis 5: counts that it did not have", options, async () => {
  const payload = Buffer.from(streamOfRedis5, "hex");
  for (const words of [
    ["restore", "x", 0, payload],
    ["xinfo", "stream", "x"],
    ["xrange", "x", "-", "+"],
    ["xpending", "x", "g1", "-", "+", 10],
  ] as const) {
    const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
    const masked = (reply: string) =>
      reply.replaceAll(/(radix-tree-(?:keys|nodes)\r\n):\d+/g, "$1:N").replaceAll(/:\d{9,}/g, ":T");
    assert.equal(masked(got), masked(wanted), words[0]);
  }
  const [got, wanted] = await Promise.all([
    us.call("xinfo", "groups", "x"),
    them.call("xinfo", "groups", "x"),
  ]);
  assert.equal(got, wanted);
  assert.match(
    got,
    /entries-read\r\n:1\r\n\$3\r\nlag\r\n:1\r\n[^]*entries-read\r\n:0\r\n\$3\r\nlag\r\n:2\r\n/,
  );
  const full = await us.call("xinfo", "stream", "x", "full");
  assert.match(full, /max-deleted-entry-id\r\n\$3\r\n0-0\r\n\$13\r\nentries-added\r\n:2\r\n/);
});

test("a stream of redis 7.2: when a consumer was active", options, async () => {
  await them.call("xgroup", "create", "s", "g", "0", "mkstream");
  await them.call("xgroup", "createconsumer", "s", "g", "c");
  const reply = await them.call("dump", "s");
  const dump = Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
  // Behind the time seen, which is followed by how many entries are pending.
  const at = dump.length - 10 - 1;
  const active = Buffer.alloc(8);
  active.writeBigInt64LE(1_700_000_000_123n);
  const value = Buffer.concat([Buffer.from([21]), dump.subarray(1, at), active, dump.subarray(at, -10)]);
  assert.equal(await us.call("restore", "s", 0, payloadOf(value)), "+OK\r\n");
  assert.match(await us.call("xinfo", "stream", "s", "full"), /active-time\r\n:1700000000123\r\n/);
  active.writeBigInt64LE(-1n);
  const never = Buffer.concat([value.subarray(0, at), active, value.subarray(at + 8)]);
  assert.equal(await us.call("restore", "s", 0, payloadOf(never), "replace"), "+OK\r\n");
  assert.match(await us.call("xinfo", "stream", "s", "full"), /active-time\r\n:-1\r\n/);
});

function zipmap(count: number, ...parts: [field: Buffer, value: Buffer, unused: number][]): Buffer {
  const size = (length: number): Buffer => {
    if (length < 254) return Buffer.from([length]);
    const long = Buffer.alloc(5, 254);
    long.writeUInt32LE(length, 1);
    return long;
  };
  const bytes = Buffer.concat([
    Buffer.from([count]),
    ...parts.flatMap(([field, value, unused]) => [
      size(field.length),
      field,
      size(value.length),
      Buffer.from([unused]),
      value,
      Buffer.alloc(unused, 7),
    ]),
    Buffer.from([255]),
  ]);
  const head = Buffer.from([9, 0x40 | (bytes.length >> 8), bytes.length]);
  return payloadOf(Buffer.concat([head, bytes]));
}

test("zipmaps of redis 2.4", options, async () => {
  const text = (size: number): Buffer => Buffer.alloc(size, "v");
  const vectors = [
    zipmap(2, [Buffer.from("name"), Buffer.from("value"), 0], [Buffer.from("12"), Buffer.from("-7"), 3]),
    zipmap(254, [text(253), text(254), 0], [text(300), text(0), 4]),
    zipmap(1, [Buffer.alloc(0), Buffer.alloc(0), 0]),
    // The value is cut off; what is unused is; no end; nothing at all.
    zipmap(1, [text(3), text(4), 0]).subarray(0, -14),
    payloadOf(Buffer.from([9, 7, 1, 1, 0x61, 9, 0, 0x62, 255])),
    payloadOf(Buffer.from([9, 6, 1, 1, 0x61, 1, 0, 0x62])),
    payloadOf(Buffer.from([9, 2, 0, 255])),
  ];
  for (const payload of vectors) {
    const [got, wanted] = await Promise.all([
      us.call("restore", "h", 0, payload, "replace"),
      them.call("restore", "h", 0, payload, "replace"),
    ]);
    assert.equal(got, wanted);
    const inOrder = (reply: string): string => reply.split("\r\n").toSorted().join("\r\n");
    const [read, theirs] = await Promise.all([us.call("hgetall", "h"), them.call("hgetall", "h")]);
    assert.equal(inOrder(read), inOrder(theirs));
  }
});
