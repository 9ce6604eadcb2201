/**
 * Clients that wait for lists, on the real redis-server and on us: who is served by what, in which order, with which reply. Skipped, and
 * said so, where there is no redis-server 7.0. Then what must hold of ours alone: nothing is lost with a client that is gone, or over a kill.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type BlockingCase, replies } from "../../support/blocking-cases.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";
import { until } from "../../support/wait.ts";

let ours: TestBroker;
let real: RealRedis | null = null;

before(async () => {
  ours = await startTestBroker();
  if (noRealRedis === false) real = await RealRedis.start();
});

after(async () => {
  await real?.stop();
  await ours.stop();
});

const cases: Record<string, BlockingCase> = {
  "served in the order in which they came": {
    waiting: ["BLPOP a 0", "BRPOP a 0", "BLMPOP 0 1 a LEFT COUNT 2", "BLPOP a 0"],
    acts: ["RPUSH a 1 2 3 4", "RPUSH a 5", "LRANGE a 0 -1"],
  },
  "an LPUSH of several is over before somebody pops": {
    waiting: ["BLPOP a 0", "BRPOP a 0"],
    acts: ["LPUSH a 1 2 3", "LRANGE a 0 -1"],
  },
  "of several keys the one that became ready": {
    waiting: ["BLPOP a b c 0", "BLPOP c b a 0"],
    acts: ["MULTI", "RPUSH c 1", "RPUSH a 2", "EXEC", "EXISTS a b c"],
  },
  "a key that is named twice": { waiting: ["BLPOP a a 0"], acts: ["RPUSH a 1", "RPUSH a 2", "LLEN a"] },
  RENAME: { setup: ["RPUSH x 1 2"], waiting: ["BLPOP a 0"], acts: ["RENAME x a", "LRANGE a 0 -1"] },
  RENAMENX: { setup: ["RPUSH x 1 2"], waiting: ["BLPOP a 0"], acts: ["RENAMENX x a", "LRANGE a 0 -1"] },
  COPY: { setup: ["RPUSH x 1 2"], waiting: ["BLPOP a 0"], acts: ["COPY x a", "LRANGE a 0 -1", "LLEN x"] },
  MOVE: {
    setup: ["RPUSH x 1"],
    waiting: ["BLPOP x2 0"],
    acts: ["SELECT 1", "RPUSH x2 1", "MOVE x2 0", "LLEN x2"],
  },
  SWAPDB: {
    waiting: ["BLPOP a 0"],
    acts: ["SELECT 1", "RPUSH a 1 2", "SELECT 0", "SWAPDB 0 1", "LRANGE a 0 -1"],
  },
  "SORT ... STORE": {
    setup: ["RPUSH x 2 1 3"],
    waiting: ["BLPOP a 0", "BLMPOP 0 1 a RIGHT COUNT 2"],
    acts: ["SORT x STORE a", "SORT x STORE a", "LRANGE a 0 -1"],
  },
  RESTORE: {
    setup: ["RPUSH x 1 2"],
    waiting: ["BLPOP a 0", "BZPOPMIN a 0", "BLPOP a 0"],
    acts: ["EVAL return(redis.call('RESTORE','a',0,redis.call('DUMP','x'))) 0", "LRANGE a 0 -1"],
  },
  "RESTORE of a sorted set": {
    setup: ["ZADD x 1 a 2 b"],
    waiting: ["BLPOP a 0", "BZPOPMIN a 0", "BZPOPMAX a 0"],
    acts: ["EVAL return(redis.call('RESTORE','a',0,redis.call('DUMP','x'))) 0", "EXISTS a"],
  },
  "MULTI: nothing is served within": {
    waiting: ["BLPOP a 0", "BLPOP b 0"],
    acts: ["MULTI", "RPUSH a 1", "LPOP a", "RPUSH b 1", "RPUSH b 2", "EXEC", "LRANGE b 0 -1"],
  },
  "a key of another type, then a list": {
    waiting: ["BLPOP a 0"],
    acts: ["SET a x", "APPEND a y", "DEL a", "RPUSH a 1"],
  },
  "a list that becomes a string at once": {
    waiting: ["BLPOP a 0"],
    acts: ["MULTI", "RPUSH a 1", "SET a x", "EXEC", "DEL a", "RPUSH a 2"],
  },
  "BLMOVE hands on to who waits for its destination": {
    waiting: ["BLMOVE a b LEFT RIGHT 0", "BLPOP b 0", "BRPOPLPUSH a c 0", "BLPOP c 0"],
    acts: ["RPUSH a 1 2 3", "LRANGE a 0 -1", "EXISTS b c"],
  },
  "BLMOVE within one list": {
    waiting: ["BLMOVE a a LEFT RIGHT 0", "BRPOPLPUSH a a 0", "BLPOP a 0"],
    acts: ["RPUSH a 1 2", "LRANGE a 0 -1"],
  },
  "BLMOVE in a ring": {
    waiting: ["BLMOVE a b LEFT RIGHT 0", "BLMOVE b a LEFT RIGHT 0", "BLPOP a 0"],
    acts: ["RPUSH a 1", "EXISTS a b"],
  },
  "BLMOVE to what is no list": {
    setup: ["SET b x"],
    waiting: ["BLMOVE a b LEFT RIGHT 0", "BLPOP a 0"],
    acts: ["RPUSH a 1", "EXISTS a"],
  },
  "LINSERT, LSET and LPUSHX find nothing to add to": {
    waiting: ["BLPOP a 0"],
    acts: ["LPUSHX a 1", "RPUSHX a 1", "LINSERT a BEFORE x y", "LMOVE none a LEFT LEFT"],
  },
  "LMOVE and RPOPLPUSH": {
    setup: ["RPUSH x 1 2 3"],
    waiting: ["BLPOP a 0", "BLPOP a 0"],
    acts: ["LMOVE x a LEFT LEFT", "RPOPLPUSH x a", "LRANGE x 0 -1"],
  },
  "DEL, FLUSHALL and expiry wake nobody": {
    waiting: ["BLPOP a 0"],
    acts: ["MULTI", "RPUSH a 1", "DEL a", "EXEC", "MULTI", "RPUSH a 1", "FLUSHALL", "EXEC", "RPUSH a 2"],
  },
  "a pop of many": { waiting: ["BLMPOP 0 2 b a RIGHT COUNT 10"], acts: ["RPUSH a 1 2 3", "EXISTS a"] },
};

for (const [name, each] of Object.entries(cases)) {
  test(name, { skip: noRealRedis }, async () => {
    assert.deepEqual(await replies(ours.ports.redis, each), await replies(real!.port, each));
  });
}

test("how commands that wait for lists are shown, and end", { skip: noRealRedis }, async () => {
  const commands = [
    "BLPOP a 100",
    "BRPOP a b 100",
    "BLMOVE a b LEFT LEFT 100",
    "BRPOPLPUSH a b 100",
    "BLMPOP 100 1 a LEFT",
  ];
  const seenBy: string[][] = [];
  for (const port of [ours.ports.redis, real!.port]) {
    const admin = await RawRedis.open(port);
    await admin.call("FLUSHALL");
    const seen: string[] = [];
    for (const command of commands) {
      for (const how of ["TIMEOUT", "ERROR"]) {
        const redis = await RawRedis.open(port);
        const id = (await redis.call("CLIENT", "ID")).slice(1, -2);
        const reply = redis.call(...command.split(" "));
        const info = (): Promise<string> => admin.call("INFO", "clients");
        await until(async () => (await info()).includes("blocked_clients:1\r\n"), command);
        seen.push(/flags=\w+/.exec(await admin.call("CLIENT", "LIST", "ID", id))![0]);
        seen.push(await admin.call("CLIENT", "UNBLOCK", id, how), await reply);
        await redis.close();
      }
    }
    await admin.close();
    seenBy.push(seen);
  }
  assert.deepEqual(seenBy[0], seenBy[1]);
});

test("a client that is gone takes nothing; the one behind it is served", async () => {
  const admin = await RawRedis.open(ours.ports.redis);
  const call = (line: string): Promise<string> => admin.call(...line.split(" "));
  const blocked = (count: number): Promise<unknown> =>
    until(
      async () => (await call("INFO clients")).includes(`blocked_clients:${count}\r\n`),
      `${count} clients that wait`,
    );
  await call("FLUSHALL");
  const gone = await RawRedis.open(ours.ports.redis);
  void gone.call("BLPOP", "jobs", "0").catch(() => {});
  await blocked(1);
  const next = await RawRedis.open(ours.ports.redis);
  const reply = next.call("BLPOP", "jobs", "0");
  await blocked(2);
  await gone.close();
  await blocked(1);
  assert.equal(await call("RPUSH jobs one two"), ":2\r\n");
  assert.equal(await reply, "*2\r\n$4\r\njobs\r\n$3\r\none\r\n");
  assert.equal(await call("LRANGE jobs 0 -1"), "*1\r\n$3\r\ntwo\r\n");
  await next.close();
  await admin.close();
});
