/**
 * Redis keys of every type that one client writes, in two databases: one command, several in MULTI, or several in a script at a
 * time. Each answer is compared with what a small Redis (models/small-redis.ts) makes of the keys that are possible; a
 * transaction or script without an answer was done as a whole or not at all.
 *
 * DUMP of a key that nothing has changed is the same bytes, over kills and restarts; of large sets and hashes, in any order.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { type Crash, Fault } from "../model.ts";
import {
  errorReply,
  hasDueHash,
  type Keys,
  type SmallReply,
  SmallRedis,
  something,
  timesDue,
  type Value,
} from "../models/small-redis.ts";
import { smallCommands } from "../models/small-redis-commands.ts";
import { Uncertain } from "../models/uncertain.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";
import { changeOf, lookAt, makeOf, names, type Words } from "./types-commands.ts";

const statesMax = 40;

const script = `
local replies = {}
for i, words in ipairs(cjson.decode(ARGV[1])) do replies[i] = redis.pcall(unpack(words)) end
return replies`;

/** A payload, and the value it was made of. */
interface Dump {
  readonly json: string;
  readonly payload: string;
}

type Way = "alone" | "MULTI" | "script";

export class TypesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #databases: readonly [number, number];
  readonly #state: Uncertain<Keys>;
  readonly #values = new Map<string, Value>();
  /** By key of the first database. */
  readonly #dumps = new Map<string, Dump>();
  #client: RedisClient | null = null;
  /** What can no longer be foretold is deleted, and begins anew. */
  #isUnsure = false;
  /** When that was told last: a power failure may bring back what was there before. */
  #begun = 0;
  #jumps = 0;
  #number = 0;
  /** All keys are to be looked at. */
  #isLookDue = false;
  /** The broker that the last connection led to. */
  #broker: unknown = null;

  constructor(world: World, name: string, firstDatabase: number) {
    this.#world = world;
    this.name = name;
    this.#databases = [firstDatabase, firstDatabase + 1];
    this.#state = new Uncertain<Keys>({}, world.promises);
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return this.#client === null || (this.#client.waiting === 0 && !this.#isLookDue);
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (client.waiting > 0) return;
    if ((this.#world.counts["clock jumps"] ?? 0) !== this.#jumps) this.#isUnsure = true;
    if (this.#isUnsure || this.#state.possible.length > statesMax) return this.#deleteAll(client);
    if (this.#isLookDue) return this.#lookAtAll();
    if (isDraining) return;
    const choice = random.next();
    if (choice < 0.35) this.#ask("alone", [this.#command()]);
    else {
      const way = choice < 0.7 ? "MULTI" : "script";
      const several = Array.from({ length: random.between(1, 8) }, () => this.#commands(way)).flat();
      this.#ask(way, several);
    }
  }

  /** Looks at all keys. */
  readAll(): void {
    this.#isLookDue = true;
  }

  #lookAtAll(): void {
    this.#isLookDue = false;
    const keys = this.#state.possible[0]!;
    const looks: Words[] = [];
    for (const name of names) {
      const value = keys[`${this.#databases[0]}:${name}`]?.value;
      looks.push(["TYPE", name], ["PEXPIRETIME", name], ["DUMP", name]);
      if (value !== undefined) looks.push(...lookAt(value, name));
    }
    this.#ask("MULTI", looks);
  }

  #crashed(crash: Crash): void {
    this.#state.crashed(crash);
    if (crash === "kill") return;
    this.#dumps.clear();
    if (this.#begun > 0 && !this.#world.promises.survives(this.#begun, "written", crash))
      this.#isUnsure = true;
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#client = new RedisClient(link);
    this.#client.encoding = "latin1";
    this.#client.call(["SELECT", this.#databases[0]], () => {});
    if (this.#broker !== this.#world.process.broker) this.#isLookDue = true;
    this.#broker = this.#world.process.broker;
  }

  #deleteAll(client: RedisClient): void {
    const [here, there] = this.#databases;
    this.#isUnsure = true;
    this.#dumps.clear();
    const jumps = this.#world.counts["clock jumps"] ?? 0;
    for (const words of [
      ["MULTI"],
      ["DEL", ...names],
      ["SELECT", there],
      ["DEL", ...names],
      ["SELECT", here],
    ])
      client.call(words, () => {});
    client.call(["EXEC"], (reply, isLost) => {
      if (isLost || !Array.isArray(reply) || reply.some((each) => each instanceof Error)) return;
      this.#state.settle([{}]);
      this.#begun = this.#world.promises.number();
      this.#isUnsure = false;
      this.#jumps = jumps;
    });
  }

  /** One that mostly fits what is there. */
  #command(): Words {
    const { random, time } = this.#world;
    const name = random.pick(names);
    const value = random.pick(this.#state.possible)[`${this.#databases[0]}:${name}`]?.value;
    if (random.chance(0.1)) {
      const dump = random.pick([...this.#dumps.values(), null]);
      if (dump !== null) return ["RESTORE", name, "0", dump.payload, "REPLACE"];
    }
    if (random.chance(0.15)) return ["DUMP", name];
    const given = {
      random,
      number: ++this.#number,
      now: time.now(),
      otherDatabase: String(this.#databases[1]),
    };
    if (value === undefined || random.chance(0.05)) return makeOf(name, given);
    return random.chance(0.35) ? random.pick(lookAt(value, name)) : changeOf(value, name, given);
  }

  /** For MULTI or a script: payloads, which are no text, are not for scripts. */
  #commands(way: Way): Words[] {
    const { random } = this.#world;
    const [here, there] = this.#databases.map(String) as [string, string];
    if (random.chance(0.15))
      return [
        ["SELECT", there],
        ["MOVE", random.pick(names), here],
        ["SELECT", here],
      ];
    const words = this.#command();
    return words[0] === "DUMP" || (way === "script" && words[0] === "RESTORE") ? [] : [words];
  }

  #ask(way: Way, commands: readonly Words[]): void {
    if (commands.length === 0) return;
    const { time, promises } = this.#world;
    const from = time.now();
    const sent = promises.number();
    const before = this.#state.possible;
    const { filledDisk, fullDisk } = this.#world.weather;
    this.#forgetDumps(commands);
    this.#send(way, commands, (reply, isLost) => {
      const to = time.now();
      if ((this.#world.counts["clock jumps"] ?? 0) !== this.#jumps) this.#isUnsure = true;
      // Until somebody asks for its fields, a hash of which all are due is there and yet empty, as in Redis.
      if (before.some((keys) => hasDueHash(keys, to)) || dueIn(commands, to)) this.#isUnsure = true;
      if (this.#isUnsure || this.#world.isDamaged) return;
      const all = before.flatMap((keys) => this.#outcomes(keys, commands, from, to));
      const states = all.map(({ keys }) => keys);
      const what = `${way === "alone" ? "" : `${way}: `}${commands
        .map((words) => words.join(" "))
        .join("; ")
        .slice(0, 400)}`;
      this.#world.note(`${this.name}: ${what} answered ${JSON.stringify(plain(reply))}`);
      // A disk that is nearly full refuses some commands of a script and not others, as Redis does.
      if (isLost && way === "script" && filledDisk + fullDisk > 0) {
        this.#isUnsure = true;
        return;
      }
      if (isLost) return this.#state.maybe(states);
      if (reply instanceof Error && (isTemporary(reply) || reply.message.startsWith("EXECABORT"))) return;
      // A part could not be read, say; what the others did is not looked into.
      if (Array.isArray(reply) && reply.some(isTemporary)) {
        this.#isUnsure = true;
        return;
      }
      const found = plain(way === "alone" ? [reply] : reply);
      const matching = all.filter(({ replies }) => areSame(found, replies)).map(({ keys }) => keys);
      if (matching.length === 0)
        throw new Fault(
          `${this.name}: ${what} answered ${JSON.stringify(found)}, not ${[...new Set(all.map(({ replies }) => JSON.stringify(replies)))].join(" or ")}`,
        );
      this.#world.count(
        way === "alone" ? "commands on keys of all types" : `commands on keys of all types by ${way}`,
      );
      const isChange =
        before.length === 1 &&
        matching.length === 1 &&
        JSON.stringify(before[0]) !== JSON.stringify(matching[0]);
      const level = isChange ? this.#world.redisKeysLevel : "written";
      this.#state.settle(matching, level);
      if (level === "durable") promises.durable(sent);
      // Amid changes nobody knows what the value was.
      if (commands.some((words) => !looks.has(words[0]!) || words.includes("STORE"))) return;
      const replies = way === "alone" ? [reply] : (reply as RedisReply[]);
      for (const [at, [name, key]] of commands.entries())
        if (name === "DUMP" && typeof replies[at] === "string") this.#dumped(key!, replies[at]);
    });
  }

  #send(way: Way, commands: readonly Words[], onReply: (reply: RedisReply, isLost: boolean) => void): void {
    const client = this.#client!;
    if (way === "alone") client.call(commands[0]!, onReply);
    else if (way === "script") client.call(["EVAL", script, "0", JSON.stringify(commands)], onReply);
    else {
      client.call(["MULTI"], () => {});
      for (const words of commands) client.call(words, () => {});
      client.call(["EXEC"], onReply);
    }
  }

  /** Of all times at which they may have run. */
  #outcomes(
    keys: Keys,
    commands: readonly Words[],
    from: number,
    to: number,
  ): { readonly keys: Keys; readonly replies: SmallReply[] }[] {
    const given = commands
      .filter(([name]) => name === "PEXPIREAT" || name === "HPEXPIREAT")
      .map(([, , at]) => Number(at))
      .filter((at) => at >= from && at <= to);
    const due = [...timesDue(keys, from, to), ...given];
    // At its very time a key may be there or not.
    return [from, ...due, ...due.map((at) => at + 0.5)].map((now) => {
      const redis = new SmallRedis(smallCommands, keys, now, this.#databases[0], this.#values);
      const replies = commands.map((words) => redis.run(words));
      return { keys: redis.keys, replies };
    });
  }

  /** Of all keys that are named, but by commands that only look. */
  #forgetDumps(commands: readonly Words[]): void {
    for (const [name, ...rest] of commands)
      if (!looks.has(name!) || rest.includes("STORE")) for (const word of rest) this.#dumps.delete(word);
  }

  #dumped(name: string, payload: string): void {
    if (this.#state.possible.length !== 1) return;
    const value = this.#state.possible[0]![`${this.#databases[0]}:${name}`]?.value;
    if (value === undefined || (value.type === "stream" && value.group?.isSeenWritten === false)) return;
    const json = JSON.stringify(value);
    const known = this.#dumps.get(name);
    if (known?.json === json) {
      this.#world.count("keys dumped again");
      const isSame =
        known.payload === payload ||
        (!this.#world.isPackedSmall && isShuffled(value, known.payload, payload));
      if (!isSame)
        throw new Fault(
          `${this.name}: DUMP ${name} of ${json} is ${hex(payload)}, and was ${hex(known.payload)}`,
        );
    }
    this.#dumps.set(name, { json, payload });
    this.#values.set(payload, structuredClone(value));
  }
}

const looks = new Set([
  "DUMP",
  "GET",
  "HLEN",
  "HMGET",
  "HPEXPIRETIME",
  "LRANGE",
  "PEXPIRETIME",
  "SCARD",
  "SORT",
  "TYPE",
  "XLEN",
  "XPENDING",
  "XRANGE",
  "ZRANGE",
]);

/** Commands that make fields expire by then. */
function dueIn(commands: readonly Words[], time: number): boolean {
  return commands.some(([name, , at]) => name === "HPEXPIREAT" && Number(at) <= time);
}

/** Large sets and hashes have no order: the hash of an element comes from a seed, as in Redis. */
function isShuffled({ type }: Value, one: string, other: string): boolean {
  return (type === "set" || type === "hash") && sortedBytes(one).equals(sortedBytes(other));
}

/** But for the checksum. */
function sortedBytes(payload: string): Buffer {
  return Buffer.from(Buffer.from(payload.slice(0, -8), "latin1").toSorted());
}

function hex(text: string): string {
  return Buffer.from(text, "latin1").toString("hex");
}

/** As the model has it. */
function plain(reply: RedisReply): SmallReply {
  if (reply instanceof Error) return errorReply(reply.message.split(" ")[0]!);
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

function areSame(found: SmallReply, wanted: SmallReply): boolean {
  if (wanted === something) return found !== null;
  if (!Array.isArray(found) || !Array.isArray(wanted)) return found === wanted;
  return found.length === wanted.length && found.every((each, i) => areSame(each, wanted[i]!));
}
