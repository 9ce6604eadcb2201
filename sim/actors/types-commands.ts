/** Commands for keys of each type: what makes one, changes it, stores of it under another key, or looks at it. All chance is the seed's. */
import type { Value } from "../models/small-redis.ts";
import type { Seeded } from "../seeded.ts";

export type Words = string[];

export const names: readonly string[] = ["ka", "kb", "kc", "kd", "ke", "kf"];

export interface Given {
  readonly random: Seeded;
  /** Higher with each command. */
  readonly number: number;
  readonly now: number;
  readonly otherDatabase: string;
}

const memberCount = 40;
const lifeMsMax = 3000;
const farMs = 10_000_000;
const textBytesMax = 80;

function some<Item>({ random }: Given, make: (i: number) => Item): Item[] {
  const first = random.below(memberCount);
  return Array.from({ length: random.between(1, 6) }, (_, i) => make((first + i * 3) % memberCount));
}

/** Some are integers, and some are long. */
function member(i: number): string {
  return i % 3 === 0 ? String(i * 7 - 40) : `m${i}`.padEnd((i * 5) % 70, "x");
}

function text({ random, number }: Given): string {
  return `v${number}.`.padEnd(random.chance(0.3) ? random.below(textBytesMax) : 0, "y");
}

function deadline({ random, now }: Given): string {
  return String(now + (random.chance(0.5) ? random.between(1, lifeMsMax) : farMs));
}

function score({ random }: Given): string {
  return String(random.chance(0.5) ? random.below(4) : random.below(400) / 4);
}

type Maker = (name: string, given: Given) => Words;

const makers: { readonly [Type in Value["type"]]: Maker } = {
  string: (name, given) => ["SET", name, text(given)],
  list: (name, given) => [
    given.random.pick(["LPUSH", "RPUSH"]),
    name,
    ...some(given, (i) => `${text(given)}${i % 5}`),
  ],
  set: (name, given) => ["SADD", name, ...some(given, member)],
  hash: (name, given) => ["HSET", name, ...some(given, (i) => [member(i), text(given)]).flat()],
  zset: (name, given) => ["ZADD", name, ...some(given, (i) => [score(given), member(i)]).flat()],
  stream: (name, given) => ["XADD", name, `${given.number}-1`, "b", text(given)],
};

/** Of any type, under a name that has nothing; or there all the same. */
export function makeOf(name: string, given: Given): Words {
  const { random } = given;
  if (random.chance(0.15)) return storeOf(random.pick(names), name, given);
  if (random.chance(0.1)) return ["XGROUP", "CREATE", name, "g", "0", "MKSTREAM"];
  return random.pick(Object.values(makers))(name, given);
}

/** Puts something of one key under another. */
function storeOf(from: string, to: string, { random, otherDatabase }: Given): Words {
  const other = random.pick(names);
  return random
    .pick<() => Words>([
      () => ["RENAME", from, to],
      () => (from === to ? ["TYPE", from] : ["COPY", from, to, "DB", "", "REPLACE"]),
      () => ["COPY", from, to, "DB", otherDatabase, "REPLACE"],
      () => ["MOVE", from, otherDatabase],
      () => ["SORT", from, "ALPHA", "STORE", to],
      () => ["SUNIONSTORE", to, from, other],
      () => ["SINTERSTORE", to, from, other],
      () => ["SDIFFSTORE", to, from, other],
      () => ["ZUNIONSTORE", to, "2", from, other],
      () => ["ZINTERSTORE", to, "2", from, other],
      () => ["ZRANGESTORE", to, from, "0", String(random.between(-3, 8))],
      () => ["LMOVE", from, to, "LEFT", "RIGHT"],
    ])()
    .filter((word, i, words) => word !== "" && !(word === "DB" && words[i + 1] === ""));
}

export function changeOf(value: Value, name: string, given: Given): Words {
  const { random } = given;
  const choice = random.next();
  if (choice < 0.03) return ["DEL", name];
  if (choice < 0.1) return ["PEXPIREAT", name, deadline(given)];
  if (choice < 0.13) return ["PERSIST", name];
  if (choice < 0.22) return storeOf(name, random.pick(names), given);
  if (choice < 0.45) return makers[value.type](name, given);
  return random.pick(changes(value, name, given));
}

function changes(value: Value, name: string, given: Given): Words[] {
  const { random } = given;
  const count = String(random.between(1, 5));
  const fields = some(given, member);
  const counted = ["FIELDS", String(fields.length), ...fields];
  switch (value.type) {
    case "string":
      return [["APPEND", name, text(given)]];
    case "list": {
      const item = random.pick(value.items);
      return [
        ["LPOP", name, count],
        ["RPOP", name, count],
        ["LSET", name, String(random.below(value.items.length)), text(given)],
        ["LREM", name, "0", item],
        ["LINSERT", name, "BEFORE", item, text(given)],
        ["LTRIM", name, String(random.below(4)), String(-random.between(1, 4))],
      ];
    }
    case "set":
      return [
        ["SREM", name, ...fields],
        ["SMOVE", name, random.pick(names), random.pick(value.members)],
      ];
    case "hash":
      return [
        ["HDEL", name, ...fields],
        ["HINCRBY", name, `n${random.below(3)}`, count],
        ["HPEXPIREAT", name, deadline(given), ...counted],
        ["HPEXPIREAT", name, deadline(given), ...counted],
        ["HPERSIST", name, ...counted],
      ];
    case "zset": {
      const from = random.below(100);
      return [
        ["ZREM", name, ...fields],
        ["ZPOPMIN", name, count],
        ["ZINCRBY", name, count, random.pick(fields)],
        ["ZREMRANGEBYSCORE", name, String(from), String(from + random.below(10))],
      ];
    }
    default: {
      const id = `${random.pick(value.entries)?.[0] ?? 1}-1`;
      const held = `${random.pick(value.group?.pending ?? [1]) ?? 1}-1`;
      return [
        ["XDEL", name, id],
        ["XTRIM", name, "MAXLEN", String(random.between(0, 10))],
        ["XGROUP", random.chance(0.8) ? "CREATE" : "DESTROY", name, "g", "0", "MKSTREAM"],
        ["XREADGROUP", "GROUP", "g", "c", "COUNT", count, "STREAMS", name, ">"],
        ["XACK", name, "g", held],
      ].map((words) => (words[1] === "DESTROY" ? words.slice(0, 4) : words));
    }
  }
}

const members = Array.from({ length: memberCount }, (_, i) => member(i));
const fields = [...members, "n0", "n1", "n2"];

export function lookAt(value: Value, name: string): Words[] {
  const all: { readonly [Type in Value["type"]]: Words[] } = {
    string: [["GET", name]],
    list: [["LRANGE", name, "0", "-1"]],
    set: [
      ["SORT", name, "ALPHA"],
      ["SCARD", name],
    ],
    hash: [
      ["HMGET", name, ...fields],
      ["HPEXPIRETIME", name, "FIELDS", String(fields.length), ...fields],
      ["HLEN", name],
    ],
    zset: [["ZRANGE", name, "0", "-1", "WITHSCORES"]],
    stream: [
      ["XRANGE", name, "-", "+"],
      ["XLEN", name],
      ["XPENDING", name, "g"],
    ],
  };
  return all[value.type];
}
