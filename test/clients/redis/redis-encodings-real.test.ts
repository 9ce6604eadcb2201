/**
 * OBJECT ENCODING at the bounds of each encoding, by every way in which a value is made or grows, in the real redis-server and in
 * ours: one element below a bound, at it, above it, and back below. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
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
  await Promise.all([us.close(), them.close()]);
  await real.stop();
  await ours.stop();
});

const options = { skip: noRealRedis };

async function same(...words: Word[]): Promise<string> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  assert.equal(got, wanted, words.map(String).join(" ").slice(0, 150));
  return got;
}

/** The element `i` of a collection: an integer, or a text of that length. */
function element(i: number, length: number): string {
  return length === 0 ? String(i) : `${i}`.padStart(length, "m");
}

function range(count: number, length: number): string[] {
  return Array.from({ length: count }, (_, i) => element(i, length));
}

/** Each makes the key `k` with these elements. Those that need others use the keys `a` and `b`. */
const ways: Readonly<Record<string, (elements: readonly string[]) => Word[][]>> = {
  SADD: (all) => [["sadd", "k", ...all]],
  "SADD one by one": (all) => all.map((each) => ["sadd", "k", each]),
  SUNIONSTORE: (all) => [
    ["sadd", "a", ...all.slice(0, all.length / 2)],
    ["sadd", "b", ...all.slice(all.length / 2)],
    ["sunionstore", "k", "a", "b"],
  ],
  SINTERSTORE: (all) => [
    ["sadd", "a", ...all, "other"],
    ["sadd", "b", ...all],
    ["sinterstore", "k", "a", "b"],
  ],
  SDIFFSTORE: (all) => [
    ["sadd", "a", ...all, "other"],
    ["sadd", "b", "other"],
    ["sdiffstore", "k", "a", "b"],
  ],
  "SREM to it": (all) => [
    ["sadd", "k", ...all, "x1", "x2"],
    ["srem", "k", "x1", "x2"],
  ],
  "COPY of a set": (all) => [
    ["sadd", "a", ...all],
    ["copy", "a", "k"],
  ],
  ZADD: (all) => [["zadd", "k", ...all.flatMap((each, i) => [i, each])]],
  "ZADD one by one": (all) => all.map((each, i) => ["zadd", "k", i, each]),
  ZUNIONSTORE: (all) => [
    ["zadd", "a", ...all.slice(0, all.length / 2).flatMap((each) => [1, each])],
    ["zadd", "b", ...all.slice(all.length / 2).flatMap((each) => [2, each])],
    ["zunionstore", "k", 2, "a", "b"],
  ],
  ZINTERSTORE: (all) => [
    ["zadd", "a", ...all.flatMap((each) => [1, each]), 1, "other"],
    ["zadd", "b", ...all.flatMap((each) => [1, each])],
    ["zinterstore", "k", 2, "a", "b"],
  ],
  ZDIFFSTORE: (all) => [
    ["zadd", "a", ...all.flatMap((each) => [1, each]), 1, "other"],
    ["zadd", "b", 1, "other"],
    ["zdiffstore", "k", 2, "a", "b"],
  ],
  "ZUNIONSTORE of a set": (all) => [
    ["sadd", "a", ...all],
    ["zunionstore", "k", 1, "a"],
  ],
  ZRANGESTORE: (all) => [
    ["zadd", "a", ...all.flatMap((each) => [1, each]), 2, "other"],
    ["zrangestore", "k", "a", 0, all.length - 1],
  ],
  GEOSEARCHSTORE: (all) => [
    ["geoadd", "a", ...all.flatMap((each) => [1, 1, each])],
    ["geosearchstore", "k", "a", "fromlonlat", 1, 1, "byradius", 1, "m"],
  ],
  "ZREM to it": (all) => [
    ["zadd", "k", ...all.flatMap((each) => [1, each]), 1, "x1", 1, "x2"],
    ["zrem", "k", "x1", "x2"],
  ],
  "COPY of a sorted set": (all) => [
    ["zadd", "a", ...all.flatMap((each) => [1, each])],
    ["copy", "a", "k"],
  ],
  HSET: (all) => [["hset", "k", ...all.flatMap((each) => [each, "v"])]],
  "HSET of values": (all) => [["hset", "k", ...all.flatMap((each, i) => [`f${i}`, each])]],
  "HSET one by one": (all) => all.map((each) => ["hset", "k", each, "v"]),
  "HDEL to it": (all) => [
    ["hset", "k", ...all.flatMap((each) => [each, "v"]), "x1", "v", "x2", "v"],
    ["hdel", "k", "x1", "x2"],
  ],
  RPUSH: (all) => [["rpush", "k", ...all]],
  "SORT STORE": (all) => [
    ["rpush", "a", ...all],
    ["sort", "a", "alpha", "store", "k"],
  ],
};

/** By the kind of key: at which counts, and at which lengths of a few elements. */
const counts = [127, 128, 129, 511, 512, 513];
const lengths = [63, 64, 65];

for (const [way, make] of Object.entries(ways)) {
  test(`${way}: the encoding at the bounds`, options, async () => {
    const told = new Set<string>();
    const cases = [
      ...counts.flatMap((count) => [range(count, 0), range(count, 6)]),
      ...lengths.map((length) => range(4, length)),
    ];
    for (const elements of cases) {
      await same("del", "k", "a", "b");
      for (const words of make(elements)) await same(...words);
      told.add(await same("object", "encoding", "k"));
    }
    assert.ok(
      told.size >= (/RPUSH|SORT STORE|SREM/.test(way) ? 1 : 2),
      `only ${[...told].join(" ")} was seen`,
    );
  });
}
