/** Fields that expire beside a redis-server of a later version (8.2), reply for reply; without one the test says so and does nothing. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { BesideRedis } from "../../support/beside-redis.ts";
import { laterProgram, noLaterRedis } from "../../support/real-redis.ts";

const options = { skip: noLaterRedis };
let beside: BesideRedis | null = null;

before(async () => {
  // Redis keeps fields that expire in the order of their times.
  if (noLaterRedis === false)
    beside = await BesideRedis.start(["hgetall", "hkeys", "hvals", "hscan"], laterProgram);
});

after(() => beside?.stop());

const errors = `
  command info hexpire
  command info hexpireat
  command info hexpiretime
  command info hgetdel
  command info hpersist
  command info hpexpire
  command info hpexpireat
  command info hpexpiretime
  command info hpttl
  command info hsetex
  command info httl
  command info waitaof
  command getkeys hgetex k FIELDS 1 a
  set s 1
  hset h a 1 b 2 c 3
  hexpire h 10 FIELDS 1 a b
  hexpire h -1 FIELDS 1 a
  hexpire h x FIELDS 1 a
  hexpire h 10 NX XX FIELDS 1 a
  hexpire h 10 NX FIELDS 1 a
  hexpire h 10 FIELDS 0 a
  hexpire h 10 FIELDS 2 a
  hexpire h 10 FIELDS x a
  hexpire h 10 foo FIELDS 1 a
  hexpire h 10 FIELDS 1 a NX
  hexpire h 10 FIELDS 1
  hexpire h 10 FIELDS
  hexpire h 10 NX FIELDS 1
  hexpire h 10 FIELDS 2 a zz
  hexpire none 10 FIELDS 2 a zz
  hexpire none x FIELDS 2 a zz
  hexpire s 10 FIELDS 1 a
  hexpire s x FIELDS 1 a
  hexpire h x FIELDS 0 a
  hexpire h -1 NX XX 0 a
  hexpire h 99999999999999 FIELDS 1 a
  hexpire h 9223372036854775807 FIELDS 1 a
  hpexpire h 99999999999999999999 FIELDS 1 a
  hpexpire h 70368744177663 FIELDS 1 a
  hpexpireat h 70368744177663 FIELDS 1 a
  hpexpireat h 70368744177664 FIELDS 1 a
  hexpireat h 70368744177 FIELDS 1 a
  hexpireat h 70368744178 FIELDS 1 a
  hexpiretime h FIELDS 3 a b zz
  hpexpiretime h FIELDS 1 a
  hpexpireat h 70368744177001 FIELDS 1 a
  hexpiretime h FIELDS 1 a
  httl h FIELD 1 a
  httl h FIELDS 0 a
  httl h FIELDS 2 a
  httl s FIELDS 1 a
  httl s FIELD 1 a
  httl none FIELDS 2 a b
  hpersist h FIELDS 3 a b zz
  hpersist h FIELDS 2 a a
  hpersist h FIELDS 1 a a
  hpersist s FIELDS 1 a
  hpersist none FIELDS 1 a
  object encoding h
  hexpire h 0 FIELDS 1 a
  hgetall h
  hexpire h 0 NX FIELDS 1 b
  hexpire h 100 XX FIELDS 1 c
  hexpire h 100 GT FIELDS 1 c
  hexpire h 100 LT FIELDS 1 c
  hexpire h 50 GT FIELDS 1 c
  hexpire h 200 LT FIELDS 1 c
  hexpire h 0 GT FIELDS 1 c
  hexpire h 0 FIELDS 1 c
  exists h
  hexpire h 10 nx fields 1 a
  hset h a 1 b 2 c 3
  hgetex h FIELDS 1 a
  hgetex h FIELDS 2 a
  hgetex h FIELDS 1 a b
  hgetex h FIELDS 0 a
  hgetex h FIELDS x a
  hgetex h EX 10 FIELDS 2 a zz
  httl h FIELDS 1 a
  hgetex h EX 10 PX 10 FIELDS 1 a
  hgetex h PERSIST FIELDS 1 a
  httl h FIELDS 1 a
  hgetex h EX 10 PERSIST FIELDS 1 a
  hgetex h EX 0 FIELDS 1 a
  hgetex h EX -1 FIELDS 1 a
  hgetex h PXAT 1 FIELDS 1 a
  hgetall h
  hgetex h EX x FIELDS 1 b
  hgetex h EX x FIELD 1 b
  hgetex s EX x FIELD 1 b
  hgetex h EX 99999999999999 FIELDS 1 b
  hgetex h EX FIELDS 1 b
  hgetex h FOO FIELDS 1 b
  hgetex h FIELDS 1 b EX 10
  hgetex h FIELDS 1 EX 10
  hgetex none FIELDS 2 b c
  hgetex s FIELDS 1 b
  hgetex h EX 10
  hgetex h EX 10 FIELDS
  hgetex h EX 10 FIELDS 1
  hgetex h KEEPTTL FIELDS 1 b
  hgetex h PERSIST PERSIST FIELDS 1 b
  hgetdel h FIELDS 1
  hgetdel h FIELDS 2 b
  hgetdel h FIELDS 1 b c
  hgetdel h FIELDS 0 b
  hgetdel h FIELDS x b
  hgetdel h FOO 1 b
  hgetdel s FIELDS 1 b
  hgetdel none FIELDS 2 b c
  hgetdel h FIELDS 3 b b zz
  hgetall h
  hgetdel h FIELDS 1 c
  exists h
  hset h a 1 b 2
  hsetex h FIELDS 1 a 5
  hsetex h FIELDS 2 a 1
  hsetex h FIELDS 1 a 1 b 2
  hsetex h FIELDS 0 a 1
  hsetex h FIELDS x a 1
  hsetex h EX 100 FIELDS 2 a 1 d 4
  httl h FIELDS 3 a b d
  hsetex h KEEPTTL FIELDS 1 a 7
  httl h FIELDS 1 a
  hsetex h FIELDS 1 a 8
  httl h FIELDS 1 a
  hsetex h FNX FIELDS 1 a 9
  hsetex h FNX FIELDS 2 a 9 q 9
  hsetex h FNX FIELDS 1 e 9
  hsetex h FXX FIELDS 1 f 9
  hsetex h FXX FIELDS 1 e 10
  hsetex none2 FXX FIELDS 1 e 10
  exists none2
  hsetex h FXX FNX FIELDS 1 a 1
  hsetex h FNX FNX FIELDS 1 a 1
  hsetex h EX 10 KEEPTTL FIELDS 1 a 1
  hsetex h KEEPTTL KEEPTTL FIELDS 1 a 1
  hsetex h EX 10 PX 10 FIELDS 1 a 1
  hsetex h EX 0 FIELDS 1 a 1
  hsetex h PXAT 1 FIELDS 1 a 1
  hexists h a
  hsetex newh PXAT 1 FIELDS 1 a 1
  exists newh
  hsetex s FIELDS 1 a 1
  hsetex s EX x FIELDS 1 a 1
  hsetex h FOO FIELDS 1 a 1
  hsetex h EX FIELDS 1 a 1
  hsetex h NX FIELDS 1 a 1
  hsetex h FIELDS 1 a 1 EX 10
  hsetex h FNX EX 10 FIELDS 1 zz 1
  hsetex h EX 10 FNX FIELDS 1 zy 1
  hsetex h FIELDS 2 a 1 a 2
  hsetex h EX 99999999999999 FIELDS 1 a 1
  hsetex h PX -5 FIELDS 1 a 1
  hsetex h EX 10 FNX KEEPTTL FOO
  hsetex h EX 10 FNX BAR FOO
  hsetex h FNX EX 10 FIELDS 1
  hsetex h FNX EX 10 FIELDS
  hsetex h FNX FXX EX 10
  hgetall h
  hincrby h b 5
  hpexpireat h 70368744177001 FIELDS 1 b
  hincrby h b 5
  hpexpiretime h FIELDS 1 b
  hincrbyfloat h b 0.5
  hpexpiretime h FIELDS 1 b
  hset h b 1
  hpexpiretime h FIELDS 1 b
  hpexpireat h 70368744177001 FIELDS 1 b
  hsetnx h b 4
  hpexpiretime h FIELDS 1 b
  copy h h2
  hpexpiretime h2 FIELDS 1 b
  rename h2 h3
  hpexpiretime h3 FIELDS 1 b
  move h3 1
  select 1
  hpexpiretime h3 FIELDS 1 b
  object encoding h3
  del h3
  select 0
  hset l a X65 b 1
  hpexpireat l 70368744177001 FIELDS 1 b
  object encoding l
  hstrlen l b
  hlen l
  hmget l a b c
  hdel l b
  hset l b 2
  hpexpiretime l FIELDS 1 b
  del h l s newh
`;

test("options, errors and their order, and what keeps an expiry", options, () =>
  beside!.sameAll(errors, "any"),
);

/** The words of a command, of which some are lists. */
function wordsOf(...parts: readonly (string | readonly string[])[]): string[] {
  return parts.flat();
}

const field = fc.nat({ max: 9 }).map((n) => `f${n}`);
const time = fc.constantFrom("1", "70368744177001", "70368744177002", "70368744177003", "4000000000000");
const fields = fc
  .array(field, { minLength: 1, maxLength: 4 })
  .map((names) => wordsOf("FIELDS", String(names.length), names));
const pairs = fc.array(field, { minLength: 1, maxLength: 4 }).map((names) =>
  wordsOf(
    "FIELDS",
    String(names.length),
    names.flatMap((name) => [name, `${name.length}7`]),
  ),
);
const key = fc.constantFrom("h", "i");
const some = (...words: string[]): fc.Arbitrary<string[]> =>
  fc.option(fc.constantFrom(...words), { nil: null }).map((word) => (word === null ? [] : [word]));
const timed = (word: string): fc.Arbitrary<string[]> => time.map((at) => [word, at]);
const step = fc.oneof(
  fc
    .tuple(key, time, some("NX", "XX", "GT", "LT"), fields)
    .map(([k, at, c, f]) => wordsOf("hpexpireat", k, at, c, f)),
  fc.tuple(key, fields).map(([k, f]) => wordsOf("hpexpiretime", k, f)),
  fc.tuple(key, fields).map(([k, f]) => wordsOf("hexpiretime", k, f)),
  fc.tuple(key, fields).map(([k, f]) => wordsOf("hpersist", k, f)),
  fc.tuple(key, fields).map(([k, f]) => wordsOf("hgetdel", k, f)),
  fc
    .tuple(key, fc.oneof(timed("PXAT"), some("PERSIST")), fields)
    .map(([k, o, f]) => wordsOf("hgetex", k, o, f)),
  fc
    .tuple(key, some("FNX", "FXX"), fc.oneof(timed("PXAT"), some("KEEPTTL")), pairs)
    .map(([k, c, o, f]) => wordsOf("hsetex", k, c, o, f)),
  fc.tuple(key, field, field).map(([k, f, v]) => ["hset", k, f, v]),
  fc.tuple(key, field).map(([k, f]) => ["hincrby", k, f, "3"]),
  fc.tuple(key, field).map(([k, f]) => ["hsetnx", k, f, "3"]),
  fc.tuple(key, field).map(([k, f]) => ["hdel", k, f]),
  key.map((k) => ["hgetall", k]),
  key.map((k) => ["hlen", k]),
  fc.constant(["copy", "h", "i", "REPLACE"]),
  fc.constant(["rename", "i", "h"]),
);

test("random commands on fields that expire are answered as by redis", options, () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: "max" }), async (steps) => {
      await beside!.same(2, ["flushall"]);
      for (const words of steps) await beside!.same(2, words, "any");
    }),
    { numRuns: 60, endOnFailure: true },
  ),
);

function bulk(reply: string): Buffer {
  assert.ok(reply.startsWith("$"), reply.slice(0, 200));
  return Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
}

test("a dump has the bytes of redis, and each restores what the other has dumped", options, async () => {
  const { us, them } = beside!.pair(2);
  const many = Array.from({ length: 700 }, (_, n) => [`field${n}`, `v${n}`]).flat();
  const shapes: [string, string[], boolean][] = [
    ["h", ["a", "1", "b", "2", "c", "-70000", "d", "x"], true],
    ["one", ["a", "1"], true],
    ["long", ["a", "y".repeat(65), "b", "2", "c", "3", "d", "4"], false],
    ["table", [...many, "a", "1", "b", "2"], false],
    ["wide", ["a", "1", ...many.slice(0, 300), "b", "2", "c", "3"], true],
  ];
  for (const [name, content, isOrdered] of shapes) {
    await beside!.same(2, ["flushall"]);
    await beside!.same(2, ["hset", name, ...content]);
    await beside!.same(2, ["hpexpireat", name, "70368744177001", "FIELDS", "1", "a"]);
    if (content.includes("b")) await beside!.same(2, ["hexpireat", name, "4000000000", "FIELDS", "1", "b"]);
    const [ourDump, theirDump] = [bulk(await us.call("dump", name)), bulk(await them.call("dump", name))];
    // Redis has its order of fields without an expiry by when they came or by chance.
    if (isOrdered && content.length < 20) assert.deepEqual(ourDump, theirDump, name);
    assert.equal(await us.call("restore", "copy", 0, theirDump), "+OK\r\n");
    assert.equal(await them.call("restore", "copy", 0, ourDump), "+OK\r\n");
    const names = content.filter((_, n) => n % 2 === 0);
    await beside!.same(2, ["hpexpiretime", "copy", "FIELDS", String(names.length), ...names]);
    await beside!.same(2, ["hmget", "copy", ...names]);
    await beside!.same(2, ["object", "encoding", "copy"]);
    await beside!.same(2, ["hgetall", "copy"], "any");
    await beside!.same(2, ["hpersist", "copy", "FIELDS", "2", "a", "b"]);
    const [ours, theirs] = [bulk(await us.call("dump", "copy")), bulk(await them.call("dump", "copy"))];
    assert.equal(ours[0], theirs[0], `${name} without expiries`);
  }
  // Fields that are due do not come.
  await beside!.same(2, ["hset", "short", "a", "1", "b", "2", "c", "3"]);
  await beside!.same(2, ["hpexpire", "short", "1", "FIELDS", "2", "a", "b"]);
  const [ourDump, theirDump] = [bulk(await us.call("dump", "short")), bulk(await them.call("dump", "short"))];
  for (const dump of [ourDump, theirDump]) {
    await beside!.same(2, ["restore", "past", "0", dump, "replace"]);
    await beside!.same(2, ["hget", "past", "c"]);
    await beside!.same(2, ["hget", "past", "a"]);
  }
});
