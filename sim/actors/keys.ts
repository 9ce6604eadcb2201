/** Redis keys that one client writes: SET, DEL, GET, a counter, and two keys that MULTI sets together. */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, KeyModel } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const waitingMax = 8;

export class KeysActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #keys: readonly KeyModel[];
  #client: RedisClient | null = null;
  #value = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#keys = Array.from({ length: 3 }, (_, i) => new KeyModel(`${name}:${i}`));
    world.keys.push(...this.#keys);
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const { random } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#world.isDraining || client.waiting >= waitingMax) return;
    const choice = random.next();
    if (choice < 0.45) this.#set(client);
    else if (choice < 0.55) this.#delete(client);
    else if (choice < 0.75) this.#setPair(client);
    else this.read();
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link !== null) this.#client = new RedisClient(link);
  }

  #set(client: RedisClient): void {
    const key = this.#world.random.pick(this.#keys);
    const value = `${this.name}.${++this.#value}`;
    key.setting(value);
    client.call(["SET", key.name, value], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply !== "OK") throw new Fault(`SET ${key.name} answered ${String(reply)}`);
      this.#world.count("keys set");
      key.set(value);
    });
  }

  #delete(client: RedisClient): void {
    const key = this.#world.random.pick(this.#keys);
    key.setting(null);
    client.call(["DEL", key.name], (reply, isLost) => {
      if (!isLost && !isTemporary(reply)) key.set(null);
    });
  }

  #setPair(client: RedisClient): void {
    const value = `${this.name}.${++this.#value}`;
    for (const words of [
      ["MULTI"],
      ["SET", `${this.name}:a`, value],
      ["SET", `${this.name}:b`, value],
      ["EXEC"],
    ])
      client.call(words, () => {});
  }

  /** Looks at all keys. */
  read(): void {
    const client = this.#client;
    if (client === null || client.isLost) return;
    const names = [...this.#keys.map(({ name }) => name), `${this.name}:a`, `${this.name}:b`];
    client.call(["MGET", ...names], (reply, isLost) => {
      if (!isLost && !isTemporary(reply)) this.#check(reply);
    });
  }

  #check(reply: RedisReply): void {
    if (!Array.isArray(reply)) throw new Fault(`MGET answered ${String(reply)}`);
    const values = reply as (string | null)[];
    this.#world.count("keys read");
    this.#keys.forEach((key, i) => key.read(values[i]!, this.#world.isDamaged));
    const [a, b] = values.slice(-2);
    if (a !== b) throw new Fault(`${this.name}: MULTI set a and b together, they are ${a} and ${b}`);
  }
}
