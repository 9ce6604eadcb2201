/**
 * Users and their passwords. Hashes are scrypt; a password that has been right once is remembered by a cheap keyed
 * hash, so that a thousand connections do not cost a thousand scrypts.
 *
 * The first start makes `guest` with password `guest`, as RabbitMQ does. Everybody knows that password, so its hash is
 * written here: computing it would cost the first start, and the first login, a fifth of the time that they may take.
 * For the same reason it opens nothing to other machines, as RabbitMQ's `loopback_users`, and nothing at all once the
 * operator has set a password.
 *
 * The operator's own user (`--user`, `--password`) is not written down: it is there while the broker is started with it.
 * Invariant: no password is kept, only what tells whether another is the same.
 */
import crypto from "node:crypto";
import { isLoopbackAddress } from "../base/loopback.ts";
import type { Random } from "../base/random.ts";
import type { Storage } from "../storage/index.ts";
import { definitionKey, namesOfKey } from "./names.ts";

export interface User {
  readonly name: string;
  readonly tags: readonly string[];
  readonly salt: string;
  readonly hash: string;
}

/** What the operator asked for at start. */
export interface Security {
  /** Of the user `name`, and of Redis' user `default`. Undefined: none is set. */
  readonly password: string | undefined;
  readonly name: string;
  /** Everything is open to everybody, because the operator said so. */
  readonly isInsecure: boolean;
}

/** Of brokers that no network can reach: tests and simulations. */
const openSecurity: Security = { password: undefined, name: "guest", isInsecure: true };

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
  readonly #isInsecure: boolean;
  readonly #operator: { readonly name: string; readonly hash: Buffer } | null = null;

  constructor(storage: Storage, random: Random, security: Security = openSecurity) {
    this.#storage = storage;
    this.#random = random;
    this.#rememberKey = random.bytes(hashBytes);
    this.#isInsecure = security.isInsecure;
    const { name, password } = security;
    if (password !== undefined) this.#operator = { name, hash: this.#quickHash(password) };
  }

  /** The operator has set a password: nobody does anything without one. */
  get isRequired(): boolean {
    return this.#operator !== null;
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
    if (this.#operator === null) return;
    const { name, hash } = this.#operator;
    // No scrypt has this hash: only the remembered password is right.
    this.users.set(name, { name, tags: ["administrator"], salt: "", hash: "" });
    this.#remembered.set(name, hash);
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

  /** Whether the password is the operator's. It takes the same time however much of it is right. */
  isOperatorPassword(password: string): boolean {
    return this.#operator !== null && crypto.timingSafeEqual(this.#operator.hash, this.#quickHash(password));
  }

  /** Whether two secrets are the same, without telling by the time where they differ. */
  isSameSecret(one: string, other: string): boolean {
    return crypto.timingSafeEqual(this.#quickHash(one), this.#quickHash(other));
  }

  /** The user, when the password is right and that user may come from `remoteHost`. */
  authenticate(name: string, password: string, remoteHost: string): User | null {
    const user = this.users.get(name);
    if (user === undefined || !this.#mayComeFrom(user, remoteHost)) return null;
    const quick = this.#quickHash(password);
    const known = this.#remembered.get(name);
    if (known !== undefined) return crypto.timingSafeEqual(known, quick) ? user : null;
    const hash = crypto.scryptSync(password, user.salt, hashBytes);
    if (!crypto.timingSafeEqual(hash, Buffer.from(user.hash, "base64"))) return null;
    this.#remembered.set(name, quick);
    return user;
  }

  #mayComeFrom(user: User, remoteHost: string): boolean {
    if (user.hash !== defaultUser.hash) return true;
    return this.#operator === null && (this.#isInsecure || isLoopbackAddress(remoteHost));
  }
}
