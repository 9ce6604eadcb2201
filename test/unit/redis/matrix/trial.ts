/**
 * One cell of the matrix: a command that runs in one way, on both servers, while everybody looks on: clients that track keys, that
 * listen to keyspace events, that MONITOR, that WATCH; SLOWLOG, LATENCY, and the counters of INFO. What they saw is a list of lines.
 *
 * Not here: which commands and ways there are compared with which (rules-real.test.ts).
 */
import type { Word } from "../../../support/raw-redis.ts";
import { ask, clientNames, type ClientName, type Side } from "./sides.ts";

/** How a command comes to run. */
export const ways = [
  "direct",
  "sliced",
  "waiting",
  "behind the cleaner",
  "paused",
  "exec",
  "script",
  "undeclared",
  "suspended",
] as const;
/** Of a command that waits for a key until another client fills it. */
export const wakings = ["woken", "woken by exec", "woken by script"] as const;
export type Way = (typeof ways)[number] | (typeof wakings)[number];

/** How the client that sends it tracks keys. */
export const trackings = [
  "off",
  "on",
  "on noloop",
  "on bcast",
  "on bcast noloop",
  "on optin",
  "on optin noloop",
  "on optout",
  "on optout noloop",
  "on redirect TARGET",
  "on noloop redirect TARGET",
] as const;
export type TrackingMode = (typeof trackings)[number];

export interface Cell {
  readonly command: readonly Word[];
  readonly way: Way;
  readonly tracking: TrackingMode;
  /** What wakes it. */
  readonly wakes?: readonly Word[];
  /** No memory is left when the command comes. */
  readonly isOutOfMemory?: boolean;
}

const long = "m".repeat(600);
/** Above what a command does at once. */
const manyCount = 1100;
const fewCount = 6;

const makers: Readonly<Record<string, (count: number) => Word[]>> = {
  set: (count) => ["sadd", "set", ...each(count, (i) => [`m${i}`])],
  half: (count) => ["sadd", "half", ...each(count, (i) => [`m${2 * i}`])],
  zset: (count) => ["zadd", "zset", ...each(count, (i) => [i, `m${i}`])],
  zhalf: (count) => ["zadd", "zhalf", ...each(count, (i) => [i, `m${2 * i}`])],
  list: (count) => ["rpush", "list", ...each(count, (i) => [`${long}${i % 50}`])],
  hash: (count) => ["hset", "hash", ...each(count, (i) => [`m${i}`, i])],
  geo: (count) => ["geoadd", "geo", ...each(count, (i) => [(i % 170) / 100, (i % 130) / 100, `m${i}`])],
  bits: (count) => ["setbit", "bits", count * 1000, 1],
  str: () => ["set", "str", "5"],
  other: () => ["sadd", "other", "x"],
  to: () => ["set", "to", "before"],
  log: () => ["xadd", "log", "1-1", "f", "v"],
};

function each(count: number, make: (i: number) => Word[]): Word[] {
  return Array.from({ length: count }, (_, i) => make(i)).flat();
}

/** `many` stands for so many keys that are not there. */
export function wordsOf(text: string): Word[] {
  return text
    .split(" ")
    .flatMap((word) =>
      word === "MANY"
        ? each(manyCount, (i) => [`none${i}`])
        : [word === '""' ? "" : word.replace("LONG", long)],
    );
}

function keysIn(words: readonly Word[]): string[] {
  return Object.keys(makers).filter((name) => words.slice(1).includes(name));
}

/** Takes several turns, and has all keys of the database to itself meanwhile. It changes nothing. */
const holder: Word[] = ["unlink", ...each(manyCount, (i) => [`gone${i}`])];

const suspended = "for i = 1, 1000000 do end return redis.call(unpack(ARGV))";

export class Trial {
  readonly #side: Side;
  readonly #cell: Cell;
  readonly #lines: string[] = [];
  #target = "";

  constructor(side: Side, cell: Cell) {
    this.#side = side;
    this.#cell = cell;
  }

  async run(): Promise<string[]> {
    await this.#prepare();
    await this.#runCommand();
    await this.#collect();
    return this.#lines;
  }

  async #ask(client: ClientName, ...words: readonly Word[]): Promise<string> {
    return ask(this.#side, client, ...words);
  }

  #sendText(client: ClientName, text: string): void {
    this.#side.send(client, ...wordsOf(text));
  }

  async #prepare(): Promise<void> {
    const side = this.#side;
    const { command, way, tracking } = this.#cell;
    const keys = keysIn(command);
    for (const client of clientNames) {
      side.send(client, "reset");
      side.send(client, "hello", client === "monitor" ? 2 : 3);
      // Whoever is in MONITOR goes on being asked.
      if (client === "monitor") side.send(client, "monitor");
    }
    this.#sendText("other", "config set maxmemory 0 notify-keyspace-events AKEmn slowlog-log-slower-than 0");
    this.#sendText("other", "flushall");
    for (const key of keys) {
      const isMany = way === "sliced" || way === "waiting" || way === "behind the cleaner";
      await side.call("other", ...makers[key]!(isMany ? manyCount : fewCount));
    }
    await side.settle();
    for (const client of clientNames) side.take(client);
    this.#target = (await this.#ask("target", "client", "id")).slice(1).trim();
    const known = [...new Set(["missing", ...keys])];
    this.#sendText("reader", "client tracking on");
    side.send("reader", "exists", ...known);
    this.#sendText("broadcast", "client tracking on bcast");
    this.#sendText("subscriber", "psubscribe __key*");
    side.send("watcher", "watch", ...known);
    if (tracking !== "off") {
      this.#sendText("caller", `client tracking ${tracking.replace("TARGET", this.#target)}`);
      // What it reads here it is told of below, unless it opts in.
      side.send("caller", "exists", ...known);
    }
    await side.settle();
    this.#sendText("other", "slowlog reset");
    this.#sendText("other", "config resetstat");
    if (this.#cell.isOutOfMemory === true) this.#sendText("other", "config set maxmemory 1");
    await side.settle();
    for (const client of clientNames) side.take(client);
  }

  async #runCommand(): Promise<void> {
    const side = this.#side;
    const { command, way, tracking } = this.#cell;
    if (tracking.includes("optin")) this.#sendText("caller", "client caching yes");
    if (tracking.includes("optout")) this.#sendText("caller", "client caching no");
    switch (way) {
      case "woken":
      case "woken by exec":
      case "woken by script":
      case "direct":
      case "sliced":
        side.send("caller", ...command);
        break;
      case "waiting":
        side.send("other", ...holder);
        await side.turn();
        side.send("caller", ...command);
        break;
      case "behind the cleaner":
        side.cleanerFirst(true);
        side.send("caller", ...command);
        await side.turn();
        side.cleanerFirst(false);
        break;
      case "paused":
        this.#sendText("other", "client pause 100000 all");
        await side.settle();
        side.send("caller", ...command);
        await side.settle();
        this.#sendText("monitor", "client unpause");
        break;
      case "exec":
        this.#sendText("caller", "multi");
        side.send("caller", ...command);
        this.#sendText("caller", "exec");
        break;
      case "script": {
        const keys = keysIn(command);
        side.send("caller", "eval", "return redis.call(unpack(ARGV))", keys.length, ...keys, ...command);
        break;
      }
      case "suspended":
        side.suspendScripts(true);
        side.send("caller", "eval", suspended, keysIn(command).length, ...keysIn(command), ...command);
        await side.settle();
        side.suspendScripts(false);
        break;
      case "undeclared":
        side.send("caller", "eval", "return redis.call(unpack(ARGV))", 0, ...command);
        break;
    }
    const { wakes } = this.#cell;
    if (wakes !== undefined) {
      await side.settle();
      if (way === "woken by exec") this.#sendText("other", "multi");
      if (way === "woken by script")
        side.send("other", "eval", "return redis.call(unpack(ARGV))", 1, wakes[1]!, ...wakes);
      else side.send("other", ...wakes);
      if (way === "woken by exec") {
        this.#sendText("other", "ping");
        this.#sendText("other", "exec");
      }
    }
    await side.settle();
    await side.settle();
    await side.heard();
  }

  async #collect(): Promise<void> {
    const side = this.#side;
    for (const client of clientNames) {
      let parts = side.take(client);
      if (client === "monitor") parts = parts.flatMap(shownInMonitor);
      // Which client is told first is chance in redis.
      if (client === "caller" || client === "monitor") for (const part of parts) this.#add(client, part);
      else this.#add(client, ...parts);
    }
    // Changed keys are told once more if it reads again: what it has been told of is forgotten.
    this.#sendText("other", "config set maxmemory 0");
    this.#add("slowlog", slowCommands(await this.#ask("other", "slowlog", "get", 128)));
    const stats = await this.#ask("other", "info", "stats");
    this.#add("info", /keyspace_hits:\d+/.exec(stats)![0], /keyspace_misses:\d+/.exec(stats)![0]);
    this.#add("info", /total_error_replies:\d+/.exec(stats)![0], /tracking_total_keys:\d+/.exec(stats)![0]);
    this.#add("info", /tracking_total_items:\d+/.exec(stats)![0]);
    const calls = await this.#ask("other", "info", "commandstats");
    for (const line of calls.split("\r\n").toSorted()) {
      const found = /^(cmdstat_\S+?):calls=(\d+),.*(rejected_calls=\d+,failed_calls=\d+)/.exec(line);
      if (found !== null && !/ping|unpause/.test(found[1]!)) this.#add("info", ...found.slice(1));
    }
    const name = String(this.#cell.command[0]);
    this.#add("latency", latencyCalls(await this.#ask("other", "latency", "histogram", name, "exec", "eval", "unlink"))); // prettier-ignore
    await this.#ask("watcher", "multi");
    this.#add("watch", await this.#ask("watcher", "exec"));
    this.#add("caller", await this.#ask("caller", "client", "trackinginfo"));
  }

  #add(who: string, ...parts: readonly string[]): void {
    let text = parts.join(" | ").replaceAll("\r\n", " ").replaceAll(long, "LONG");
    if (this.#target !== "") text = text.replaceAll(`:${this.#target} `, ":TARGET ");
    text = text.replace(/(gone|none)0[" ].*\1\d{3,}/g, "$10...");
    this.#lines.push(`${who}: ${text}`);
  }
}

/** Without time and address. */
function shownInMonitor(part: string): string[] {
  const found = /^\+[\d.]+ \[(\d+) (\S+)\] (.*)\r\n$/.exec(part);
  if (found === null) return [part];
  if (/^"(ping|client" "unpause)/i.test(found[3]!)) return [];
  return [`${found[1]} ${found[2] === "lua" ? "lua" : "client"} ${found[3]}`];
}

/** The arguments of each entry, newest first. */
function slowCommands(reply: string): string {
  const entries = reply.split(/\*6\r\n(?=:)/).slice(1);
  return entries
    .map((entry) => {
      const words = entry.split("\r\n").filter((line) => !/^[:*$]/.test(line));
      // Behind the arguments stand the address and the name.
      return words.slice(0, -3).join(" ");
    })
    .filter((entry) => !/^ping|unpause/i.test(entry))
    .join(" ; ");
}

function latencyCalls(reply: string): string {
  return [...reply.matchAll(/\$\d+\r\n(\S+)\r\n[%*]\d\r\n\$5\r\ncalls\r\n:(\d+)/g)]
    .map(([, name, calls]) => `${name}=${calls}`)
    .toSorted()
    .join(" ");
}
