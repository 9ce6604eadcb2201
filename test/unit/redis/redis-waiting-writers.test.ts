/**
 * Two long commands on one key, each kept from its beginning in every way that there is, and then a kill: what was answered is what a
 * restart finds, and the answers are those of one command after the other.
 *
 * Kills in the midst of the work: redis-claims-kills.long.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

type Words = readonly (string | number)[];

const options = { turnBounds: { turnWorkUnits: 100, turnWorkSliceUnits: 100 }, journalBytesMax: 8 << 20 };
const size = 2400;
const names = Array.from({ length: size }, (_, i) => `m${i}`);
const scored = names.flatMap((name, i) => [i, name]);
const long = "x".repeat(200);
const elements = names.map((_, i) => `${long}${i % 7}`);
const list: Words = ["RPUSH", "k", ...elements];
const set: Words = ["SADD", "k", ...names];
const zset: Words = ["ZADD", "k", ...scored];

interface Case {
  readonly fill: Words;
  readonly read: Words;
  readonly commands: readonly [Words, Words];
}

const cases: Readonly<Record<string, Case>> = {
  "LREM beside LREM": {
    fill: list,
    read: ["LRANGE", "k", 0, -1],
    commands: [
      ["LREM", "k", -size, `${long}0`],
      ["LREM", "k", 0, `${long}3`],
    ],
  },
  "LREM beside LPOP": {
    fill: list,
    read: ["LRANGE", "k", 0, -1],
    commands: [
      ["LREM", "k", 0, `${long}3`],
      ["LPOP", "k", 1500],
    ],
  },
  "LREM beside SORT STORE": {
    fill: list,
    read: ["LRANGE", "k", 0, -1],
    commands: [
      ["LREM", "k", 0, `${long}3`],
      ["SORT", "k", "ALPHA", "STORE", "k"],
    ],
  },
  "SPOP beside SPOP": {
    fill: set,
    read: ["SMEMBERS", "k"],
    commands: [
      ["SPOP", "k", 1010],
      ["SPOP", "k", 1020],
    ],
  },
  "ZPOPMIN beside ZREMRANGEBYRANK": {
    fill: zset,
    read: ["ZRANGE", "k", 0, -1],
    commands: [
      ["ZPOPMIN", "k", 1010],
      ["ZREMRANGEBYRANK", "k", 100, 1199],
    ],
  },
  "ZREMRANGEBYSCORE beside ZPOPMAX": {
    fill: zset,
    read: ["ZRANGE", "k", 0, -1],
    commands: [
      ["ZREMRANGEBYSCORE", "k", 200, 1300],
      ["ZPOPMAX", "k", 1500],
    ],
  },
  "DEL of many beside DEL of many": {
    fill: ["MSET", ...names.flatMap((name) => [name, "v"])],
    read: ["EXISTS", ...names],
    commands: [
      ["DEL", ...names],
      ["UNLINK", ...names],
    ],
  },
};

/** What the two commands wait for. */
const ways: Readonly<Record<string, (rig: DurableRig, send: () => Promise<void>) => Promise<void>>> = {
  nothing: (_rig, send) => send(),
  keys: async (rig, send) => {
    // It has all keys of its database to itself, for some turns.
    let isOver = false;
    const holder = ["UNLINK", ...Array.from({ length: 1100 }, (_, i) => `gone${i}`)];
    new RedisClient(rig.connect("redis")).call(holder, () => (isOver = true));
    await rig.until(() => isOver || rig.broker.work.waitingCount > 0, "the holder is at work");
    assert.ok(!isOver);
    await send();
  },
  "the end of a pause": async (rig, send) => {
    await rig.redis("CLIENT", "PAUSE", 100_000, "WRITE");
    await send();
    await rig.redis("CLIENT", "UNPAUSE");
  },
  "the cleaner": async (rig, send) => {
    await itIsCleanersTurn(rig);
    await send();
    assert.equal(rig.keyspace.cleanerTurns.waitingCount, 1, "the other waits for the first one's keys");
    await hadTurns(rig);
  },
  "a cleaner that does not come": async (rig, send) => {
    await itIsCleanersTurn(rig);
    await send();
  },
};

/** Has the cleaner refused, beside a command that changes nothing, until the next ones are to wait. */
async function itIsCleanersTurn(rig: DurableRig): Promise<void> {
  const { keyspace } = rig;
  await rig.redis("RPUSH", "other", ...elements);
  let isOver = false;
  new RedisClient(rig.connect("redis")).call(["LREM", "other", 0, "nothing"], () => (isOver = true));
  await rig.until(() => {
    if (rig.broker.work.waitingCount > 0)
      for (let i = 0; i < 1000 && !keyspace.cleanerTurns.isCleanersTurn; i++) keyspace.rewriteBelow(0);
    return isOver;
  }, "the first one ends");
  assert.ok(keyspace.cleanerTurns.isCleanersTurn);
}

async function hadTurns({ keyspace }: DurableRig): Promise<void> {
  for (let i = 0; i < 1000 && keyspace.cleanerTurns.isCleanersTurn; i++) keyspace.rewriteBelow(0);
}

for (const [name, { fill, read, commands }] of Object.entries(cases)) {
  test(`${name}: both waited, both were answered, and then a kill`, async () => {
    const outcomes: string[] = [];
    const looks: string[] = [];
    const alone = await DurableRig.open(1, options);
    for (const order of [commands, commands.toReversed()]) {
      await alone.redis("FLUSHALL");
      await alone.redis(...fill);
      const replies = new Map<Words, RedisReply>();
      looks.push(shape(await alone.redis(...read)));
      for (const command of order) {
        replies.set(command, await alone.redis(...command));
        looks.push(shape(await alone.redis(...read)));
      }
      outcomes.push([...commands.map((command) => shape(replies.get(command)!)), looks.at(-1)!].join());
    }
    for (const [way, enter] of Object.entries(ways)) {
      const rig = await DurableRig.open(1, options);
      await rig.redis(...fill);
      const clients = commands.map(() => new RedisClient(rig.connect("redis")));
      const looker = new RedisClient(rig.connect("redis"));
      const answers: RedisReply[] = [];
      let seen: RedisReply | undefined;
      await enter(rig, async () => {
        clients.forEach((client, at) => client.call(commands[at]!, (reply) => (answers[at] = reply)));
        looker.call(read, (reply) => (seen = reply));
        // All three have come.
        await rig.redis("PING");
      });
      await rig.until(() => {
        rig.time.advance(1);
        return answers.filter(() => true).length === 2 && seen !== undefined;
      }, "the answers");
      const left = await rig.redis(...read);
      await rig.kill();
      const found = await rig.redis(...read);
      assert.equal(contents(found), contents(left), `${way}: the restart finds what was answered`);
      assert.deepEqual(rig.errors, [], way);
      assert.ok(outcomes.includes([...answers.map(shape), shape(left)].join()), way);
      assert.ok(looks.includes(shape(seen!)), `${way}: a look sees no half of it`);
    }
  });

  /** A restart finds the members of a set in an order of its own. */
  function contents(reply: RedisReply): string {
    if (!Array.isArray(reply)) return String(reply);
    const members = reply.map(String);
    return (fill === set ? members.toSorted() : members).join(" ").replaceAll(long, "");
  }

  /** Members of a set go by chance. */
  function shape(reply: RedisReply): string {
    return fill === set && Array.isArray(reply) ? `${reply.length} members` : contents(reply);
  }
}
