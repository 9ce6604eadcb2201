/**
 * BZPOPMIN, BZPOPMAX and BZMPOP in the real redis-server and in ours: errors, what is there already, and clients that wait, in the order
 * in which they came, woken by whatever makes the key. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../support/beside-redis.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";
import { until } from "../../support/wait.ts";

let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

const options = { skip: noRealRedis };

test("what is there is taken at once; errors", options, async () => {
  await beside.sameAll(`
    flushall
    zadd z 1 a 2 b 3 c 4.5 d
    bzpopmin z 0
    bzpopmax nokey z 0
    bzpopmin z z 0.5
    bzpopmax z -1
    bzpopmax z x
    bzpopmax z inf
    bzpopmax z -inf
    bzpopmax z 1e300
    bzpopmax z 1e16
    bzpopmax z nan
    bzpopmin z
    bzmpop 0 1 z min
    exists z
    zadd z 1 a 2 b 3 c
    bzmpop 0 2 nokey z max count 2
    bzmpop x 1 z max
    bzmpop -1 1 z max
    bzmpop 0 0 z max
    bzmpop 0 x z max
    bzmpop 0 1 z foo
    bzmpop 0 3 z max
    bzmpop 0 1 z max count 0
    bzmpop 0 1 z max count 1 count 1
    bzmpop x 0 z max
    bzmpop 0 1 z
    set s v
    bzpopmin s 0
    bzpopmin nokey s 0
    bzpopmin z s 0
    bzmpop 0 1 s min
    bzpopmin nokey 0.001
    bzmpop 0.001 1 nokey min
    multi
    bzpopmin nokey 0
    bzmpop 0 1 nokey min
    zadd m 1 a
    bzpopmin m 0
    exec
  `);
});

/** Plays the same on each side. Of a client that waits the reply comes later. */
async function play(port: number, version: number): Promise<string[]> {
  const heard: string[] = [];
  const actor = await RawRedis.open(port);
  const waiters: RawRedis[] = [];
  const waiting: Promise<string>[] = [];
  const blocked = async (count: number): Promise<void> => {
    await until(
      async () => (await actor.call("info", "clients")).includes(`blocked_clients:${count}\r\n`),
      "waiters",
    );
  };
  /** Begin to wait, one after the other. */
  const wait = async (...commands: string[]): Promise<void> => {
    for (const command of commands) {
      const client = waiters[waiting.length] ?? (waiters[waiting.length] = await RawRedis.open(port));
      await client.call("hello", version);
      waiting.push(client.call(...command.split(" ")));
      await blocked(waiting.length);
    }
  };
  const act = async (...commands: string[]): Promise<void> => {
    for (const command of commands)
      heard.push(`${command}: ${await actor.call(...(command.split(" ") as Word[]))}`);
  };
  const all = async (): Promise<void> => {
    for (const reply of waiting.splice(0)) heard.push(await reply);
    await blocked(0);
  };
  await actor.call("flushall");
  await wait("bzpopmin z 0", "bzpopmax z 0", "bzmpop 0 1 z min count 2");
  await act("zadd z 1 a 2 b 3 c 4 d 5 e", "zrange z 0 -1");
  await all();
  await act("del z");
  await wait("bzpopmin x y z 0", "bzpopmin y 0", "bzmpop 0 3 x z y max count 10");
  await act("multi", "zadd z 1 a", "zadd y 2 b", "zadd x 3 c 4 d", "exec", "zrange x 0 -1", "exists y z");
  await all();
  for (const make of [
    "rename other z",
    "copy other z",
    "zunionstore z 1 other",
    "zrangestore z other 0 0",
    "geoadd z 1 1 a",
    "geosearchstore z other fromlonlat 0 0 byradius 99999 km",
    "zincrby z 2 m",
    "zadd z incr 1 m",
    "restore",
  ]) {
    if (make === "restore") continue;
    await act("del z", "geoadd other 1 1 p 2 2 q");
    await wait("bzmpop 0 1 z min count 1");
    await act(make);
    await all();
    await act("exists z");
  }
  // Another type wakes nobody, and a key that is gone again by the end of the command neither.
  await act("del z s other");
  await wait("bzpopmin z s 0");
  await act(
    "sadd z a",
    "del z",
    "multi",
    "zadd z 1 a",
    "del z",
    "exec",
    "multi",
    "zadd z 1 a",
    "zpopmin z",
    "exec",
    "set s v",
    "zadd s 1 a",
    "del s",
    "swapdb 0 1",
    "select 1",
    "zadd z 7 seven",
    "select 0",
    "swapdb 0 1",
    "exists z",
  );
  await all();
  await act("select 0");
  // A timeout that ends, and one whose client has gone.
  await wait("bzpopmin z 0.05");
  await all();
  await wait("bzpopmin z 0", "bzpopmin z 0");
  await waiters[0]!.close();
  await blocked(1);
  await act("zadd z 1 left 2 for 3 us");
  heard.push(await waiting[1]!);
  await act("zrange z 0 -1");
  for (const client of waiters) await client.close();
  await actor.close();
  return heard;
}

test("who waits is served in order, by whatever makes the key", options, async () => {
  for (const version of [2, 3]) {
    const [ours, theirs] = await Promise.all(beside.ports.map((port) => play(port, version)));
    assert.deepEqual(ours, theirs);
  }
});
