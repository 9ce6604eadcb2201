/**
 * What is sent, drawn from a seed: commands on keys of all types, groups of streams, MULTI and WATCH, scripts and functions, blocking
 * commands, caches, settings, and requests from the grammar of every command.
 *
 * Not here: sending. Left out is what depends on chance, on time, or on the server's own figures. Invariant: all chance is the seed's.
 */
import type { CommandArgument } from "../../src/protocols/redis/core/command-docs.ts";
import { loadCommandDocs } from "../../src/protocols/redis/command-docs.ts";
import { commandTable } from "../../src/protocols/redis/command-table.ts";
import { KeyCommands } from "../../test/support/key-commands.ts";
import type { Word } from "../../test/support/raw-redis.ts";
import { Grammar } from "./grammar.ts";
import { settingNames, settingValues } from "./settings.ts";
import { connectionCount, idOf } from "./side.ts";

export const profiles = [
  "keys",
  "groups",
  "grammar",
  "scripts",
  "blocking",
  "caches",
  "settings",
  "all",
] as const;
export type Profile = (typeof profiles)[number];

export interface Step {
  readonly connection: number;
  readonly requests: readonly (readonly Word[])[];
  /** The connection is closed, and another one takes its place. */
  readonly reopens?: true;
}

/** Their replies are chance, time or figures, or they end something. */
const leftOut = new Set(
  (
    "acl asking auth bgrewriteaof bgsave client cluster command config debug discard exec failover hello info lastsave latency lolwut " +
    "memory migrate module monitor multi pfdebug pfselftest psubscribe psync punsubscribe quit randomkey readonly readwrite replconf replicaof reset " +
    "restore-asking role save scan shutdown slaveof slowlog spop ssubscribe subscribe sunsubscribe swapdb sync time unsubscribe unwatch " +
    "wait waitaof watch xreadgroup srandmember hrandfield zrandmember flushall script function"
  ).split(" "),
);

interface Described {
  readonly name: string;
  readonly args: readonly CommandArgument[];
}

let described: readonly Described[] = [];

/** Call it once, before there is a pool. `isKnown`: whether the real server has a command. */
export async function readGrammar(isKnown: (fullName: string) => Promise<boolean>): Promise<void> {
  const docs = await loadCommandDocs();
  const known = new Set<string>();
  for (const { fullName } of commandTable.all) if (await isKnown(fullName)) known.add(fullName);
  described = commandTable.all
    .filter(
      ({ name, fullName, container }) => !leftOut.has((container ?? { name }).name) && known.has(fullName),
    )
    .map(({ fullName }) => ({ name: fullName.replace("|", " "), args: docs[fullName]?.arguments ?? [] }));
}

const library = `#!lua name=lib
redis.register_function('run', function(keys, args) return redis.pcall(unpack(args)) end)
redis.register_function{function_name='look', callback=function(keys, args) return redis.pcall(unpack(args)) end, flags={'no-writes'}}
redis.register_function('both', function(keys, args) redis.call('set', keys[1], args[1]); return {redis.call('get', keys[1]), redis.sha1hex(args[1])} end)`;

const scripts = [
  "return redis.pcall(unpack(ARGV))",
  "return redis.call(unpack(ARGV))",
  "local r = {} for i = 1, 2 do r[i] = redis.pcall(unpack(ARGV)) end return r",
  "redis.setresp(3) return redis.pcall(unpack(ARGV))",
  "local r = redis.pcall(unpack(ARGV)) if type(r) == 'table' and r.err then return {err = 'E ' .. r.err} end return cjson.encode({r})",
  "redis.call('set', KEYS[1], ARGV[1]) return redis.error_reply('after the first')",
  "local n = redis.call('incr', 'counter') if n % 2 == 0 then error('even') end return n",
  "return {1, 2.7, 'x', false, true, {ok = 'fine'}, {err = 'bad'}, nil, 'unseen'}",
  "#!lua flags=no-writes\nreturn redis.pcall(unpack(ARGV))",
];

const groupForms = `
xadd K I f V|xadd K I f V|xadd K I f V g V|xadd K maxlen 5 I f V|xadd K maxlen ~ 5 I f V|xdel K J|xdel K J J|xtrim K maxlen N|xtrim K minid J|xsetid K I entriesadded 100 maxdeletedid 1-1
xgroup create K G 0 mkstream|xgroup create K G $ mkstream|xgroup create K G J mkstream entriesread N|xgroup setid K G J|xgroup setid K G 0 entriesread N|xgroup setid K G $
xgroup destroy K G|xgroup createconsumer K G C|xgroup delconsumer K G C
xreadgroup group G C streams K >|xreadgroup group G C count N streams K >|xreadgroup group G C count N noack streams K >|xreadgroup group G C streams K 0|xreadgroup group G C streams K J
xreadgroup group G C count N streams K K > >|xreadgroup group G C streams K K > 0|xread count N streams K J|xread streams K K 0 $
xack K G J|xack K G J J J|xclaim K G C 0 J|xclaim K G C 0 J J J|xclaim K G C 0 J justid|xclaim K G C 0 J force|xclaim K G C 0 J force justid|xclaim K G C 100000000 J
xclaim K G C 0 J retrycount N|xclaim K G C 0 J idle 100|xclaim K G C 0 J time 1000 force|xclaim K G C 0 J lastid J|xclaim K G C 0 J idle 5 retrycount 7 force justid lastid J
xautoclaim K G C 0 0|xautoclaim K G C 0 J count N|xautoclaim K G C 0 J count N justid|xautoclaim K G C 100000000 0|xautoclaim K G C 0 ( count 1|xautoclaim K G C 0 (J
xpending K G|xpending K G - + 10|xpending K G J + 10 C|xpending K G idle 0 - + 10|xpending K G - (J 10|xinfo stream K|xinfo groups K|xlen K|xrange K - +|xrevrange K + J count N|xrange K (J +
del K|copy K K replace|rename K K|dump K|type K|object encoding K`
  .trim()
  .split(/[\n|]/)
  .map((form) => form.split(" "));

const blockingForms = `
blpop L 0|blpop L L 0|brpop L L 0|blmove L L left right 0|brpoplpush L L 0|blmpop 0 2 L L left count 2|blmpop 0 1 L right
bzpopmin Z 0|bzpopmax Z Z 0|bzmpop 0 2 Z Z min count 2|bzmpop 0 1 Z max
xread block 0 streams K $|xread count 1 block 0 streams K K $ $|xreadgroup group g1 c1 block 0 streams K >|xreadgroup group g1 c2 count 1 block 0 streams K >`
  .trim()
  .split(/[\n|]/)
  .map((form) => form.split(" "));

const wakingForms = `
lpush L V|rpush L V V V|lpush L V V|linsert L before V V|lmove L L left right|rpoplpush L L|rename L L|copy L L replace|sort L alpha store L|del L|set L V|lpop L|restore-list L
zadd Z 1 V|zadd Z 1 V 2 F|zincrby Z 1 V|zunionstore Z 2 Z Z|zrangestore Z Z 0 -1|rename Z Z|del Z|zpopmin Z|zrem Z V
xadd K I f V|xadd K I f V|xgroup create K g1 $ mkstream|xgroup create K g1 0|xgroup destroy K g1|xgroup setid K g1 0|xdel K J|del K|rename K K|set K V|move L 1|llen L|lrange L 0 -1|zrange Z 0 -1 withscores|xlen K`
  .trim()
  .split(/[\n|]/)
  .map((form) => form.split(" "))
  .filter(([name]) => name !== "restore-list");

export class Pool {
  readonly profile: Profile;
  readonly #random: () => number;
  readonly #keys: KeyCommands;
  readonly #grammar: Grammar;
  #entries = 10;
  /** By connection: what was asked of CLIENT TRACKING. */
  readonly #tracking: string[] = Array.from({ length: connectionCount }, () => "");

  constructor(random: () => number, profile: Profile) {
    this.#random = random;
    this.profile = profile;
    this.#keys = new KeyCommands(random);
    this.#grammar = new Grammar(this.#keys, random);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  #form(form: readonly string[]): Word[] {
    return form.map((word) => this.#word(word));
  }

  #word(word: string): string {
    switch (word) {
      case "K":
        return this.#pick(["stream1", "stream2", "stream3"]);
      case "L":
        return this.#pick(["list1", "list2", "list3"]);
      case "Z":
        return this.#pick(["sortedSet1", "sortedSet2"]);
      case "V":
        return this.#pick(["a", "b", "1", "xyz"]);
      case "F":
        return this.#pick(["f", "g"]);
      case "N":
        return this.#pick(["0", "1", "2", "3"]);
      case "I":
        return `${++this.#entries}-1`;
      case "J":
        return this.#pick([
          `${Math.max(this.#entries - Math.floor(this.#random() * 8), 0)}-1`,
          "0",
          "0-1",
          "5-1",
        ]);
      case "(J":
        return `(${Math.max(this.#entries - Math.floor(this.#random() * 4), 0)}-1`;
      case "(":
        return "(0-1";
      case "G":
        return this.#pick(["g1", "g1", "g2"]);
      case "C":
        return this.#pick(["c1", "c2", "c3"]);
      default:
        return word;
    }
  }

  /** `isBlocked`, `isInMulti`: by connection. */
  next(isBlocked: (connection: number) => boolean, isInMulti: (connection: number) => boolean): Step | null {
    const connection = Math.floor(this.#random() * connectionCount);
    if (isBlocked(connection)) {
      // Others go on, and wake it or not.
      if (this.#random() < 0.7) return null;
      if (this.#random() < 0.2) return { connection, requests: [], reopens: true };
      const other = [0, 1, 2, 3].find((each) => !isBlocked(each) && !isInMulti(each));
      if (other === undefined) return { connection, requests: [], reopens: true };
      return {
        connection: other,
        requests: [["client", "unblock", idOf(connection), this.#pick(["timeout", "error"])]],
      };
    }
    if (this.#random() < 0.01 && !isInMulti(connection)) return { connection, requests: [], reopens: true };
    if (isInMulti(connection)) {
      const choice = this.#random();
      if (choice < 0.25) return { connection, requests: [[choice < 0.22 ? "exec" : "discard"]] };
      return { connection, requests: withConsumers(this.#one()) };
    }
    if (this.#random() < 0.06) return { connection, requests: [["multi"]] };
    if (this.#random() < 0.04)
      return {
        connection,
        requests: [this.#random() < 0.8 ? ["watch", this.#keys.key(), this.#keys.key()] : ["unwatch"]],
      };
    if (this.#has("caches") && this.#random() < 0.2) return this.#caching(connection);
    return { connection, requests: withConsumers(this.#one()) };
  }

  #has(profile: Profile): boolean {
    return this.profile === profile || this.profile === "all";
  }

  #one(): Word[] {
    const profile = this.profile === "all" ? this.#pick(profiles.slice(0, -1)) : this.profile;
    switch (this.#random() < 0.25 ? "keys" : profile) {
      case "groups":
        return this.#group();
      case "grammar":
        return this.#fromGrammar();
      case "scripts":
        return this.#script();
      case "blocking":
        return this.#form(this.#pick(this.#random() < 0.3 ? blockingForms : wakingForms));
      case "settings":
        return this.#setting();
      default:
        return this.#key();
    }
  }

  #group(): Word[] {
    return this.#form(this.#pick(groupForms));
  }

  #key(): Word[] {
    for (;;) {
      const words = this.#keys.next(0.4);
      if (!/^(scan|xgroup|xreadgroup)$/.test(String(words[0])) && !words.includes("fail")) return words;
    }
  }

  #fromGrammar(): Word[] {
    for (;;) {
      if (this.#random() < 0.02)
        return this.#pick([
          ["nosuch", "a", "b"],
          ["xgroup", "nosuch", "a"],
          ["object"],
          ["object", "nosuch"],
          ["client", "nosuch"],
          ["config", "nosuch", "a"],
          ["", "a"],
          ["get\r\n", "a"],
          ["GeT"],
          ["pubsub", "nosuch"],
          ["script", "nosuch"],
          ["function", "nosuch"],
        ]);
      const { name, args } = this.#pick(described);
      const words = this.#grammar.request(name, args);
      if (isRepeatable(words)) return words;
    }
  }

  #script(): Word[] {
    const choice = this.#random();
    if (choice < 0.06) return ["function", "load", ...(choice < 0.05 ? ["replace"] : []), library];
    if (choice < 0.08)
      return this.#pick([
        ["function", "flush"],
        ["function", "list"],
        ["script", "flush"],
        ["function", "delete", "lib"],
        ["function", "stats"],
      ]);
    const call = this.#key();
    if (choice < 0.3)
      return [
        this.#pick(["fcall", "fcall", "fcall_ro"]),
        this.#pick(["run", "run", "look", "both", "nosuch"]),
        this.#pick(["1", "1", "0", "9", "-1", "x"]),
        this.#keys.key(),
        ...call,
      ];
    const script = this.#pick(scripts);
    const name = this.#pick(["eval", "eval", "eval", "eval_ro"]);
    return [name, script, "1", this.#keys.key("string"), ...call];
  }

  #setting(): Word[] {
    const choice = this.#random();
    if (choice < 0.45) return this.#key();
    const name = this.#pick(settingNames);
    if (choice < 0.55) return ["config", "get", name];
    if (choice < 0.6)
      return ["config", "get", this.#pick(["*max-listpack*", "maxmemory*", "lfu*", name]), name];
    const several = this.#random() < 0.2 ? this.#pick(settingNames) : null;
    return [
      "config",
      "set",
      name,
      this.#pick(settingValues(name)),
      ...(several === null ? [] : [several, this.#pick(settingValues(several))]),
    ];
  }

  #caching(connection: number): Step {
    const choice = this.#random();
    if (this.#tracking[connection] === "optin" && choice < 0.7)
      return {
        connection,
        requests: [["client", "caching", choice < 0.6 ? "yes" : "no"], this.#keys.next(1)].filter(
          ([name]) => name !== "scan",
        ),
      };
    if (this.#tracking[connection] === "optout" && choice < 0.5)
      return {
        connection,
        requests: [["client", "caching", choice < 0.45 ? "no" : "yes"], this.#keys.next(1)].filter(
          ([name]) => name !== "scan",
        ),
      };
    if (choice < 0.3)
      return {
        connection,
        requests: [
          ["client", "tracking", "off"],
          ["client", "trackinginfo"],
        ],
      };
    if (choice < 0.4) return { connection, requests: [["client", "getredir"]] };
    const mode = this.#pick([
      "",
      "",
      "noloop",
      "optin",
      "optout",
      "bcast",
      "bcast prefix string prefix list",
      "optin optout",
      "prefix a",
      "bcast prefix s prefix string",
    ]);
    const isRedirected = this.#random() < 0.2;
    this.#tracking[connection] = mode;
    const words = mode === "" ? [] : mode.split(" ");
    const target = (connection + 1) % connectionCount;
    return {
      connection,
      requests: [
        ["client", "tracking", "off"],
        ["client", "tracking", "on", ...(isRedirected ? ["redirect", idOf(target)] : []), ...words],
        ...(isRedirected ? [] : [["client", "trackinginfo"]]),
      ],
    };
  }
}

/** A group has all its consumers from the beginning: XREADGROUP makes those that are missing as redis 7.2 does (known.ts). */
function withConsumers(words: readonly Word[]): (readonly Word[])[] {
  const [name, subcommand, stream, group] = words.map(String);
  if (name !== "xgroup" || !/^(create|delconsumer)$/.test(subcommand!)) return [words];
  const made = ["c1", "c2", "c3"].map((consumer) => ["xgroup", "createconsumer", stream!, group!, consumer]);
  return [words, ...made];
}

/** Neither an id that is made of the time, nor a wait that ends by itself. */
function isRepeatable(words: readonly string[]): boolean {
  const name = words[0]!;
  if (name === "xadd" && words.includes("*")) return false;
  // No key is to expire while the two are compared.
  if (
    /^(set|setex|psetex|getex|expire|pexpire|restore)$/.test(name) &&
    words.some((word) => /^\+?[1-9]\d{0,3}(\.\d+)?$/.test(word))
  )
    return false;
  if (/^z(rev)?rank$/.test(name) && words.length !== 3) return false;
  // These tell more here, as redis 7.2 does (known.ts).
  if (name === "xinfo" && (words[1] === "consumers" || words.some((word) => word.toLowerCase() === "full")))
    return false;
  const isBlocking = /^b[lrz]|^xread/.test(name);
  return !isBlocking || !words.some((word) => /^(\+?1|1\.5|2\.5|0x10|[1-9]\d*|1e2|inf)$/.test(word));
}
