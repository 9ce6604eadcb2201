/**
 * DUMP and RESTORE of this broker alone: the forms of its parts, bytes that nobody has serialized, and large streams, over many turns
 * and restarts. Beside the real server: test/clients/redis/redis-dump-real.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { StreamDraft } from "../../../src/broker/stream/draft.ts";
import { readStream } from "../../../src/protocols/redis/dump/stream-reader.ts";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { ListpackReader, ListpackWriter } from "../../../src/protocols/redis/wire/rdb/listpack.ts";
import { RdbReader } from "../../../src/protocols/redis/wire/rdb/reader.ts";
import { streamFormOf } from "../../../src/protocols/redis/wire/rdb/stream-form.ts";
import { BadData, rdbType } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { writeLength, writeLongLength, writeString } from "../../../src/protocols/redis/wire/rdb/writer.ts";
import { DurableRig } from "../../support/durable-rig.ts";
import { thorough } from "../../support/thorough.ts";

test("CRC-64 is redis's", () => {
  const sum = Buffer.alloc(8);
  new Crc64().update(Buffer.from("123456789")).write(sum, 0);
  assert.equal(sum.readBigUInt64LE(0), 0xe9c6d914c4b8d9can);
  const text = Buffer.from("This is a test of the emergency broadcast system.");
  new Crc64().update(text, 0, 10).update(text, 10).write(sum, 0);
  const whole = new Crc64().update(text);
  assert.ok(whole.isAt(sum, 0));
});

test("lengths and strings are read as they were written", () => {
  const lengths = [0, 1, 63, 64, 16_383, 16_384, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const out = new ByteWriter();
  for (const length of lengths) writeLength(out, length);
  writeLongLength(out, 0xffff_ffff, 0xffff_fffe);
  for (const size of [0, 63, 64, 20_000]) writeString(out, Buffer.alloc(size, size));
  const bytes = out.copy();
  const reader = new RdbReader(bytes, 0, bytes.length);
  for (const length of lengths) assert.equal(reader.length(), length);
  reader.length();
  assert.deepEqual([reader.high, reader.low], [0xffff_ffff, 0xffff_fffe]);
  for (const size of [0, 63, 64, 20_000]) {
    reader.string();
    assert.deepEqual(reader.bytes.subarray(reader.start, reader.end), Buffer.alloc(size, size));
  }
  assert.equal(reader.remaining, 0);
});

test("strings of integers and compressed ones are read", () => {
  const vectors: [number[], string][] = [
    [[0xc0, 0x80], "-128"],
    [[0xc1, 0xff, 0x7f], "32767"],
    [[0xc2, 0, 0, 0, 0x80], "-2147483648"],
    // LZF: one byte as it is, then 9 + 2 from one byte back.
    [[0xc3, 5, 12, 0, 0x61, 0xe0, 2, 0], "a".repeat(12)],
  ];
  for (const [bytes, wanted] of vectors) {
    const buffer = Buffer.from(bytes);
    const reader = new RdbReader(buffer, 0, buffer.length);
    assert.equal(reader.text(), wanted);
    assert.equal(reader.remaining, 0);
  }
  for (const bytes of [
    [0xc3, 5, 13, 0, 0x61, 0xe0, 2, 0],
    [0xc3, 5, 12, 0, 0x61, 0xe0, 2, 1],
    [0xc3, 5, 250, 0, 0x61, 0xe0, 2, 0],
    [0xc3, 0x80, 0xff, 0xff, 0xff, 0xff, 1, 0],
    [0x82, 1],
    [0xc4, 1],
    [5, 1],
  ]) {
    const buffer = Buffer.from(bytes);
    assert.throws(() => new RdbReader(buffer, 0, buffer.length).text(), BadData);
  }
});

const element = fc.oneof(
  fc.integer(),
  fc.constantFrom(
    0,
    127,
    128,
    -1,
    -4096,
    4095,
    -4097,
    32_767,
    -32_768,
    8_388_607,
    -8_388_608,
    2 ** 31 - 1,
    -(2 ** 31),
  ),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(63, 64, 4095, 4096, 20_000).map((size) => new Uint8Array(size)),
);

test("a listpack is read as it was written", () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 30, size: "max" }), (elements) => {
      const out = new ByteWriter();
      const writer = new ListpackWriter();
      writer.begin(out);
      for (const each of elements)
        if (typeof each === "object") writer.string(each, 0, each.length);
        else writer.integer(each);
      writer.end();
      const bytes = out.copy();
      const reader = new ListpackReader(bytes, 0, bytes.length);
      for (const each of elements) {
        assert.ok(reader.next());
        if (typeof each === "object")
          assert.deepEqual(new Uint8Array(reader.bytes.subarray(reader.start, reader.end)), each);
        else assert.equal(BigInt(reader.integer!), BigInt(each));
      }
      assert.equal(reader.next(), false);
    }),
    { numRuns: 300 * thorough },
  );
});

// A broker

const turnBounds = { turnWorkUnits: 100, turnWorkSliceUnits: 100 };

async function asked(rig: DurableRig, ...commands: (string | number | Buffer)[][]): Promise<RedisReply[]> {
  const client = new RedisClient(rig.connect("redis"));
  client.encoding = "latin1";
  const replies: RedisReply[] = [];
  for (const words of commands)
    client.call(
      words.map((word) => (Buffer.isBuffer(word) ? word.latin1Slice() : word)),
      (reply) => replies.push(reply),
    );
  await rig.until(() => replies.length === commands.length, "answers");
  client.cut();
  return replies;
}

const entries = 500;

async function withStream(seed: number): Promise<DurableRig> {
  const rig = await DurableRig.open(seed, { turnBounds });
  await asked(
    rig,
    ...Array.from({ length: entries }, (_, i) => ["XADD", "s", `${i + 1}-1`, "field", `value ${i}`]),
    ["XGROUP", "CREATE", "s", "g", 0],
    ["XREADGROUP", "GROUP", "g", "one", "COUNT", 300, "STREAMS", "s", ">"],
    ["XDEL", "s", ...Array.from({ length: 100 }, (_, i) => `${5 * i + 1}-1`)],
  );
  return rig;
}

const looks = (key: string): (string | number)[][] => [
  ["XINFO", "STREAM", key, "FULL", "COUNT", 0],
  ["XRANGE", key, "-", "+"],
];

async function lookAt(rig: DurableRig, key: string): Promise<string> {
  // `active-time` is not serialized in this version of the format.
  return JSON.stringify(await asked(rig, ...looks(key))).replaceAll(/"active-time",-?\d+/g, "");
}

function assertNothingLeft(rig: DurableRig, streams: number, groups: number): void {
  const { storage, defaultVhost } = rig.broker;
  assert.equal(defaultVhost.queues.size, streams);
  assert.equal(storage.logs.size, streams);
  assert.equal([...storage.definitions.entries("group/")].length, groups);
  assert.equal(storage.states.size, streams + groups);
}

test("a large stream is serialized and restored over many turns, and is there after a kill", async () => {
  const rig = await withStream(1);
  const wanted = await lookAt(rig, "s");
  const { turnsContinued } = rig.broker.work;
  const [dump] = await asked(rig, ["DUMP", "s"]);
  const between = rig.broker.work.turnsContinued;
  assert.ok(between - turnsContinued > 3, "DUMP took few turns");
  assert.deepEqual(await asked(rig, ["RESTORE", "t", 0, dump as string]), ["OK"]);
  assert.ok(rig.broker.work.turnsContinued - between > 3, "RESTORE took few turns");
  assert.equal(await lookAt(rig, "t"), wanted);
  await rig.kill();
  assert.equal(await lookAt(rig, "t"), wanted);
  assertNothingLeft(rig, 2, 2);
});

test("a key that comes while a stream is restored is busy then, or replaced", async () => {
  for (const replaces of [false, true]) {
    const rig = await withStream(2);
    const [dump] = await asked(rig, ["DUMP", "s"]);
    const client = new RedisClient(rig.connect("redis"));
    client.encoding = "latin1";
    let reply: RedisReply | undefined;
    client.call(
      ["RESTORE", "t", 0, dump as string, ...(replaces ? ["REPLACE"] : [])],
      (answer) => (reply = answer),
    );
    // Streams wait for nobody.
    await asked(rig, ["PING"], ["XADD", "t", "*", "f", "v"]);
    assert.equal(reply, undefined, "it was over before");
    await rig.until(() => reply !== undefined, "an answer");
    if (replaces) assert.equal(reply, "OK");
    else assert.match(String(reply), /BUSYKEY/);
    await rig.pass(200);
    assertNothingLeft(rig, 2, replaces ? 2 : 1);
  }
});

const fields = 2000;

async function withHash(seed: number): Promise<{ rig: DurableRig; dump: string }> {
  const rig = await DurableRig.open(seed, { turnBounds });
  await asked(rig, ["HSET", "h", ...Array.from({ length: 2 * fields }, (_, i) => `word${i}`)]);
  const [dump] = await asked(rig, ["DUMP", "h"]);
  return { rig, dump: dump as string };
}

test("a large hash is restored over many turns, appears at once, and is there after a kill", async () => {
  const { rig, dump } = await withHash(4);
  for (const replaces of [false, true]) {
    const { turnsContinued } = rig.broker.work;
    const client = new RedisClient(rig.connect("redis"));
    client.encoding = "latin1";
    let reply: RedisReply | undefined;
    client.call(
      ["RESTORE", "t", 100_000, dump, ...(replaces ? ["REPLACE"] : [])],
      (answer) => (reply = answer),
    );
    const sizes = new Set<RedisReply>();
    const looker = new RedisClient(rig.connect("redis"));
    await rig.until(() => {
      if (looker.waiting === 0) looker.call(["HLEN", "t"], (answer) => sizes.add(answer));
      return reply !== undefined;
    }, "an answer");
    assert.equal(reply, "OK");
    assert.ok(rig.broker.work.turnsContinued - turnsContinued > 3, "RESTORE took few turns");
    for (const size of sizes) assert.ok(size === fields || (size === 0 && !replaces), String(size));
    assert.equal(rig.keyspace.scratch.size, 0);
  }
  const asks = ["HGET t word0", "HLEN t", "TYPE t"].map((line) => line.split(" "));
  assert.deepEqual(await asked(rig, ...asks), ["word1", fields, "hash"]);
  await rig.kill();
  assert.deepEqual(await asked(rig, ...asks), ["word1", fields, "hash"]);
  const [left] = await asked(rig, ["TTL", "t"]);
  assert.ok((left as number) > 0 && (left as number) <= 100, String(left));
});

test("a hash that is being restored: its client goes, its key is taken, its broker is killed", async () => {
  const { rig, dump } = await withHash(5);
  const begin = async (onReply: (reply: RedisReply) => void): Promise<RedisClient> => {
    const client = new RedisClient(rig.connect("redis"));
    client.encoding = "latin1";
    client.call(["RESTORE", "t", 0, dump], onReply);
    await rig.until(() => rig.keyspace.scratch.size > 0, "a part of it");
    return client;
  };
  const gone = await begin(() => {});
  gone.cut();
  await rig.until(() => rig.keyspace.scratch.size === 0, "nothing left");
  assert.deepEqual(await asked(rig, ["EXISTS", "t"]), [0]);
  let reply: RedisReply | undefined;
  await begin((answer) => (reply = answer));
  // It waits until the hash is there.
  assert.deepEqual(await asked(rig, ["HSET", "t", "more", "v"], ["HLEN", "t"]), [1, fields + 1]);
  assert.equal(reply, "OK");
  assert.equal(rig.keyspace.scratch.size, 0);
  await asked(rig, ["DEL", "t"]);
  await begin(() => {});
  await rig.pass(50);
  await rig.kill();
  assert.equal(rig.keyspace.scratch.size, 0);
  assert.equal((await asked(rig, ["HLEN", "h"]))[0], fields);
});

function checked(bytes: Buffer): Buffer {
  const whole = Buffer.concat([bytes, Buffer.from([10, 0]), Buffer.alloc(8)]);
  new Crc64().update(whole, 0, whole.length - 8).write(whole, whole.length - 8);
  return whole;
}

test("whatever bytes are to be restored, the answer is OK or an error, and nothing is left of what is not", async () => {
  const rig = await DurableRig.open(3);
  await asked(
    rig,
    ...Array.from({ length: 8 }, (_, i) => [
      "XADD",
      "s",
      `${i + 1}-1`,
      "field",
      i % 2 === 0 ? "v" : `value ${i}`,
    ]),
    ["XADD", "s", "20-1", "other", "x", "field", "y"],
    ["XGROUP", "CREATE", "s", "g", 0],
    ["XGROUP", "CREATE", "s", "h", "3-1"],
    ["XREADGROUP", "GROUP", "g", "one", "COUNT", 4, "STREAMS", "s", ">"],
    ["XREADGROUP", "GROUP", "g", "two", "COUNT", 1, "STREAMS", "s", ">"],
    ["XDEL", "s", "2-1"],
    ["HSET", "hash", "a", "1", "b", "text", "c", "x".repeat(100)],
    ["HSET", "packed", "a", "1", "b", "-5000", "c", "text"],
    ["SET", "string", "text"],
    ["SADD", "integers", "1", "70000", "-3"],
    ["SADD", "set", "a", "bc", "1"],
  );
  const keys = ["s", "hash", "packed", "string", "integers", "set"];
  const replies = await asked(rig, ...keys.map((key) => ["DUMP", key]));
  const dumps = replies.map((dump) => Buffer.from(dump as string, "latin1").subarray(0, -10));
  const counts = { taken: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...dumps),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xc3, 0xff), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.boolean(),
      async (dump, changes, isCut) => {
        let bytes = Buffer.from(dump);
        for (const [at, special, byte] of changes) bytes[at % bytes.length] = at % 2 === 0 ? special : byte;
        if (isCut) bytes = bytes.subarray(0, 1 + (changes[0]![0] % bytes.length));
        const [reply, , gone] = await asked(
          rig,
          ["RESTORE", "t", 0, checked(bytes)],
          ["TYPE", "t"],
          ["DEL", "t"],
        );
        if (reply === "OK") counts.taken++;
        else {
          assert.match(String(reply), /ERR Bad data format/);
          assert.equal(gone, 0);
          counts.refused++;
        }
      },
    ),
    { numRuns: 600 * thorough },
  );
  assert.ok(counts.taken > 10 && counts.refused > 100, JSON.stringify(counts));
  assert.deepEqual(rig.errors, []);
  await rig.pass(200);
  assertNothingLeft(rig, 1, 2);
});

test("a few bytes that stand for many are refused", async () => {
  const rig = await DurableRig.open(7);
  // Three hundred entries of one field, whose name is in the node once.
  const out = new ByteWriter();
  const writer = new ListpackWriter();
  writer.begin(out);
  const name = Buffer.alloc(10_000, "n");
  const count = 300;
  for (const number of [count, 0, 1]) writer.integer(number);
  writer.string(name, 0, name.length);
  writer.integer(0);
  for (let i = 0; i < count; i++) {
    for (const number of [2, i, 0]) writer.integer(number);
    writer.string(name, 0, 1);
    writer.integer(4);
  }
  writer.end();
  const value = new ByteWriter();
  value.uint8(1);
  const master = Buffer.alloc(16);
  master[7] = 1;
  writeString(value, master);
  writeString(value, out.copy());
  // Length, last id, first id, max deleted id, entries added, groups.
  for (const length of [count, 99_999, 0, 1, 0, 0, 0, count, 0]) writeLength(value, length);
  const bytes = value.copy();
  assert.ok(bytes.length < 20_000);
  const read = (bytesMax: number): void => {
    const draft = new StreamDraft(rig.broker);
    try {
      finishNow(
        readStream(
          new RdbReader(bytes, 0, bytes.length),
          streamFormOf(rdbType.streamListpacks2)!,
          draft,
          bytesMax,
        ),
      );
      assert.equal(draft.log.length, count);
    } finally {
      draft.drop();
    }
  };
  assert.throws(() => read(1 << 20), /come to more than 1 MiB/);
  read(4 << 20);
  await rig.pass(200);
  assertNothingLeft(rig, 0, 0);
});
