/** Redis: XADD to streams, and XDEL of what it had added itself. */
import { RedisClient } from "../clients/redis-client.ts";
import { Fault, type HistoryModel, type Level } from "../model.ts";
import type { Actor, World } from "../world.ts";

const waitingMax = 10;
/** Ids shortly before places where numbers of some kind end: the ids after them count on over it. */
const farIds = [
  "9007199254740991-18446744073709551613",
  "9223372036854775807-18446744073709551614",
  "18446744073709551614-18446744073709551613",
];

interface Added {
  readonly stream: HistoryModel;
  readonly id: string;
  readonly body: string;
}

export class StreamWriterActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #streams: readonly HistoryModel[];
  readonly #level: Level;
  #client: RedisClient | null = null;
  #producer = "";
  #sequence = 0;
  #added: Added[] = [];

  constructor(world: World, name: string, streams: readonly HistoryModel[], level: Level) {
    this.#world = world;
    this.name = name;
    this.#streams = streams;
    this.#level = level;
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    if (this.#client === null || this.#client.isLost) return this.#connect();
    if (this.#world.isDraining || this.#client.waiting >= waitingMax) return;
    if (this.#added.length > 0 && this.#world.random.chance(0.08)) this.#delete(this.#client);
    else this.#add(this.#client);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#producer = this.#world.newProducer();
    this.#sequence = 0;
    this.#added = [];
    this.#client = new RedisClient(link);
  }

  #add(client: RedisClient): void {
    const { random, promises } = this.#world;
    const stream = random.pick(this.#streams);
    const body = `${this.#producer}/${this.#sequence++}`;
    const sent = promises.number();
    stream.sent(body);
    const id = random.chance(0.03) ? random.pick(farIds) : "*";
    client.call(["XADD", stream.name, id, "body", body], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (id !== "*" && reply instanceof Error && reply.message.includes("equal or smaller")) return;
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.#world.count(id === "*" ? "entries added" : "entries added under an id of 64 bits");
      stream.told(body, this.#level, reply);
      if (this.#level === "durable") promises.durable(sent);
      this.#added.push({ stream, id: reply, body });
    });
  }

  #delete(client: RedisClient): void {
    const [{ stream, id, body }] = this.#added.splice(this.#world.random.below(this.#added.length), 1) as [
      Added,
    ];
    stream.removing(body);
    client.call(["XDEL", stream.name, id], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply !== 1) throw new Fault(`${this.name}: XDEL ${id} answered ${String(reply)}`);
      this.#world.count("entries deleted");
      stream.removed(body);
    });
  }
}

/** The disk is full, or cannot be read or reads wrong bits now: the broker says so, and nothing was done. */
export function isTemporary(reply: unknown): boolean {
  return (
    reply instanceof Error &&
    /journal cannot be written|MISCONF|OOM|EIO|UNAVAILABLE|run troikamq check/.test(reply.message)
  );
}
