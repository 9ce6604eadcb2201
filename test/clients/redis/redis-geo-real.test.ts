/**
 * Geo commands in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3: options and errors, then random
 * places and searches. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { BesideRedis } from "../../support/beside-redis.ts";
import type { Word } from "../../support/raw-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";

let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

const options = { skip: noRealRedis };

test("places: adding them, and what is known of them", options, async () => {
  await beside.sameAll(`
    flushall
    geoadd s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
    geoadd s 13.361389 38.115556 Palermo
    geoadd s ch 13.4 38.1 Palermo
    geoadd s nx 1 1 Palermo 2 2 New
    geoadd s xx 1 1 Other 2.5 2.5 New
    geoadd s xx ch 1 1 Other 2.6 2.5 New
    geoadd s nx xx 1 1 a
    geoadd s gt 1 1 a
    geoadd s 1 1
    geoadd s 1 1 a 2
    geoadd s ch nx ch
    geoadd s ch nx 1 1
    geoadd s x 1 a
    geoadd s 1 x a
    geoadd s 181 1 a
    geoadd s 1 86 a
    geoadd s -181 -86 a
    geoadd s inf 1 a
    geoadd s 1e300 1 a
    geoadd s nan 1 a
    geoadd s 1 1 ok 200 1 bad
    geoadd edge 180 85.05112878 ne -180 -85.05112878 sw 180 -85.05112878 se -180 85.05112878 nw 0 0 zero
    zrange edge 0 -1 withscores
    geopos edge ne sw se nw zero
    geohash edge ne sw se nw zero
    zrange s 0 -1 withscores
    geopos s Palermo Catania no New
    geopos s
    geopos nokey a b
    geopos nokey
    geohash s Palermo Catania no New
    geohash s
    geohash nokey a
    geodist s Palermo Catania
    geodist s Palermo Catania m
    geodist s Palermo Catania KM
    geodist s Palermo Catania mi
    geodist s Palermo Catania ft
    geodist s Palermo Catania foo
    geodist s Palermo Catania m foo
    geodist s Palermo no
    geodist s Palermo Palermo
    geodist nokey a b
    geodist nokey a b foo
    geodist s Palermo
    zadd odd 1 one 4503599627370495 top 0 zero 12345.75 part
    geopos odd one top zero part
    geohash odd one top zero part
    geodist odd one part
    set str v
    geoadd str 1 1 a
    geopos str a
    geohash str a
    geodist str a b
    geoadd nokey xx 1 1 a
    exists nokey
    type s
    object encoding s
  `);
});

test("searches: options and errors", options, async () => {
  const from = [
    "fromlonlat 15 37",
    "frommember Catania",
    "frommember no",
    "",
    "fromlonlat 15 37 frommember Catania",
    "fromlonlat 15",
    "fromlonlat x 37",
    "fromlonlat 200 37",
  ];
  const by = [
    "byradius 200 km",
    "bybox 400 400 km",
    "byradius 0 m",
    "byradius -1 km",
    "byradius x km",
    "byradius 1 foo",
    "bybox 100 -1 km",
    "bybox x 1 m",
    "bybox 1 x m",
    "",
    "byradius 1 m bybox 1 1 m",
    "bybox 100 m",
  ];
  const rest = [
    "",
    "asc",
    "desc withdist",
    "withcoord withdist withhash",
    "count 1",
    "count 1 any",
    "count 2 desc",
    "count 0",
    "count x",
    "count",
    "any",
    "foo",
    "store d",
    "storedist",
    "count 1 any asc",
  ];
  const lines = [
    "flushall",
    "geoadd s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2 -1 -1 far",
    "set str v",
  ];
  const add = (line: string): void => void lines.push(line.trim().replaceAll(/ +/g, " "));
  for (const [i, where] of from.entries())
    for (const [j, what] of by.entries())
      for (const [k, how] of rest.entries()) {
        if (i > 1 && j > 1 && k > 1) continue;
        add(`geosearch s ${where} ${what} ${how}`);
        if (k < 8 || how === "storedist") {
          add(`geosearchstore dst s ${where} ${what} ${how}`);
          lines.push("zrange dst 0 -1 withscores");
        }
      }
  for (const how of [
    ...rest,
    "storedist dst",
    "store dst withdist",
    "store dst count 1",
    "storedist dst desc",
  ]) {
    for (const name of [
      "georadius s 15 37 200 km",
      "georadius s 15 x 200 km",
      "georadius s 15 37 200 foo",
      "georadius s 15 37 -2 m",
      "georadius nokey 15 37 200 km",
    ]) {
      add(`${name} ${how}`);
      add(`${name} ${how}`.replace("georadius", "georadius_ro"));
    }
    for (const name of [
      "georadiusbymember s Catania 200 km",
      "georadiusbymember s no 200 km",
      "georadiusbymember s Catania x km",
      "georadiusbymember nokey Catania x foo",
    ]) {
      add(`${name} ${how}`);
      add(`${name} ${how}`.replace("bymember", "bymember_ro"));
    }
    lines.push("zrange dst 0 -1 withscores", "zrange d 0 -1 withscores");
  }
  await beside.sameAll(lines.join("\n"));
  await beside.sameAll(`
    geosearch nokey fromlonlat 1 1 byradius 1 m
    geosearch nokey frommember a byradius 1 m
    geosearch nokey frommember a byradius 1 foo
    geosearch str fromlonlat 1 1 byradius 1 m
    geosearch s byradius 1 m withdist withdist asc
    GEOSEARCH s byradius 1 m withdist withdist asc
    geosearchstore str nokey fromlonlat 1 1 byradius 1 m
    exists str
    set str v
    geosearchstore str s fromlonlat 15 37 byradius 200 km
    type str
    object encoding str
    geosearchstore s s fromlonlat 15 37 byradius 200 km
    zrange s 0 -1
    set str v
    geosearchstore dst str fromlonlat 15 37 byradius 200 km
    georadius str 1 1 1 m
    georadius s 15 37 200 km store str
    type str
    georadius s 1 1 1 m store str
    exists str
  `);
});

// Where two places are equally far redis says nothing of their order: none is another's mirror image.
const longitude = fc.oneof(
  fc.double({ min: -180, max: 180, noNaN: true }),
  fc.double({ min: 10, max: 11, noNaN: true }),
  fc.constantFrom(-180, 179.9, -179.7, 0.1),
);
const latitude = fc.oneof(
  fc.double({ min: -85.05, max: 85.05, noNaN: true }),
  fc.double({ min: 45, max: 46, noNaN: true }),
  fc.constantFrom(-85.05, 85.04, 0.01, 66.3, -66.1, 80.5),
);
const middle = fc.tuple(
  fc.oneof(longitude, fc.constantFrom(180, 0)),
  fc.oneof(latitude, fc.constantFrom(0, 85.05112878)),
);
const text = (n: number): string => n.toFixed(12);
const unit = fc.constantFrom("m", "km", "ft", "mi");
const length = fc
  .oneof(
    fc.double({ min: 0, max: 3000, noNaN: true }),
    fc.double({ min: 0, max: 50_000, noNaN: true }),
    fc.constantFrom(0, 1e6, 1e8),
  )
  .map(text);

const distance = /\$\d+\r\n(\d+\.\d{4})\r\n/g;

/**
 * The same but for the last digit of distances: the sines of the C library and of the runtimes differ in their last bit, so one distance in
 * many thousands is rounded to the neighbour.
 */
async function sameBut(version: 2 | 3, words: readonly Word[]): Promise<void> {
  const { us, them } = beside.pair(version);
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  const command = words.map(String).join(" ");
  assert.equal(got.replace(distance, "(distance)"), wanted.replace(distance, "(distance)"), command);
  const distances = (reply: string): number[] =>
    Array.from(reply.matchAll(distance), ([, metres]) => Number(metres));
  for (const [i, one] of distances(got).entries()) {
    const other = distances(wanted)[i]!;
    assert.ok(Math.abs(one - other) < 0.00015, `${command}: ${one} and ${other}`);
  }
}

test("random places and searches", options, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(longitude, latitude), { minLength: 1, maxLength: 150, size: "max" }),
      fc.array(
        fc.tuple(
          fc.oneof(
            middle.map(([x, y]): Word[] => ["fromlonlat", text(x), text(y)]),
            fc.nat({ max: 20 }).map((n): Word[] => ["frommember", `m${n}`]),
          ),
          fc.oneof(
            fc.tuple(length, unit).map(([r, u]): Word[] => ["byradius", r, u]),
            fc.tuple(length, length, unit).map(([w, h, u]): Word[] => ["bybox", w, h, u]),
          ),
          fc.constantFrom<Word[]>([], ["asc"], ["desc"], ["count", 5], ["count", 3, "any"]),
          fc.subarray(["withdist", "withcoord", "withhash"]),
        ),
        { minLength: 1, maxLength: 30 },
      ),
      fc.constantFrom<2 | 3>(2, 3),
      async (places, searches, version) => {
        await beside.same(version, ["flushall"]);
        const words: Word[] = ["geoadd", "g"];
        const different = new Map(
          places.map(([x, y]) => [`${Math.round(x * 1000)} ${Math.round(y * 1000)}`, [x, y] as const]),
        );
        let n = 0;
        for (const [x, y] of different.values()) words.push(text(x), text(y), `m${n++}`);
        await beside.same(version, words);
        await beside.same(version, ["zrange", "g", 0, -1, "withscores"]);
        await beside.same(version, ["geohash", "g", ...Array.from({ length: n }, (_, i) => `m${i}`)]);
        for (const [where, what, how, shown] of searches)
          await sameBut(version, ["geosearch", "g", ...where, ...what, ...how, ...shown]);
      },
    ),
    { numRuns: 100 },
  );
});
