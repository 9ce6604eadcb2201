/**
 * Asks a server for many keys, and finds those that are there, or those that are missing: by EXISTS for many at once, and one by one
 * where their number is not the one that was wished for.
 *
 * Invariant: a key that has expired by the time of its reply is not missing.
 */
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import type { RedisConnection } from "../connection.ts";
import { TransferError } from "../transfer-error.ts";

const keysAtOnce = 64;

interface Asked {
  readonly key: Buffer;
  readonly expiry: number;
}

export class PresenceCheck {
  readonly #connection: RedisConnection;
  readonly #looksFor: "there" | "missing";
  readonly #now: () => number;
  #database = -1;
  #keys: Asked[] = [];
  asked = 0;
  /** How many keys are what was looked for, and the first of them. */
  found = 0;
  first: Buffer | null = null;

  constructor(connection: RedisConnection, looksFor: "there" | "missing", now: () => number = () => 0) {
    this.#connection = connection;
    this.#looksFor = looksFor;
    this.#now = now;
  }

  add(database: number, key: Buffer, expiry: number): Promise<void> | undefined {
    this.asked++;
    if (database === this.#database) {
      this.#keys.push({ key, expiry });
      return this.#keys.length < keysAtOnce ? undefined : this.#ask();
    }
    return this.#change(database, { key, expiry });
  }

  async #change(database: number, first: Asked): Promise<void> {
    await this.end();
    this.#database = database;
    await this.#connection.call("SELECT", database);
    this.#keys.push(first);
  }

  async end(): Promise<void> {
    await this.#ask();
    await this.#connection.settled();
  }

  async #ask(): Promise<void> {
    const keys = this.#keys;
    this.#keys = [];
    if (keys.length === 0) return;
    const wanted = this.#looksFor === "there" ? 0 : keys.length;
    let isOther = false;
    const taken = (reply: Reply): void => {
      isOther = countOf(reply) !== wanted;
      if (isOther) this.#askEach(keys);
    };
    this.#connection.send(["EXISTS", ...keys.map(({ key }) => key)], taken);
    await this.#connection.room();
  }

  /** In the middle of replies: these requests come behind those that were sent. A change of the database waits for them. */
  #askEach(keys: readonly Asked[]): void {
    for (const { key, expiry } of keys) {
      this.#connection.send(["EXISTS", key], (reply) => {
        const isThere = countOf(reply) > 0;
        if (isThere !== (this.#looksFor === "there")) return;
        if (!isThere && expiry >= 0 && expiry <= this.#now()) return;
        this.found++;
        this.first ??= key;
      });
    }
    this.#connection.flush();
  }
}

function countOf(reply: Reply): number {
  if (reply.type === "integer") return Number(reply.value);
  const why = reply.type === "error" ? reply.text : reply.type;
  throw new TransferError("failed", `EXISTS was refused: ${why}`);
}
