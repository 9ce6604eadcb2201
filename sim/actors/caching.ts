/**
 * A client that caches what it has read (CLIENT TRACKING, in all modes), and clients that change the same keys: by commands, in MULTI, in
 * scripts, by what expires and is evicted, and by AMQP.
 *
 * The promise of a cache: what it has dropped nothing of is what is there. Each key that is cached is read again now and then. Where that
 * differs, the invalidation may follow: it comes behind the reply of a command that itself finds a key to be due, at the end of the tick
 * (BCAST, and what other protocols do), or by another connection. A further answer by the connection that it comes by is behind it.
 */
import { AmqpClient } from "../clients/amqp-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

/** The first letter is the type; `x` are streams. */
const names: readonly string[] = ["c:s1", "c:s2", "c:s3", "c:h1", "c:l1", "c:x1"];
const modes = [
  "default",
  "noloop",
  "optin",
  "optout",
  "broadcast",
  "redirect",
  "redirect broadcast",
] as const;
type Mode = (typeof modes)[number];

interface Cached {
  readonly name: string;
  /** Null: the read is under way. */
  text: string | null;
}

const setBoth = `
redis.call('SET', 'c:s1', ARGV[1])
redis.call('HSET', 'c:h1', 'f', ARGV[1])
redis.call('DEL', 'c:l1')
return redis.call('RPUSH', 'c:l1', ARGV[1])`;

const readingMax = 3;
const changingMax = 4;

export class CachingActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #reader: RedisClient | null = null;
  /** Hears of changes on behalf of the reader; null where that hears of them itself. */
  #ear: RedisClient | null = null;
  #writer: RedisClient | null = null;
  #amqp: AmqpClient | null = null;
  #mode: Mode = "default";
  #isReady = false;
  readonly #cache = new Map<string, Cached>();
  #number = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  get isIdle(): boolean {
    return [this.#reader, this.#ear, this.#writer].every((client) => client === null || client.waiting === 0);
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const isLost = (client: RedisClient | null): boolean => client === null || client.isLost;
    if (isLost(this.#writer)) {
      const link = this.#world.connect("redis");
      if (link !== null) this.#writer = new RedisClient(link);
    } else if (isLost(this.#reader) || this.#ear?.isLost === true) this.#begin();
    else if (!this.#isReady || isDraining) return;
    else if (random.chance(0.01)) this.#reader!.cut();
    else if (random.chance(0.6)) this.#read();
    else if (random.chance(0.1)) this.#publish();
    else if (this.#writer!.waiting < changingMax) this.#change(this.#writer!, true);
  }

  // Reading

  #begin(): void {
    const { random } = this.#world;
    this.#reader?.cut();
    this.#ear?.cut();
    this.#cache.clear();
    this.#isReady = false;
    const mode = (this.#mode = random.pick(modes));
    const link = this.#world.connect("redis");
    if (link === null) return;
    const reader = (this.#reader = new RedisClient(link, (message) => {
      if (reader === this.#reader) this.#hears(message);
    }));
    this.#ear = null;
    if (!mode.startsWith("redirect")) {
      reader.call(["HELLO", 3], () => {});
      return this.#track(reader, mode, []);
    }
    const other = this.#world.connect("redis");
    if (other === null) return;
    const ear = (this.#ear = new RedisClient(other, (message) => {
      if (ear === this.#ear) this.#hears(message);
    }));
    ear.call(["CLIENT", "ID"], (id, isLost) => {
      if (isLost || ear !== this.#ear || typeof id !== "number") return;
      ear.call(["SUBSCRIBE", "__redis__:invalidate"], (_reply, isGone) => {
        if (!isGone && ear === this.#ear) this.#track(reader, mode, ["REDIRECT", id]);
      });
    });
  }

  #track(reader: RedisClient, mode: Mode, words: readonly (string | number)[]): void {
    const options: Readonly<Record<Mode, readonly string[]>> = {
      default: [],
      noloop: ["NOLOOP"],
      optin: ["OPTIN"],
      optout: ["OPTOUT"],
      broadcast: ["BCAST", "PREFIX", "c:"],
      redirect: [],
      "redirect broadcast": ["BCAST"],
    };
    reader.call(["CLIENT", "TRACKING", "ON", ...words, ...options[mode]], (reply, isLost) => {
      if (isLost || reader !== this.#reader) return;
      if (reply !== "OK") throw new Fault(`${this.name}: CLIENT TRACKING answered ${String(reply)}`);
      this.#isReady = true;
    });
  }

  #hears(message: RedisReply): void {
    const words = message as RedisReply[];
    const keys = words[0] === "invalidate" ? words[1] : words[0] === "message" ? words[2] : [];
    this.#world.count("invalidations heard");
    this.#world.note(`${this.name} hears ${JSON.stringify(words)}`);
    if (keys === null) this.#cache.clear();
    else for (const key of [keys].flat() as string[]) this.#cache.delete(key);
  }

  #read(): void {
    const { random } = this.#world;
    const reader = this.#reader!;
    if (reader.waiting >= readingMax) return;
    if (random.chance(0.1)) return this.#change(reader, false);
    const name = random.pick(names);
    let isCached = true;
    if (this.#mode === "optin" || this.#mode === "optout") {
      const asks = random.chance(0.6);
      isCached = this.#mode === "optin" ? asks : !asks;
      if (asks)
        reader.call(["CLIENT", "CACHING", this.#mode === "optin" ? "YES" : "NO"], (reply, isLost) => {
          if (!isLost && reply !== "OK")
            throw new Fault(`${this.name}: CLIENT CACHING answered ${String(reply)}`);
        });
    }
    const before = this.#cache.get(name);
    const begun: Cached = { name, text: null };
    if (isCached && before === undefined) this.#cache.set(name, begun);
    reader.call(readOf(name), (reply, isLost) => {
      if (isLost || reader !== this.#reader) return;
      if (isTemporary(reply) || reply instanceof Error) {
        if (this.#cache.get(name) === begun) this.#cache.delete(name);
        return;
      }
      const text = JSON.stringify(reply);
      this.#world.note(`${this.name} reads ${name}: ${text.slice(0, 100)}`);
      const cached = this.#cache.get(name);
      if (cached === begun) begun.text = text;
      else if (cached !== undefined && cached === before && cached.text !== null) this.#compare(cached, text);
    });
  }

  /** What is cached, and not dropped, against what is read. */
  #compare(cached: Cached, text: string): void {
    this.#world.count("values in a cache read again");
    if (cached.text === text || this.#world.isDamaged) return;
    // Who asks for all changes hears of Redis commands alone (docs/redis.md).
    if (this.#mode.endsWith("broadcast") && cached.name[2] === "x") return;
    const fault = new Fault(
      `${this.name}: ${cached.name} is ${text.slice(0, 200)}, and is cached (${this.#mode}) as ${cached.text!.slice(0, 200)}`,
    );
    const teller = this.#ear ?? this.#reader!;
    teller.call(["PING"], (_reply, isLost) => {
      if (isLost || (teller !== this.#ear && teller !== this.#reader) || this.#world.isDamaged) return;
      if (this.#cache.get(cached.name) === cached) throw fault;
      this.#world.count("values dropped from a cache late");
    });
  }

  // Changing

  /** `isOther`: not by the one who caches, who need not be told. */
  #change(client: RedisClient, isOther: boolean): void {
    const { random, time } = this.#world;
    const text = `v${++this.#number}`;
    const string = random.pick(names.slice(0, 3));
    const at = time.now() + random.between(1, 200);
    const some: readonly (() => readonly string[][])[] = [
      () => [["SET", string, text]],
      () => [["SET", string, text, "PXAT", String(at)]],
      () => [["APPEND", string, text.padEnd(random.below(100), "y")]],
      () => [["DEL", random.pick(names)]],
      () => [["RENAME", string, "c:s1"]],
      () => [["COPY", string, "c:s2", "REPLACE"]],
      () => [["PEXPIREAT", random.pick(names), String(at)]],
      () => [["HSET", "c:h1", random.pick(["f", "g"]), text]],
      () => [["HDEL", "c:h1", random.pick(["f", "g"])]],
      () => [[random.pick(["LPUSH", "RPUSH"]), "c:l1", text]],
      () => [["RPOP", "c:l1"]],
      () => [["XADD", "c:x1", "MAXLEN", "3", "*", "body", text]],
      () => [["EVAL", setBoth, "0", text]],
      () => [["MULTI"], ["SET", string, text], ["SET", "c:s3", text], ["RPUSH", "c:l1", text], ["EXEC"]],
      () => [["LTRIM", "c:l1", "-3", "-1"]],
    ];
    const commands = random.pick(some)();
    this.#world.note(
      `${this.name}${isOther ? "" : " itself"}: ${commands.map((words) => words.join(" ").slice(0, 80)).join("; ")}`,
    );
    // Of what it does itself it need not be told where it said so.
    if (!isOther && this.#mode === "noloop") this.#cache.clear();
    for (const words of commands) client.call(words, () => {});
  }

  #publish(): void {
    if (this.#amqp === null) {
      const link = this.#world.connect("amqp");
      if (link === null) return;
      const client: AmqpClient = new AmqpClient(link, {
        lost: () => {
          if (this.#amqp === client) this.#amqp = null;
        },
      });
      this.#amqp = client;
    } else this.#amqp.publish("c:x1", `p/${++this.#number}`);
  }
}

function readOf(name: string): readonly string[] {
  switch (name[2]) {
    case "s":
      return ["GET", name];
    case "h":
      return ["HGETALL", name];
    case "l":
      return ["LRANGE", name, "0", "-1"];
    default:
      return ["XREVRANGE", name, "+", "-", "COUNT", "3"];
  }
}
