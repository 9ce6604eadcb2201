/** Redis keys with expiries: SET PX, PXAT and KEEPTTL, PEXPIRE, PEXPIREAT, PERSIST, GET, PTTL, TTL, DEL; one at a time. */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import {
  anyTime,
  ExpiringKey,
  type OnFound,
  type OnMissing,
  type Span,
  type Value,
} from "../models/expiring-key.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const keyCount = 4;
const lifeMsMax = 3000;
const nothing: OnMissing = () => ({ next: null });
const never = (): null => null;

/** What an answer says of the key. */
interface Reading {
  readonly onFound: OnFound;
  readonly onMissing: OnMissing;
}

export class ExpiringKeysActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #keys: readonly ExpiringKey[];
  #client: RedisClient | null = null;
  #value = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#keys = Array.from({ length: keyCount }, (_, i) => new ExpiringKey(`${name}:${i}`, world.promises));
    world.expiringKeys.push(...this.#keys);
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (client.waiting > 0 || isDraining) return;
    const key = random.pick(this.#keys);
    const choice = random.next();
    if (choice < 0.3) this.#set(key);
    else if (choice < 0.45) this.#expire(key);
    else if (choice < 0.53) this.#persist(key);
    else if (choice < 0.57) this.#delete(key);
    else this.#look(key);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link !== null) this.#client = new RedisClient(link);
  }

  /** Looks at all keys, one after the other. */
  readAll(): void {
    if (this.#client === null || this.#client.isLost) return;
    for (const key of this.#keys) {
      this.#get(key);
      this.#ask(key, ["PTTL", key.name], (reply, when) => this.#timeLeft(reply as number, when, 1));
    }
  }

  /**
   * Sends a command; `read` takes an answer apart, given when the command ran, and says what it means. Without an answer the
   * command may have run, as by `unanswered`.
   */
  #ask(
    key: ExpiringKey,
    words: (string | number)[],
    read: (reply: RedisReply, when: Span) => Reading,
    unanswered?: (when: Span) => Reading,
  ): void {
    const { time, counts } = this.#world;
    const askedAt = time.now();
    const jumps = counts["clock jumps"];
    this.#client!.call(words, (reply, isLost) => {
      const when = counts["clock jumps"] === jumps ? { from: askedAt, to: time.now() } : anyTime;
      if (isLost) {
        const reading = unanswered?.(when);
        if (reading !== undefined) key.mayHave(when, reading.onFound, reading.onMissing);
        return;
      }
      if (isTemporary(reply)) return;
      if (reply instanceof Error) throw new Fault(`${words.join(" ")} answered ${reply.message}`);
      this.#world.count("answers about expiring keys");
      this.#world.note(`${words.join(" ")} answered ${String(reply)}`);
      const { onFound, onMissing } = read(reply, when);
      key.answered(`${words.join(" ")} answered ${String(reply)}`, when, onFound, onMissing);
    });
  }

  #set(key: ExpiringKey): void {
    const { random, time } = this.#world;
    const text = `${key.name}.${++this.#value}`;
    key.setting(text);
    const ms = random.between(1, lifeMsMax);
    const at = time.now() + ms;
    const set = (end: Span | null): Reading => ({
      onFound: () => ({ next: { text, end } }),
      onMissing: () => ({ next: { text, end } }),
    });
    const keeping: Reading = {
      onFound: ({ end }) => ({ next: { text, end } }),
      onMissing: () => ({ next: { text, end: null } }),
    };
    const [options, meaning] = random.pick<[(string | number)[], (when: Span) => Reading]>([
      [[], () => set(null)],
      [["PX", ms], (when) => set(after(when, ms))],
      [["EX", 1], (when) => set(after(when, 1000))],
      [["PXAT", at], () => set({ from: at, to: at })],
      [["KEEPTTL"], () => keeping],
    ]);
    this.#ask(key, ["SET", key.name, text, ...options], (_reply, when) => meaning(when), meaning);
  }

  #expire(key: ExpiringKey): void {
    const { random, time } = this.#world;
    const ms = random.between(1, lifeMsMax);
    const at = time.now() + ms;
    const isAbsolute = random.chance(0.5);
    const words = isAbsolute ? ["PEXPIREAT", key.name, at] : ["PEXPIRE", key.name, ms];
    const until = (when: Span): Span => (isAbsolute ? { from: at, to: at } : after(when, ms));
    const change =
      (when: Span): OnFound =>
      ({ text }) => ({ next: { text, end: until(when) } });
    this.#ask(
      key,
      words,
      (reply, when) =>
        reply === 1 ? { onFound: change(when), onMissing: never } : { onFound: never, onMissing: nothing },
      (when) => ({ onFound: change(when), onMissing: nothing }),
    );
  }

  #persist(key: ExpiringKey): void {
    const persisted: OnFound = ({ text }) => ({ next: { text, end: null } });
    const ifVolatile: OnFound = (value) => (value.end === null ? null : persisted(value));
    const ifNot: OnFound = (value) => (value.end === null ? { next: value } : null);
    this.#ask(
      key,
      ["PERSIST", key.name],
      (reply) =>
        reply === 1 ? { onFound: ifVolatile, onMissing: never } : { onFound: ifNot, onMissing: nothing },
      () => ({ onFound: persisted, onMissing: nothing }),
    );
  }

  #delete(key: ExpiringKey): void {
    const gone: OnFound = () => ({ next: null });
    this.#ask(
      key,
      ["DEL", key.name],
      (reply) => (reply === 1 ? { onFound: gone, onMissing: never } : { onFound: never, onMissing: nothing }),
      () => ({ onFound: gone, onMissing: nothing }),
    );
  }

  #look(key: ExpiringKey): void {
    const choice = this.#world.random.next();
    if (choice < 0.6) this.#get(key);
    else if (choice < 0.85)
      this.#ask(key, ["PTTL", key.name], (reply, when) => this.#timeLeft(reply as number, when, 1));
    else this.#ask(key, ["TTL", key.name], (reply, when) => this.#timeLeft(reply as number, when, 1000));
  }

  #get(key: ExpiringKey): void {
    this.#ask(key, ["GET", key.name], (reply) => {
      if (reply === null) return { onFound: never, onMissing: nothing };
      key.assertSet(reply as string);
      return { onFound: (value) => (value.text === reply ? { next: value } : null), onMissing: never };
    });
  }

  #timeLeft(left: number, when: Span, unitMs: number): Reading {
    if (left === -2) return { onFound: never, onMissing: nothing };
    if (left === -1)
      return { onFound: (value) => (value.end === null ? { next: value } : null), onMissing: never };
    // TTL rounds to the nearest second.
    const slack = unitMs / 2;
    const told = { from: when.from + left * unitMs - slack, to: when.to + left * unitMs + slack };
    return { onFound: (value) => endsWithin(value, told), onMissing: never };
  }
}

function after(when: Span, ms: number): Span {
  return { from: when.from + ms, to: when.to + ms };
}

/** The value with what is known of its end by both; null when they contradict each other. */
function endsWithin({ text, end }: Value, told: Span): { next: Value } | null {
  if (end === null) return null;
  const both = { from: Math.max(end.from, told.from), to: Math.min(end.to, told.to) };
  return both.from > both.to ? null : { next: { text, end: both } };
}
