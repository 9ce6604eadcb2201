/**
 * Writes keys of an RDB file to a server by RESTORE, and counts what became of them.
 *
 * Not here: values that are too large for one payload (large-value.ts), and reading the file. Invariant: each key that was sent is
 * counted once its reply is there, as taken or as skipped; any other reply ends the import.
 */
import type { ByteWriter } from "../../../src/base/bytes.ts";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import type { FileItems } from "../../../src/protocols/redis/wire/rdb/file-items.ts";
import type { RedisConnection } from "../connection.ts";
import { TransferError } from "../transfer-error.ts";

/** What is done with a key that is there already. */
export type Existing = "fail" | "skip" | "replace";

/** Of the payload: the oldest that has streams, so that every server from redis 5.0 on takes what it knows. */
const payloadVersion = 9;
export const footerBytes = 10;
const sumBytes = 8;

/** A key, with what the file tells about it. */
export interface KeyFacts {
  readonly key: Buffer;
  readonly type: number;
  readonly database: number;
  readonly expiry: number;
  readonly idle: number;
  readonly frequency: number;
}

export interface ImportCounts {
  /** Keys that are in the server now because of this import. */
  taken: number;
  skipped: number;
}

export class KeyImport {
  readonly connection: RedisConnection;
  readonly existing: Existing;
  readonly counts: ImportCounts = { taken: 0, skipped: 0 };
  readonly #footer = Buffer.alloc(footerBytes);
  readonly #type = Buffer.alloc(1);
  #number = 0;
  /** The database that is selected. */
  #database = -1;

  constructor(connection: RedisConnection, existing: Existing) {
    this.connection = connection;
    this.existing = existing;
    this.#footer.writeUInt16LE(payloadVersion);
  }

  selectDatabase(database: number): void {
    if (database === this.#database) return;
    this.#database = database;
    this.connection.send(["SELECT", database], (reply) => {
      if (reply.type === "error")
        throw new TransferError("failed", `the server has no database ${database}: ${reply.text}`);
    });
  }

  /** Begins RESTORE up to the payload. */
  #begin(items: FileItems | KeyFacts, key: Uint8Array, start: number, end: number): void {
    const { connection, existing } = this;
    const { expiry, idle, frequency } = items;
    const isReplaced = existing === "replace";
    connection.begin(
      4 + (isReplaced ? 1 : 0) + (expiry >= 0 ? 1 : 0) + (frequency >= 0 || idle >= 0 ? 2 : 0),
    );
    connection.text("RESTORE");
    connection.word(key, start, end);
    // 0 is never.
    connection.text(String(Math.max(expiry, 0)));
  }

  #end({ expiry, idle, frequency }: FileItems | KeyFacts, key: Uint8Array, start: number, end: number): void {
    const { connection } = this;
    if (this.existing === "replace") connection.text("REPLACE");
    if (expiry >= 0) connection.text("ABSTTL");
    if (frequency >= 0) {
      connection.text("FREQ");
      connection.text(String(frequency));
    } else if (idle >= 0) {
      connection.text("IDLETIME");
      connection.text(String(idle));
    }
    connection.sent(this.#taken, Buffer.from(key.subarray(start, end)));
  }

  /** Sends a key with its value, `buffer[from, to)`. */
  restore(items: FileItems, buffer: Buffer, from: number, to: number): void {
    const { bytes, start, end } = items;
    this.#begin(items, bytes, start, end);
    this.#type[0] = items.type;
    const sum = new Crc64().update(this.#type).update(buffer, from, to);
    const out = this.connection.beginWord(1 + to - from + footerBytes);
    out.bytes(this.#type).bytes(buffer, from, to);
    this.#writeFooter(sum);
    this.#end(items, bytes, start, end);
  }

  #writeFooter(sum: Crc64): void {
    const footer = this.#footer;
    sum.update(footer, 0, footerBytes - sumBytes).write(footer, footerBytes - sumBytes);
    this.connection.endWord(footer);
  }

  /** Sends a key, the value of which the caller writes into what this returns, in parts; `endRestore` follows. */
  beginRestore(facts: KeyFacts, payloadBytes: number): ByteWriter {
    const { key, type } = facts;
    this.#begin(facts, key, 0, key.length);
    return this.connection.beginWord(payloadBytes).uint8(type);
  }

  /** `sum` is that of the type and the value. */
  endRestore(facts: KeyFacts, sum: Crc64): void {
    this.#writeFooter(sum);
    this.#end(facts, facts.key, 0, facts.key.length);
  }

  /** For names that are used once. */
  nextNumber(): number {
    return ++this.#number;
  }

  readonly #taken = (reply: Reply, key: Buffer | null): void => {
    if (reply.type === "simple") {
      this.counts.taken++;
      return;
    }
    const text = reply.type === "error" ? reply.text : `a reply of type ${reply.type}`;
    if (text.startsWith("BUSYKEY") && this.existing === "skip") {
      this.counts.skipped++;
      return;
    }
    throw this.refusal(key!, text);
  };

  refusal(key: Buffer, text: string): TransferError {
    const name = nameOf(key);
    return text.startsWith("BUSYKEY")
      ? new TransferError(
          "alreadyThere",
          `the key ${name} is there already; give --replace or --skip-existing`,
        )
      : new TransferError("failed", `the server refused the key ${name}: ${text}`);
  }
}

const shownBytesMax = 100;

/** A key as a message shows it. */
export function nameOf(key: Buffer): string {
  const text = JSON.stringify(key.subarray(0, shownBytesMax).toString());
  return key.length > shownBytesMax ? `${text}… (${key.length} bytes)` : text;
}
