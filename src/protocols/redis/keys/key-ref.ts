/**
 * What lies under a key: nothing, an entry of the keyspace, or a stream. Commands that work on keys of any type ask here and
 * nowhere else.
 *
 *     is it there, its type, when it expires, expire it, remove it      here
 *     rename it, move it, copy it                                       key-transfer.ts
 *
 * Not here: commands on one type, which find their entry or stream themselves (key-access.ts, stream/find.ts), and walks over all
 * keys (key-scan.ts, visible-streams.ts). Invariants: a key is never an entry and a stream at once (broker/queue/name-rules.ts), and
 * one that is due is neither. A reference is valid until the command changes the key, ends or yields.
 */
import type { Queue } from "../../../broker/queue/queue.ts";
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Database } from "../../../keyspace/database.ts";
import { typeNameOf } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { lookedUp } from "../notifications/lookups.ts";
import { findEntry, keysOf, streamAt, writableKeysOf } from "./key-access.ts";

export class KeyRef {
  readonly context: CommandContext;
  readonly database: Database;
  /** The argument that is the key. */
  readonly index: number;
  /** 0 for none. */
  readonly entry: number;
  readonly stream: Queue | undefined;

  constructor(context: CommandContext, database: Database, index: number) {
    this.context = context;
    this.database = database;
    this.index = index;
    this.entry = findEntry(context, database, index);
    this.stream = this.entry === 0 || assertsAreOn ? streamAt(context, index, database) : undefined;
    if (assertsAreOn)
      assertInvariant(
        this.entry === 0 || this.stream === undefined,
        "no key is a value and a stream at once",
      );
    lookedUp(context, index, database.number, this.exists);
  }

  get exists(): boolean {
    return this.entry !== 0 || this.stream !== undefined;
  }

  /** As TYPE tells it. */
  get typeName(): string {
    if (this.stream !== undefined) return "stream";
    return this.entry === 0 ? "none" : typeNameOf(this.database.table.type(this.entry));
  }

  /** Wall time in ms; 0 for never. */
  get expiry(): number {
    if (this.stream !== undefined) return this.stream.deleteAt;
    return this.entry === 0 ? 0 : this.database.table.expiry(this.entry);
  }

  /** Lets the key, which is there, expire at that wall time, ms; 0 for never. */
  setExpiry(at: number): void {
    const { stream, context } = this;
    if (stream === undefined) return this.database.setExpiry(this.entry, at);
    const { server } = context;
    stream.vhost.deleteQueueAt(stream, at);
    if (server.lastStream === stream) server.lastStream = undefined;
    this.#changed();
  }

  /** Removes what is there; says whether there was anything. */
  remove(): boolean {
    const { stream } = this;
    if (this.entry !== 0) this.database.remove(this.entry);
    if (stream !== undefined) {
      stream.vhost.deleteQueue(stream);
      this.#changed();
    }
    return this.exists;
  }

  /** Tells those who watch the stream; of an entry the database does. */
  #changed(): void {
    const { context, database, index } = this;
    context.keyChanged(index, database.number);
  }
}

/** The key in argument `index`, of the selected database unless another is given. */
export function keyAt(context: CommandContext, index: number, database: Database = keysOf(context)): KeyRef {
  return new KeyRef(context, database, index);
}

/** The same for a command that changes it. Throws UNAVAILABLE while the journal cannot take it. */
export function writableKeyAt(context: CommandContext, index: number): KeyRef {
  return new KeyRef(context, writableKeysOf(context), index);
}
