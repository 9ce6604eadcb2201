/**
 * What an RDB file consists of: databases, libraries of functions, keys with what is told about them.
 *
 *     file = "REDIS" 4 digits of the version, { item }, 255, u64 CRC-64 of all before it (from version 5 on; 0: none was made)
 *     item = 250 string string | 254 database | 251 keys expires | 244 slot keys expires
 *          | 245 string of a library's code | 247 number of a module, parts
 *          | [253 i32 s | 252 i64 ms] [248 idle s | 249 u8 frequency] u8 type, string of the key, value
 *
 * Not here: values (pass-value.ts), the sum, and where bytes come from. Invariant: where `CutOff` is thrown, the reader stands before
 * what was not all there, and `next` goes on once it has more.
 */
import { passModuleParts, moduleTypeName } from "./pass-value.ts";
import type { RdbReader } from "./reader.ts";
import { BadData, CutOff } from "./types.ts";

export const fileHeadBytes = 9;
/** Versions that are known; later ones may have other items. */
export const fileVersions = { first: 1, last: 12, firstWithSum: 5 } as const;
export const fileOpcode = {
  slot: 244,
  function: 245,
  functionEarly: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expiryMs: 252,
  expirySeconds: 253,
  database: 254,
  end: 255,
} as const;

/** The version in the head of a file; NaN where it is none. */
export function fileVersion(head: Buffer): number {
  const text = head.latin1Slice(0, fileHeadBytes);
  return /^REDIS\d{4}$/.test(text) ? Number(text.slice(5)) : NaN;
}

export type FileItem = "key" | "function" | "moduleAux" | "end";

export class FileItems {
  readonly #reader: RdbReader;
  database = 0;
  /** Of a key: wall time in ms, -1 for never. */
  expiry = -1;
  /** Of a key: seconds, and a count; -1 where it is not told. */
  idle = -1;
  frequency = -1;
  /** Of a key: its type, and `bytes[start, end)`, valid as long as the reader's window. Of a library: its code. */
  type = 0;
  bytes: Buffer;
  start = 0;
  end = 0;
  /** Of what a module has written beside keys. */
  moduleType = "";

  constructor(reader: RdbReader) {
    this.#reader = reader;
    this.bytes = reader.buffer;
  }

  /** Reads on to the next item that concerns the caller. The reader stands before the value of a key. */
  next(): FileItem {
    const reader = this.#reader;
    for (;;) {
      const from = reader.position;
      try {
        const item = this.#read();
        if (item !== null) return item;
      } catch (error) {
        if (error instanceof CutOff) reader.position = from;
        throw error;
      }
    }
  }

  /** Forgets what was told about the key before. */
  keyEnded(): void {
    this.expiry = this.idle = this.frequency = -1;
  }

  #read(): FileItem | null {
    const reader = this.#reader;
    const code = reader.uint8();
    switch (code) {
      case fileOpcode.aux:
        reader.passString();
        reader.passString();
        return null;
      case fileOpcode.database:
        this.database = reader.length();
        return null;
      case fileOpcode.resize:
        reader.length();
        reader.length();
        return null;
      case fileOpcode.slot:
        for (let i = 0; i < 3; i++) reader.length();
        return null;
      case fileOpcode.expiryMs:
        this.expiry = reader.time();
        return null;
      case fileOpcode.expirySeconds:
        this.expiry = reader.buffer.readInt32LE(reader.skip(4)) * 1000;
        return null;
      case fileOpcode.idle:
        this.idle = reader.length();
        return null;
      case fileOpcode.frequency:
        this.frequency = reader.uint8();
        return null;
      case fileOpcode.function:
        this.#string();
        return "function";
      case fileOpcode.functionEarly:
        throw new BadData("functions as a candidate for redis 7.0 wrote them");
      case fileOpcode.moduleAux:
        reader.length();
        this.moduleType = moduleTypeName(reader.high, reader.low);
        passModuleParts(reader);
        return "moduleAux";
      case fileOpcode.end:
        return "end";
      default:
        if (code > fileOpcode.slot) throw new BadData(`an item begins with ${code}`);
        this.type = code;
        this.#string();
        return "key";
    }
  }

  #string(): void {
    const reader = this.#reader;
    reader.string();
    this.bytes = reader.bytes;
    this.start = reader.start;
    this.end = reader.end;
  }
}
