/**
 * `troikamq export redis`: writes what a running server has to an RDB file, over its Redis port, by SCAN and DUMP.
 *
 * Each key is as it is when it is come to: clients may go on meanwhile. Not here: options of the command line. Invariants: the file has
 * a key once; it was read back and counted before it gets its name; memory is bounded by the largest value.
 */
import { ByteWriter } from "../../../src/base/bytes.ts";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { fileOpcode } from "../../../src/protocols/redis/wire/rdb/file-items.ts";
import {
  writeAux,
  writeDatabase,
  writeFileHead,
  writeKey,
} from "../../../src/protocols/redis/wire/rdb/file-writer.ts";
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import type { RedisAddress } from "../address.ts";
import { RedisConnection } from "../connection.ts";
import { DumpFile } from "../import/dump-file.ts";
import { walkFile } from "../import/file-walk.ts";
import { nameOf } from "../import/key-import.ts";
import { takeLarge } from "../import/large-value.ts";
import type { Progress } from "../progress.ts";
import { TransferError } from "../transfer-error.ts";
import { NewFile } from "./new-file.ts";
import { SeenKeys } from "./seen-keys.ts";

export interface ExportOptions {
  readonly path: string;
  readonly address: RedisAddress;
  readonly isReplaced: boolean;
  /** Undefined: all. */
  readonly database: number | undefined;
  readonly pattern: string | undefined;
  /** Wall time in ms. */
  readonly now: () => number;
}

export interface ExportResult {
  readonly keys: number;
  readonly bytes: number;
  /** Of the file. */
  readonly version: number;
  readonly hasLibraries: boolean;
}

const firstVersion = 10;
const headBytes = 9;
const footerBytes = 10;
const sumBytes = 8;
const scanCount = 512;
const flushBytes = 1 << 20;
const wholeMax = { bytes: 16 << 20, expandedBytes: Infinity };

export async function exportFile(options: ExportOptions, progress: Progress): Promise<ExportResult> {
  const connection = await RedisConnection.open(options.address);
  try {
    const file = await NewFile.open(options.path, options.isReplaced);
    const removed = (): void => void file.drop().finally(() => process.exit(130));
    process.once("SIGINT", removed);
    try {
      const run = new ExportRun(options, connection, file, progress);
      const result = await run.all();
      await readBack(file, result.keys, progress);
      await file.finish();
      return result;
    } catch (error) {
      await file.drop();
      throw error;
    } finally {
      process.off("SIGINT", removed);
    }
  } finally {
    connection.close();
  }
}

class ExportRun {
  readonly #options: ExportOptions;
  readonly #connection: RedisConnection;
  readonly #file: NewFile;
  readonly #progress: Progress;
  readonly #out = new ByteWriter(2 * flushBytes);
  readonly #sum = new Crc64();
  #version: number = firstVersion;
  #keys = 0;
  #keysExpected = 0;
  /** Of the key that comes next: wall time in ms, -1 for never. */
  #expiry = -1;
  /** Whether the server tells when a key expires; servers before 7.0 tell how long that is. */
  #hasExpireTime = true;

  constructor(options: ExportOptions, connection: RedisConnection, file: NewFile, progress: Progress) {
    this.#options = options;
    this.#connection = connection;
    this.#file = file;
    this.#progress = progress;
  }

  async all(): Promise<ExportResult> {
    const { database, pattern } = this.#options;
    const out = this.#out;
    writeFileHead(out, firstVersion);
    await this.#writeAux();
    const hasLibraries = database === undefined && pattern === undefined && (await this.#writeLibraries());
    const databases = await this.#databases();
    for (const { keys } of databases) this.#keysExpected += keys;
    for (const { number, keys, expiring } of databases) {
      writeDatabase(out, number, keys, expiring);
      await this.#connection.call("SELECT", number);
      await this.#writeKeys();
    }
    out.uint8(fileOpcode.end);
    await this.#flush();
    await this.#writeSum();
    await this.#file.sync();
    return { keys: this.#keys, bytes: this.#file.bytes, version: this.#version, hasLibraries };
  }

  async #writeAux(): Promise<void> {
    const info = await this.#text("INFO", "server");
    const version = /^redis_version:(\S+)/m.exec(info)?.[1];
    if (version !== undefined) writeAux(this.#out, "redis-ver", version);
    writeAux(this.#out, "redis-bits", "64");
    writeAux(this.#out, "ctime", String(Math.floor(this.#options.now() / 1000)));
    this.#connection.send(["PEXPIRETIME", ""], (reply) => (this.#hasExpireTime = reply.type === "integer"));
    await this.#connection.settled();
  }

  async #text(name: string, ...words: readonly string[]): Promise<string> {
    const reply = await this.#connection.call(name, ...words);
    return reply.type === "bulk" ? reply.bytes.latin1Slice() : "";
  }

  async #writeLibraries(): Promise<boolean> {
    let reply: Reply | undefined;
    this.#connection.send(["FUNCTION", "DUMP"], (got) => (reply = got));
    await this.#connection.settled();
    // Servers before 7.0 have none.
    if (reply!.type === "error" && /unknown (?:sub)?command/i.test(reply!.text)) return false;
    if (reply!.type !== "bulk")
      throw new TransferError("failed", `FUNCTION DUMP was refused: ${textOf(reply!)}`);
    const { bytes } = reply!;
    this.#assertSound(bytes, "the libraries of functions");
    // Each is an item of a file already.
    this.#out.bytes(bytes, 0, bytes.length - footerBytes);
    return bytes.length > footerBytes;
  }

  async #databases(): Promise<{ number: number; keys: number; expiring: number }[]> {
    const { database } = this.#options;
    const found = [...(await this.#text("INFO", "keyspace")).matchAll(/^db(\d+):keys=(\d+),expires=(\d+)/gm)];
    return found
      .map(([, number, keys, expiring]) => ({
        number: Number(number),
        keys: Number(keys),
        expiring: Number(expiring),
      }))
      .filter(({ number }) => database === undefined || number === database);
  }

  async #writeKeys(): Promise<void> {
    const { pattern } = this.#options;
    const connection = this.#connection;
    const match = pattern === undefined ? [] : ["MATCH", pattern];
    const seen = new SeenKeys();
    let cursor = "0";
    do {
      const reply = await connection.call("SCAN", cursor, ...match, "COUNT", scanCount);
      const [next, list] = reply.type === "array" ? reply.items : [];
      if (next?.type !== "bulk" || list?.type !== "array")
        throw new TransferError("failed", "SCAN has another reply than a cursor and keys");
      cursor = next.bytes.latin1Slice();
      for (const key of list.items)
        if (key.type === "bulk" && seen.add(key.bytes)) await this.#ask(key.bytes);
    } while (cursor !== "0");
    await connection.settled();
  }

  /** The replies come later, and are written as they come. */
  async #ask(key: Buffer): Promise<void> {
    const connection = this.#connection;
    connection.send([this.#hasExpireTime ? "PEXPIRETIME" : "PTTL", key], this.#takeExpiry, key);
    connection.send(["DUMP", key], this.#takeDump, key);
    if (connection.isFull) await connection.room();
  }

  readonly #takeExpiry = (reply: Reply, key: Buffer | null): void => {
    if (reply.type !== "integer") throw refusal(key!, reply);
    const value = Number(reply.value);
    this.#expiry = value < 0 ? -1 : this.#hasExpireTime ? value : this.#options.now() + value;
  };

  readonly #takeDump = (reply: Reply, key: Buffer | null): void => {
    // It has gone meanwhile.
    if (reply.type === "nullBulk" || reply.type === "null") return;
    if (reply.type !== "bulk") throw refusal(key!, reply);
    const { bytes } = reply;
    this.#assertSound(bytes, `the key ${nameOf(key!)}`);
    writeKey(this.#out, bytes[0]!, key!, this.#expiry);
    this.#out.bytes(bytes, 1, bytes.length - footerBytes);
    this.#keys++;
    this.#progress.look("exporting", this.#keys / this.#keysExpected, this.#keys);
    if (this.#out.length >= flushBytes) this.#connection.pausedFor(this.#flush());
  };

  /** The payload is what its sum says; its version becomes the file's where that is later. */
  #assertSound(payload: Buffer, what: string): void {
    const end = payload.length - sumBytes;
    if (end < 2 || !new Crc64().update(payload, 0, end).isAt(payload, end))
      throw new TransferError(
        "failed",
        `what the server gave of ${what} has another sum (CRC-64) than it says`,
      );
    this.#version = Math.max(this.#version, payload.readUInt16LE(end - 2));
  }

  async #flush(): Promise<void> {
    const bytes = this.#out.copy();
    this.#out.reset();
    this.#sum.update(bytes);
    await this.#file.write(bytes);
  }

  async #writeSum(): Promise<void> {
    const footer = Buffer.alloc(sumBytes);
    if (this.#version === firstVersion) this.#sum.write(footer, 0);
    else (await this.#otherHead()).write(footer, 0);
    await this.#file.write(footer);
  }

  /** Puts the version that was found in the head; returns the sum of the file, which is another one then. */
  async #otherHead(): Promise<Crc64> {
    const file = this.#file;
    const head = new ByteWriter(headBytes);
    writeFileHead(head, this.#version);
    await file.writeAt(head.copy(), 0);
    const sum = new Crc64();
    const buffer = Buffer.alloc(flushBytes);
    for (let at = 0; at < file.bytes;) {
      const size = await file.read(buffer, at);
      sum.update(buffer, 0, size);
      at += size;
    }
    return sum;
  }
}

function textOf(reply: Reply): string {
  return reply.type === "error" ? reply.text : `a reply of type ${reply.type}`;
}

function refusal(key: Buffer, reply: Reply): TransferError {
  return new TransferError("failed", `the server did not give the key ${nameOf(key)}: ${textOf(reply)}`);
}

/** Reads the file as an import would: it has what was written, and is whole. */
async function readBack(file: NewFile, keys: number, progress: Progress): Promise<void> {
  const written = await DumpFile.open(file.temporaryPath, { isSummed: true });
  let read = 0;
  try {
    await walkFile(
      written,
      { database: undefined, matches: () => true, now: () => 0, wholeMax },
      {
        key: () => {
          read++;
          progress.look("verifying", written.position / written.size, read);
        },
        largeKey: async (_, facts) => {
          read++;
          await takeLarge(written, facts, null);
        },
      },
    );
  } finally {
    await written.close();
  }
  if (read !== keys)
    throw new TransferError("failed", `${file.path}: has ${read} keys where ${keys} were written`);
}
