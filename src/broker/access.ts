/**
 * Users and their passwords. Hashes are scrypt; a password that has been right once is remembered by a cheap keyed
 * hash, so that a thousand connections do not cost a thousand scrypts.
 *
 * The first start makes `guest` with password `guest`, as RabbitMQ does. Everybody knows that password, so its hash is
 * written here: computing it would cost the first start, and the first login, a fifth of the time that they may take.
 */
import crypto from "node:crypto";
import type { Random } from "../base/random.ts";
import type { Storage } from "../storage/index.ts";
import { definitionKey, namesOfKey } from "./names.ts";

export interface User {
  readonly name: string;
  readonly tags: readonly string[];
  readonly salt: string;
  readonly hash: string;
}

const hashBytes = 32;

const defaultUser: User = {
  name: "guest",
  tags: ["administrator"],
  salt: "TroikaMQ guest",
  hash: "D+S7eNPoqiV7hlj7QkqcC7CXDPH8qHkdoFgjLykCQCY=",
};
const defaultPassword = "guest";

export class Access {
  readonly #storage: Storage;
  readonly #random: Random;
  readonly users = new Map<string, User>();
  readonly #rememberKey: Uint8Array;
  readonly #remembered = new Map<string, Buffer>();

  constructor(storage: Storage, random: Random) {
    this.#storage = storage;
    this.#random = random;
    this.#rememberKey = random.bytes(hashBytes);
  }

  restore(): void {
    for (const [key, value] of this.#storage.table.entries("user/")) {
      const [name] = namesOfKey(key);
      this.users.set(name!, { name: name!, ...(JSON.parse(value.toString()) as Omit<User, "name">) });
    }
    if (this.users.size === 0) this.#save(defaultUser);
    if (this.users.get(defaultUser.name)?.hash === defaultUser.hash) {
      this.#remembered.set(defaultUser.name, this.#quickHash(defaultPassword));
    }
  }

  #save(user: User): void {
    const { name, tags, salt, hash } = user;
    this.users.set(name, user);
    this.#storage.table.put(definitionKey("user", name), JSON.stringify({ tags, salt, hash }));
  }

  #quickHash(password: string): Buffer {
    return crypto.createHmac("sha256", this.#rememberKey).update(password).digest();
  }

  /** Makes a user or changes the password and tags of one. */
  setUser(name: string, password: string, tags: readonly string[]): void {
    const salt = Buffer.from(this.#random.bytes(16)).toString("base64");
    const hash = crypto.scryptSync(password, salt, hashBytes).toString("base64");
    this.#remembered.delete(name);
    this.#save({ name, tags, salt, hash });
  }

  deleteUser(name: string): boolean {
    this.#remembered.delete(name);
    this.#storage.table.delete(definitionKey("user", name));
    return this.users.delete(name);
  }

  /** The user, when the password is right. */
  authenticate(name: string, password: string): User | null {
    const user = this.users.get(name);
    if (user === undefined) return null;
    const quick = this.#quickHash(password);
    const known = this.#remembered.get(name);
    if (known !== undefined && crypto.timingSafeEqual(known, quick)) return user;
    const hash = crypto.scryptSync(password, user.salt, hashBytes);
    if (!crypto.timingSafeEqual(hash, Buffer.from(user.hash, "base64"))) return null;
    this.#remembered.set(name, quick);
    return user;
  }
}
