/**
 * A Redis hash that one client writes: some fields at a time, two fields always together; it is deleted now and then,
 * renamed to and fro, and replaced by what DUMP has made of it. Each field is a key to the model.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, KeyModel } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const fieldCount = 14;
const waitingMax = 6;
const valueBytesMax = 90;

export class HashesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #fields: readonly KeyModel[];
  /** The hash is under the first name or the second; null while that is not known. */
  readonly #names: readonly [string, string];
  #at: 0 | 1 | null = 0;
  #client: RedisClient | null = null;
  #value = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#names = [`${name}:here`, `${name}:there`];
    this.#fields = Array.from({ length: fieldCount }, (_, i) => new KeyModel(`f${i}`));
    world.keys.push(...this.#fields);
    // A rename that was answered may be undone by a power failure; one that was not may have been done.
    world.crashListeners.push(() => (this.#at = null));
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const { random } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (client.waiting >= waitingMax) return;
    if (this.#at === null) {
      if (client.waiting === 0) this.#find(client);
      return;
    }
    if (this.#world.isDraining) return;
    const choice = random.next();
    if (choice < 0.5) this.#set(client, this.#at);
    else if (choice < 0.7) this.#remove(client, this.#at);
    else if (choice < 0.72) this.#delete(client, this.#at);
    else if (choice < 0.76 && client.waiting === 0) this.#rename(client, this.#at);
    else if (choice < 0.8 && client.waiting === 0) this.#restore(client, this.#at);
    else this.read();
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#client = new RedisClient(link);
    this.#client.encoding = "latin1";
    this.#at = null;
  }

  #find(client: RedisClient): void {
    client.call(["EXISTS", this.#names[1]], (reply, isLost) => {
      if (!isLost && !isTemporary(reply)) this.#at = reply === 1 ? 1 : 0;
    });
  }

  #set(client: RedisClient, at: 0 | 1): void {
    const { random } = this.#world;
    const count = random.between(1, 5);
    const words = ["HSET", this.#names[at]];
    const changed: [KeyModel, string][] = [];
    for (const field of this.#some(count)) {
      const value = `${this.name}.${++this.#value}.`.padEnd(random.below(valueBytesMax), "x");
      field.setting(value);
      changed.push([field, value]);
      words.push(field.name, value);
    }
    const pair = String(++this.#value);
    client.call([...words, "left", pair, "right", pair], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (typeof reply !== "number") throw new Fault(`HSET answered ${String(reply)}`);
      this.#world.count("hash fields set");
      for (const [field, value] of changed) field.set(value);
    });
  }

  /** Different ones. */
  #some(count: number): KeyModel[] {
    const first = this.#world.random.below(fieldCount);
    return Array.from({ length: count }, (_, i) => this.#fields[(first + i * 3) % fieldCount]!);
  }

  #remove(client: RedisClient, at: 0 | 1): void {
    const gone = this.#some(this.#world.random.between(1, 4));
    for (const field of gone) field.setting(null);
    client.call(["HDEL", this.#names[at], ...gone.map(({ name }) => name)], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      for (const field of gone) field.set(null);
    });
  }

  #delete(client: RedisClient, at: 0 | 1): void {
    for (const field of this.#fields) field.setting(null);
    client.call(["DEL", this.#names[at]], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      for (const field of this.#fields) field.set(null);
    });
  }

  /** Nothing else is under way: until it is answered nobody knows the name. */
  #rename(client: RedisClient, at: 0 | 1): void {
    this.#at = null;
    const to = at === 0 ? 1 : 0;
    client.call(["RENAME", this.#names[at], this.#names[to]], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply === "OK") this.#world.count("hashes renamed");
      this.#at = reply === "OK" ? to : at;
    });
  }

  /** Nothing else is under way, so that the hash is the same before and after, and at no time anything else. */
  #restore(client: RedisClient, at: 0 | 1): void {
    const name = this.#names[at];
    this.#at = null;
    client.call(["DUMP", name], (dump, isLost) => {
      if (isLost || isTemporary(dump)) return;
      if (dump === null) {
        this.#at = at;
        return;
      }
      client.call(["RESTORE", name, 0, dump as string, "REPLACE"], (reply, isGone) => {
        if (isGone || isTemporary(reply)) return;
        if (reply !== "OK") throw new Fault(`RESTORE answered ${String(reply)}`);
        this.#world.count("hashes restored");
        this.#at = at;
      });
    });
  }

  /** Looks at all fields, once it is known where. */
  read(): void {
    const client = this.#client;
    if (client === null || client.isLost || this.#at === null) return;
    client.call(["HGETALL", this.#names[this.#at]], (reply, isLost) => {
      if (!isLost && !isTemporary(reply)) this.#check(reply);
    });
  }

  get isLocated(): boolean {
    return this.#client !== null && !this.#client.isLost && this.#at !== null;
  }

  #check(reply: RedisReply): void {
    if (!Array.isArray(reply)) throw new Fault(`HGETALL answered ${String(reply)}`);
    const words = reply as string[];
    const found = new Map<string, string>();
    for (let i = 0; i < words.length; i += 2) {
      if (found.has(words[i]!)) throw new Fault(`${this.name}: HGETALL has ${words[i]} twice`);
      found.set(words[i]!, words[i + 1]!);
    }
    this.#world.count("hashes read");
    if (found.get("left") !== found.get("right"))
      throw new Fault(
        `${this.name}: HSET set left and right together, they are ${found.get("left")} and ${found.get("right")}`,
      );
    for (const field of this.#fields) field.read(found.get(field.name) ?? null, this.#world.isDamaged);
  }
}
