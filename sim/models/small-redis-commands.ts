/**
 * What Redis's commands do to the keys of a small Redis: those that the actors send, with the options that they give.
 *
 * Not here: replies without a fixed order, which no model could foretell. A word that is always the same is not looked at.
 */
import {
  type Commands,
  empty,
  type Group,
  type Handler,
  type Of,
  Refused,
  sizeOf,
  type SmallRedis,
  type SmallReply,
  something,
  type Value,
} from "./small-redis.ts";

function byName(
  a: string | readonly [string, ...unknown[]],
  b: string | readonly [string, ...unknown[]],
): number {
  const [one, other] = [typeof a === "string" ? a : a[0], typeof b === "string" ? b : b[0]];
  return one < other ? -1 : one > other ? 1 : 0;
}

function setField(hash: Of<"hash">, name: string, text: string, at: number | null): number {
  const found = hash.fields.find(([each]) => each === name);
  if (found !== undefined) {
    found[1] = text;
    found[2] = at;
    return 0;
  }
  hash.fields.push([name, text, at]);
  hash.fields.sort(byName);
  return 1;
}

function setScore(set: Of<"zset">, name: string, score: number): number {
  const found = set.members.find(([each]) => each === name);
  if (found !== undefined) found[1] = score;
  else set.members.push([name, score]);
  set.members.sort((a, b) => a[1] - b[1] || byName(a, b));
  return found === undefined ? 1 : 0;
}

/** The list from `from` to `to`, both counted as Redis does. */
function range<Item>(items: readonly Item[], from: number, to: number): Item[] {
  const end = to < 0 ? items.length + to : to;
  return items.slice(from < 0 ? Math.max(items.length + from, 0) : from, Math.max(end + 1, 0));
}

/** How many are gone. */
function without<Item>(items: Item[], isGone: (item: Item) => boolean): number {
  const left = items.filter((item) => !isGone(item));
  const gone = items.length - left.length;
  items.splice(0, items.length, ...left);
  return gone;
}

/** Members with scores, of a set or a sorted set. */
function scored(redis: SmallRedis, key: string): Map<string, number> {
  const value = redis.entry(key)?.value;
  if (value === undefined) return new Map();
  if (value.type === "zset") return new Map(value.members);
  if (value.type === "set") return new Map(value.members.map((name) => [name, 1]));
  throw new Refused("WRONGTYPE");
}

function store(redis: SmallRedis, key: string, value: Value): number {
  redis.put(key, { value, at: null });
  return sizeOf(value);
}

function push(isLeft: boolean): Handler {
  return (redis, key, items) => {
    const list = redis.made(key, "list").items;
    if (isLeft) list.unshift(...items.toReversed());
    else list.push(...items);
    return list.length;
  };
}

function pop(isLeft: boolean): Handler {
  return (redis, key, [count]) => {
    const list = redis.of(key, "list")?.items;
    if (list === undefined) return null;
    const size = Math.min(Number(count), list.length);
    return isLeft ? list.splice(0, size) : list.splice(list.length - size).toReversed();
  };
}

function combine(keep: (counts: number, sets: number, isFirst: boolean) => boolean): Handler {
  return (redis, key, sources) => {
    const sets = sources.map((source) => redis.of(source, "set")?.members ?? []);
    const all = [...new Set(sets.flat())].toSorted();
    const members = all.filter((name) =>
      keep(sets.filter((each) => each.includes(name)).length, sets.length, sets[0]!.includes(name)),
    );
    return store(redis, key, { type: "set", members });
  };
}

/** ZUNIONSTORE or ZINTERSTORE of two keys. */
function combineScores(isUnion: boolean): Handler {
  return (redis, key, [, one, other]) => {
    const [a, b] = [scored(redis, one!), scored(redis, other!)];
    const result = empty.zset();
    for (const name of new Set([...a.keys(), ...b.keys()]))
      if (isUnion || (a.has(name) && b.has(name)))
        setScore(result, name, (a.get(name) ?? 0) + (b.get(name) ?? 0));
    return store(redis, key, result);
  };
}

function stream(redis: SmallRedis, key: string): Of<"stream"> | undefined {
  return redis.of(key, "stream");
}

function idOf(text: string): number {
  return Number.parseInt(text, 10);
}

function shown([number, body]: readonly [number, string]): SmallReply {
  return [`${number}-1`, ["b", body]];
}

function groupOf(redis: SmallRedis, key: string): Group {
  const group = stream(redis, key)?.group;
  if (group === undefined || group === null) throw new Refused("NOGROUP");
  return group;
}

export const smallCommands: Commands = {
  // Keys of any type
  SELECT: (redis, database) => {
    redis.select(Number(database));
    return "OK";
  },
  DEL: (redis, key, rest) => [key, ...rest].filter((each) => del(redis, each)).length,
  TYPE: (redis, key) => redis.entry(key)?.value.type ?? "none",
  RENAME: (redis, key, [to]) => {
    const entry = redis.entry(key);
    if (entry === undefined) throw new Refused("ERR");
    redis.put(key, null);
    redis.put(to!, entry);
    return "OK";
  },
  /** COPY key to [DB n] REPLACE */
  COPY: (redis, key, [to, , database]) => {
    const entry = redis.entry(key);
    if (entry === undefined) return 0;
    redis.put(to!, entry, database === undefined ? undefined : Number(database));
    return 1;
  },
  MOVE: (redis, key, [database]) => {
    const entry = redis.entry(key);
    if (entry === undefined || redis.entry(key, Number(database)) !== undefined) return 0;
    redis.put(key, null);
    redis.put(key, entry, Number(database));
    return 1;
  },
  PEXPIREAT: (redis, key, [at]) => {
    const entry = redis.entry(key);
    if (entry === undefined) return 0;
    entry.at = Number(at);
    return 1;
  },
  PERSIST: (redis, key) => {
    const entry = redis.entry(key);
    if (entry === undefined || entry.at === null) return 0;
    entry.at = null;
    return 1;
  },
  PEXPIRETIME: (redis, key) => {
    const entry = redis.entry(key);
    return entry === undefined ? -2 : (entry.at ?? -1);
  },
  DUMP: (redis, key) => (redis.entry(key) === undefined ? null : something),
  RESTORE: (redis, key, [, payload]) => {
    redis.put(key, { value: redis.dumped(payload!), at: null });
    return "OK";
  },
  /** Always with ALPHA; words behind it: STORE and a key. */
  SORT: (redis, key, [, , to]) => {
    const value = redis.entry(key)?.value;
    const items =
      value === undefined ? [] : value.type === "list" ? value.items : [...scored(redis, key).keys()];
    const sorted = items.toSorted();
    return to === undefined ? sorted : store(redis, to, { type: "list", items: sorted });
  },
  // Strings
  SET: (redis, key, [text]) => {
    redis.put(key, { value: { type: "string", text: text! }, at: null });
    return "OK";
  },
  GET: (redis, key) => redis.of(key, "string")?.text ?? null,
  APPEND: (redis, key, [text]) => (redis.made(key, "string").text += text!).length,
  // Lists
  LPUSH: push(true),
  RPUSH: push(false),
  LPOP: pop(true),
  RPOP: pop(false),
  LRANGE: (redis, key, [from, to]) => range(redis.of(key, "list")?.items ?? [], Number(from), Number(to)),
  LTRIM: (redis, key, [from, to]) => {
    const list = redis.of(key, "list");
    if (list !== undefined) list.items = range(list.items, Number(from), Number(to));
    return "OK";
  },
  LSET: (redis, key, [index, text]) => {
    const list = redis.of(key, "list")?.items;
    if (list === undefined || Number(index) >= list.length) throw new Refused("ERR");
    list[Number(index)] = text!;
    return "OK";
  },
  LREM: (redis, key, [, text]) => without(redis.of(key, "list")?.items ?? [], (item) => item === text),
  LINSERT: (redis, key, [, pivot, text]) => {
    const list = redis.of(key, "list")?.items;
    if (list === undefined) return 0;
    const at = list.indexOf(pivot!);
    if (at < 0) return -1;
    list.splice(at, 0, text!);
    return list.length;
  },
  /** From its left end to the right one of another. */
  LMOVE: (redis, key, [to]) => {
    const list = redis.of(key, "list")?.items;
    if (list === undefined) return null;
    const target = redis.made(to!, "list").items;
    const item = list.shift()!;
    target.push(item);
    return item;
  },
  // Sets
  SADD: (redis, key, names) => {
    const set = redis.made(key, "set");
    const before = set.members.length;
    set.members = [...new Set([...set.members, ...names])].toSorted();
    return set.members.length - before;
  },
  SREM: (redis, key, names) => without(redis.of(key, "set")?.members ?? [], (name) => names.includes(name)),
  SCARD: (redis, key) => redis.of(key, "set")?.members.length ?? 0,
  SMOVE: (redis, key, [to, name]) => {
    const from = redis.of(key, "set")?.members;
    if (from === undefined) return 0;
    redis.of(to!, "set");
    if (!from.includes(name!)) return 0;
    without(from, (each) => each === name);
    const target = redis.made(to!, "set");
    target.members = [...new Set([...target.members, name!])].toSorted();
    return 1;
  },
  SUNIONSTORE: combine(() => true),
  SINTERSTORE: combine((count, sets) => count === sets),
  SDIFFSTORE: combine((count, _sets, isFirst) => isFirst && count === 1),
  // Hashes
  HSET: (redis, key, words) => {
    const hash = redis.made(key, "hash");
    let added = 0;
    for (let i = 0; i < words.length; i += 2) added += setField(hash, words[i]!, words[i + 1]!, null);
    return added;
  },
  HDEL: (redis, key, names) => without(redis.of(key, "hash")?.fields ?? [], ([name]) => names.includes(name)),
  HLEN: (redis, key) => redis.of(key, "hash")?.fields.length ?? 0,
  HINCRBY: (redis, key, [name, by]) => {
    const hash = redis.made(key, "hash");
    const found = hash.fields.find(([each]) => each === name);
    const sum = Number(found?.[1] ?? 0) + Number(by);
    if (Number.isNaN(sum)) throw new Refused("ERR");
    setField(hash, name!, String(sum), found?.[2] ?? null);
    return sum;
  },
  HMGET: (redis, key, names) => {
    const fields = new Map(redis.of(key, "hash")?.fields.map(([name, text]) => [name, text]));
    return names.map((name) => fields.get(name) ?? null);
  },
  /** HPEXPIREAT key at FIELDS n field … */
  HPEXPIREAT: (redis, key, [at, , , ...names]) =>
    eachField(redis, key, names, (field) => {
      field[2] = Number(at);
      return Number(at) < redis.now ? 2 : 1;
    }),
  /** HPERSIST key FIELDS n field … */
  HPERSIST: (redis, key, [, , ...names]) =>
    eachField(redis, key, names, (field) => {
      if (field[2] === null) return -1;
      field[2] = null;
      return 1;
    }),
  HPEXPIRETIME: (redis, key, [, , ...names]) => eachField(redis, key, names, (field) => field[2] ?? -1),
  // Sorted sets
  ZADD: (redis, key, words) => {
    const set = redis.made(key, "zset");
    let added = 0;
    for (let i = 0; i < words.length; i += 2) added += setScore(set, words[i + 1]!, Number(words[i]));
    return added;
  },
  ZINCRBY: (redis, key, [by, name]) => {
    const set = redis.made(key, "zset");
    const score = (set.members.find(([each]) => each === name)?.[1] ?? 0) + Number(by);
    setScore(set, name!, score);
    return String(score);
  },
  ZREM: (redis, key, names) =>
    without(redis.of(key, "zset")?.members ?? [], ([name]) => names.includes(name)),
  ZPOPMIN: (redis, key, [count]) =>
    (redis.of(key, "zset")?.members.splice(0, Number(count)) ?? []).flatMap(([name, score]) => [
      name,
      String(score),
    ]),
  ZREMRANGEBYSCORE: (redis, key, [from, to]) =>
    without(
      redis.of(key, "zset")?.members ?? [],
      ([, score]) => score >= Number(from) && score <= Number(to),
    ),
  /** ZRANGE key from to WITHSCORES */
  ZRANGE: (redis, key, [from, to]) =>
    range(redis.of(key, "zset")?.members ?? [], Number(from), Number(to)).flatMap(([name, score]) => [
      name,
      String(score),
    ]),
  ZRANGESTORE: (redis, key, [source, from, to]) => {
    const members = range(redis.of(source!, "zset")?.members ?? [], Number(from), Number(to));
    return store(redis, key, { type: "zset", members });
  },
  ZUNIONSTORE: combineScores(true),
  ZINTERSTORE: combineScores(false),
  // Streams
  XADD: (redis, key, [id, , body]) => {
    redis.made(key, "stream").entries.push([idOf(id!), body!]);
    return id!;
  },
  XDEL: (redis, key, ids) =>
    without(stream(redis, key)?.entries ?? [], ([number]) => ids.includes(`${number}-1`)),
  /** XTRIM key MAXLEN n */
  XTRIM: (redis, key, [, length]) => {
    const entries = stream(redis, key)?.entries ?? [];
    return entries.splice(0, Math.max(0, entries.length - Number(length))).length;
  },
  XLEN: (redis, key) => stream(redis, key)?.entries.length ?? 0,
  XRANGE: (redis, key) => (stream(redis, key)?.entries ?? []).map(shown),
  /** XGROUP CREATE key g 0 MKSTREAM, and XGROUP DESTROY key g */
  XGROUP: (redis, action, [key]) => {
    if (action === "CREATE") {
      const made = redis.made(key!, "stream");
      if (made.group !== null) throw new Refused("BUSYGROUP");
      made.group = { last: 0, pending: [], isSeenWritten: true };
      return "OK";
    }
    const found = stream(redis, key!);
    if (found === undefined) throw new Refused("ERR");
    const had = found.group !== null;
    found.group = null;
    return had ? 1 : 0;
  },
  /** XREADGROUP GROUP g c COUNT n STREAMS key > */
  XREADGROUP: (redis, _group, [, , , count, , key]) => {
    const group = groupOf(redis, key!);
    const read = stream(redis, key!)!.entries.filter(([number]) => number > group.last);
    const given = read.slice(0, Number(count));
    group.isSeenWritten = given.length > 0;
    if (given.length === 0) return null;
    group.last = given.at(-1)![0];
    group.pending.push(...given.map(([number]) => number));
    return [[key!, given.map(shown)]];
  },
  XACK: (redis, key, [, ...ids]) => {
    const group = stream(redis, key)?.group;
    return without(group?.pending ?? [], (number) => ids.includes(`${number}-1`));
  },
  XPENDING: (redis, key) => {
    const { pending } = groupOf(redis, key);
    if (pending.length === 0) return [0, null, null, null];
    const ids = pending.map((number) => `${number}-1`);
    return [pending.length, ids[0]!, ids.at(-1)!, [["c", String(pending.length)]]];
  },
};

function del(redis: SmallRedis, key: string): boolean {
  const isThere = redis.entry(key) !== undefined;
  redis.put(key, null);
  return isThere;
}

function eachField(
  redis: SmallRedis,
  key: string,
  names: readonly string[],
  act: (field: Of<"hash">["fields"][number]) => number,
): number[] {
  const fields = redis.of(key, "hash")?.fields ?? [];
  return names.map((name) => {
    const field = fields.find(([each]) => each === name);
    return field === undefined ? -2 : act(field);
  });
}
