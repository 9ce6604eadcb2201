/**
 * Long commands that change values in slices, and a kill in one of the turns in which they are at work: each was done, or it never was.
 * The journal's files are so
 * small that the cleaner comes by in between.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const options = {
  journalBytesMax: 1 << 14,
  turnBounds: { turnWorkUnits: 200, turnWorkSliceUnits: 200 },
};
const size = 3000;
const long = "x".repeat(1000);
const names = Array.from({ length: size }, (_, i) => `m${i}`);

const cases: readonly (readonly [
  fill: (string | number)[],
  command: (string | number)[],
  size: string,
  after: number,
])[] = [
  [["SADD", "k", ...names], ["SPOP", "k", 2000], "SCARD", 1000],
  [["ZADD", "k", ...names.flatMap((name, i) => [i, name])], ["ZREMRANGEBYRANK", "k", 0, 1999], "ZCARD", 1000],
  [
    ["ZADD", "k", ...names.flatMap((name, i) => [i, name])],
    ["ZREMRANGEBYSCORE", "k", 0, 1999],
    "ZCARD",
    1000,
  ],
  [["ZADD", "k", ...names.flatMap((name) => [0, name])], ["ZREMRANGEBYLEX", "k", "-", "+"], "ZCARD", 0],
  [["ZADD", "k", ...names.flatMap((name, i) => [i, name])], ["ZPOPMAX", "k", 2000], "ZCARD", 1000],
  [
    ["RPUSH", "k", ...names.map((name, i) => (i % 2 === 0 ? long : name))],
    ["LREM", "k", 0, long],
    "LLEN",
    1500,
  ],
  [["MSET", ...names.flatMap((name) => [name, "v"])], ["DEL", ...names.slice(0, 2000)], "DBSIZE", 1000],
];

for (const [fill, command, count, after] of cases) {
  test(`${command.slice(0, 3).join(" ").replaceAll(long, "x")}, killed in any of its turns`, async () => {
    const sizeOf = [count, ...(count === "DBSIZE" ? [] : ["k"])];
    let halves = 0;
    let isAnswered = false;
    for (let turns = 0; !isAnswered; turns++) {
      assert.ok(turns < 2000);
      const rig = await DurableRig.open(turns, options);
      await rig.redis(...fill);
      // The files that hold it are deleted while the command is at work.
      for (let i = 0; i < 20; i++) await rig.redis("SET", "large", "v".repeat(4000));
      await rig.redis("DEL", "large");
      const client = new RedisClient(rig.connect("redis"));
      let answer: RedisReply | undefined;
      client.call(command, (reply) => (answer = reply));
      // Another client's commands at each step have the tick written.
      const other = new RedisClient(rig.connect("redis"));
      let steps = 0;
      await rig.until(() => {
        if (answer !== undefined) return true;
        other.call(["SELECT", 1], () => {});
        other.call(["SET", "tick", steps], () => {});
        return rig.broker.work.waitingCount > 0 && ++steps > turns;
      }, "work");
      if (answer === undefined) halves++;
      isAnswered = answer !== undefined;
      await rig.kill();
      const left = await rig.redis(...sizeOf);
      assert.ok(left === size || left === after, `${String(left)} after a kill`);
      if (isAnswered) assert.equal(left, after);
      assert.deepEqual(rig.errors, []);
    }
    assert.ok(halves > 0, "it was killed at work");
  });
}
