/**
 * Commands that go on over several turns, amid every kind of change of the keys that they look at: each is as if it had run in one
 * moment, so its result is one of those that some order of the two commands gives.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";
import type { RedisServer } from "../../../src/protocols/redis/server.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

type Words = readonly (string | number)[];

function words(parts: Words): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

/** Little work in a turn, so that not much more than what is done at once takes several. */
const { turnWorkUnits, turnWorkSliceUnits } = limits;
before(() => Object.assign(limits, { turnWorkUnits: 100, turnWorkSliceUnits: 100 }));
// On Bun all files run in one process.
after(() => Object.assign(limits, { turnWorkUnits, turnWorkSliceUnits }));
const size = 1100;
const long = "m".repeat(600);
const ofAll = (make: (i: number) => Words): Words => Array.from({ length: size }, (_, i) => make(i)).flat();
/** Each of them takes several turns to read whole. */
const fill: readonly Words[] = [
  ["SADD", "set", ...ofAll((i) => [`m${i}`])],
  ["SADD", "half", ...ofAll((i) => [`m${2 * i}`])],
  ["ZADD", "zset", ...ofAll((i) => [i, `m${i}`])],
  ["ZADD", "zhalf", ...ofAll((i) => [i, `m${2 * i}`])],
  ["RPUSH", "list", ...ofAll((i) => [`${long}${i % 50}`])],
  ["HSET", "hash", ...ofAll((i) => [`m${i}`, i])],
  ["GEOADD", "geo", ...ofAll((i) => [(i % 170) / 100, (i % 130) / 100, `m${i}`])],
  ["SETBIT", "bits", size * 1000, 1],
  ["SADD", "other", "x"],
  ["SET", "to", "before"],
];

/** A command in slices, and the first of the keys that it looks at. */
const commands: readonly (readonly [key: string, command: Words])[] = [
  ["set", ["SUNIONSTORE", "to", "set", "half"]],
  ["half", ["SUNIONSTORE", "to", "set", "half"]],
  ["half", ["SINTERSTORE", "to", "set", "half"]],
  ["set", ["SDIFFSTORE", "to", "set", "half"]],
  ["half", ["SDIFFSTORE", "to", "set", "half"]],
  ["set", ["SUNION", "set", "half"]],
  ["set", ["SINTERCARD", 2, "set", "half"]],
  ["set", ["SMEMBERS", "set"]],
  ["zset", ["ZUNIONSTORE", "to", 2, "zset", "zhalf"]],
  ["zhalf", ["ZUNIONSTORE", "to", 2, "zset", "zhalf"]],
  ["zhalf", ["ZINTERSTORE", "to", 2, "zset", "zhalf"]],
  ["zhalf", ["ZDIFFSTORE", "to", 2, "zset", "zhalf"]],
  ["zset", ["ZRANGESTORE", "to", "zset", 0, -1]],
  ["zset", ["ZINTERCARD", 2, "zset", "zhalf"]],
  ["zset", ["ZRANGE", "zset", 0, -1]],
  ["zset", ["ZUNION", 2, "zset", "zhalf"]],
  ["geo", ["GEOSEARCHSTORE", "to", "geo", "FROMLONLAT", 0, 0, "BYRADIUS", 900, "km"]],
  ["geo", ["GEORADIUS", "geo", 0, 0, 900, "km", "STORE", "to"]],
  ["list", ["SORT", "list", "ALPHA", "STORE", "to"]],
  ["set", ["SORT", "set", "ALPHA"]],
  ["list", ["LRANGE", "list", 0, -1]],
  ["list", ["LPOS", "list", `${long}7`, "COUNT", 0]],
  ["hash", ["HGETALL", "hash"]],
  ["hash", ["HKEYS", "hash"]],
  ["set", ["DUMP", "set"]],
  ["zset", ["DUMP", "zset"]],
  ["list", ["DUMP", "list"]],
  ["hash", ["DUMP", "hash"]],
  ["set", ["SPOP", "set", 1050]],
  ["zset", ["ZPOPMIN", "zset", 1050]],
  ["zset", ["ZREMRANGEBYRANK", "zset", 0, 1049]],
  ["zset", ["ZREMRANGEBYSCORE", "zset", 20, "inf"]],
  ["list", ["LREM", "list", 0, `${long}7`]],
  ["list", ["LPOP", "list", 1050]],
  ["list", ["LINSERT", "list", "BEFORE", "nothing", "x"]],
];

const elementOf: Record<string, readonly [add: Words, remove: Words]> = {
  set: [
    ["SADD", "new"],
    ["SREM", "m1099", "m4"],
  ],
  zset: [
    ["ZADD", -1, "new"],
    ["ZREM", "m1099", "m4"],
  ],
  list: [
    ["LPUSH", "new"],
    ["LTRIM", 10, 600],
  ],
  hash: [
    ["HSET", "new", 1],
    ["HDEL", "m1099", "m4"],
  ],
};

function shown(command: Words): string {
  return command.join(" ").replaceAll(long, "m");
}

const keyNames = new Set<Words[number]>([...fill.map((command) => command[1]!), "gone"]);

function typeOf(key: string): string {
  return key === "half" ? "set" : key === "zhalf" || key === "geo" ? "zset" : key;
}

function changesOf(key: string): readonly Words[] {
  const parts = elementOf[typeOf(key)]!.map((change) => change.toSpliced(1, 0, key));
  return [
    ["DEL", key],
    ["SET", key, "x"],
    ["COPY", "other", key, "REPLACE"],
    ["RENAME", key, "gone"],
    ["RENAME", "other", key],
    ["FLUSHALL"],
    ["SWAPDB", 0, 1],
    ["MOVE", key, 3],
    ["PEXPIRE", key, -1],
    ["EVAL", "return redis.call('DEL', KEYS[1])", 1, key],
    // A key that the script does not name.
    ["EVAL", `return redis.call('DEL', '${key}')`, 0],
    ...parts,
  ];
}

class World {
  readonly rig: Rig;
  readonly one: Peer;
  readonly two: Peer;

  private constructor(rig: Rig) {
    this.rig = rig;
    this.one = rig.connect("redis");
    this.two = rig.connect("redis");
  }

  static async open(): Promise<World> {
    return new World(await Rig.open());
  }

  get server(): RedisServer {
    return (this.one.connection.session as RedisSession).context.server;
  }

  ask(command: Words, peer = this.two): string {
    peer.send(words(command));
    this.rig.settle();
    return peer.take().toString("latin1");
  }

  refill(names: ReadonlySet<Words[number]>): void {
    this.ask(["FLUSHALL"]);
    for (const command of fill) if (names.has(command[1]!)) this.ask(command);
  }

  /** What the keys hold, in an order of its own. Random members are told by how many there are. */
  contents(names: ReadonlySet<Words[number]>, isRandom: boolean): string {
    const seen: string[] = [];
    for (const database of [0, 1, 3]) {
      this.ask(["SELECT", database]);
      for (const key of names) {
        const type = this.ask(["TYPE", key]).trim();
        const read: Record<string, Words> = {
          "+set": [isRandom ? "SCARD" : "SMEMBERS", key],
          "+zset": ["ZRANGE", key, 0, -1, "WITHSCORES"],
          "+list": ["LRANGE", key, 0, -1],
          "+hash": ["HGETALL", key],
          "+string": ["GET", key],
        };
        const command = read[type];
        const reply = command === undefined ? "" : this.ask(command);
        seen.push(
          `${database} ${key} ${type} ${type === "+set" || type === "+hash" ? sorted(reply) : reply}`,
        );
      }
    }
    this.ask(["SELECT", 0]);
    return seen.join("\n");
  }
}

function sorted(reply: string): string {
  return reply.split("\r\n").toSorted().join(" ");
}

/** What is the same however the elements of a set come. */
function shape(command: Words, reply: string): string {
  const [name] = command;
  if (name === "SPOP" || name === "DUMP") return reply.slice(0, reply.indexOf("\r\n"));
  return ["SUNION", "SMEMBERS", "HGETALL", "HKEYS"].includes(String(name)) ? sorted(reply) : reply;
}

for (const [key, command] of commands) {
  test(`${shown(command)} while ${key} changes`, async () => {
    const world = await World.open();
    const isRandom = command[0] === "SPOP";
    const names = new Set<Words[number]>([...command.slice(1), "to", "other", "gone"]);
    for (const word of names) if (!keyNames.has(word)) names.delete(word);
    const contents = (): string => world.contents(names, isRandom);
    let inSlices = 0;
    for (const change of changesOf(key)) {
      const outcomes: string[] = [];
      for (const order of [
        [command, change],
        [change, command],
      ]) {
        world.refill(names);
        const replies = new Map(order.map((each) => [each, world.ask(each)]));
        outcomes.push(`${shape(command, replies.get(command)!)} ${replies.get(change)!} ${contents()}`);
      }
      for (const turn of [1]) {
        world.refill(names);
        world.one.send(words(command));
        let turns = 0;
        for (; turns < turn && world.one.connection.isAtWork; turns++) world.rig.time.endTick();
        if (turn > 0 && world.one.connection.isAtWork) inSlices++;
        world.two.send(words(change));
        world.rig.settle();
        const reply = shape(command, world.one.take().toString("latin1"));
        const other = world.two.take().toString("latin1");
        const found = `${reply} ${other} ${contents()}`;
        assert.ok(
          outcomes.includes(found),
          `${change.join(" ")} in turn ${turn}: ${reply.slice(0, 60)} ${other.slice(0, 60)}`,
        );
      }
    }
    assert.ok(inSlices > 0, "the command takes several turns");
    assert.equal(world.server.claims.isAny, false);
    assert.deepEqual(world.rig.errors, []);
  });
}
