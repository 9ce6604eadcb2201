/**
 * Goes through the keys of a file and says which of them are wanted; the import, and the looks before and after it, all go this way.
 *
 * Invariant: a value that is passed takes no more memory than its largest string.
 */
import {
  passValue,
  moduleTypeName,
  passModuleParts,
} from "../../../src/protocols/redis/wire/rdb/pass-value.ts";
import { rdbType } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { TransferError } from "../transfer-error.ts";
import type { DumpFile } from "./dump-file.ts";
import type { KeyFacts } from "./key-import.ts";
import { takeLarge } from "./large-value.ts";

/** A value of more bytes than this, or of more once it is expanded, is taken in parts. */
export interface WholeValueMax {
  readonly bytes: number;
  readonly expandedBytes: number;
}

export interface WalkOptions {
  /** Undefined: all. */
  readonly database: number | undefined;
  readonly matches: (key: Buffer, start: number, end: number) => boolean;
  /** Wall time in ms. */
  readonly now: () => number;
  readonly wholeMax: WholeValueMax;
}

/** What the walk leaves out. */
export interface WalkCounts {
  /** Keys of the file. */
  read: number;
  expired: number;
  /** Of other databases, or not matched. */
  notWanted: number;
  /** Keys of modules, by the name of their type. */
  readonly modules: Map<string, number>;
  /** What modules have written beside keys. */
  readonly moduleAux: Set<string>;
}

export interface Visitor {
  /** A library of functions. */
  library?(code: Buffer): Promise<void> | void;
  /** A key, which `file.items` describes, with its value, `buffer[start, end)`. Returns a promise where the walk has to wait. */
  key(file: DumpFile, buffer: Buffer, start: number, end: number): Promise<void> | void;
  /** A key with a value that is too large for that; the file's reader stands before it, and then behind it. */
  largeKey(file: DumpFile, facts: KeyFacts): Promise<void>;
}

export async function walkFile(file: DumpFile, options: WalkOptions, visitor: Visitor): Promise<WalkCounts> {
  const counts: WalkCounts = { read: 0, expired: 0, notWanted: 0, modules: new Map(), moduleAux: new Set() };
  const { items, reader } = file;
  const next = () => items.next();
  const pass = () => passValue(reader, items.type);
  for (;;) {
    const item = file.attempt(next);
    if (item === undefined) await file.more();
    else if (item === "end") {
      await file.end();
      return counts;
    } else if (item === "function")
      await visitor.library?.(Buffer.from(items.bytes.subarray(items.start, items.end)));
    else if (item === "moduleAux") counts.moduleAux.add(items.moduleType);
    else {
      counts.read++;
      if (items.type === rdbType.module || items.type === rdbType.moduleEarly) await passModule(file, counts);
      else {
        const isWanted = takesKey(file, options, counts);
        const from = reader.position;
        const expanded = file.attempt(pass);
        if (expanded === undefined || isBeyond(options.wholeMax, reader.position - from, expanded)) {
          reader.position = from;
          await takeBeyond(file, options, isWanted ? visitor : null);
        } else if (isWanted) {
          const wait = visitor.key(file, reader.buffer, from, reader.position);
          if (wait !== undefined) await wait;
        }
      }
      items.keyEnded();
    }
  }
}

function takesKey({ items }: DumpFile, options: WalkOptions, counts: WalkCounts): boolean {
  if (
    (options.database !== undefined && items.database !== options.database) ||
    !options.matches(items.bytes, items.start, items.end)
  ) {
    counts.notWanted++;
    return false;
  }
  if (items.expiry >= 0 && items.expiry <= options.now()) {
    counts.expired++;
    return false;
  }
  return true;
}

function isBeyond(max: WholeValueMax, bytes: number, expandedBytes: number): boolean {
  return bytes > max.bytes || expandedBytes > max.expandedBytes;
}

/** Takes a value that is not all in the window: with more of the file, or as a large one. */
async function takeBeyond(file: DumpFile, { wholeMax }: WalkOptions, visitor: Visitor | null): Promise<void> {
  const { items, reader } = file;
  // The window is another one then.
  items.bytes = Buffer.from(items.bytes.subarray(items.start, items.end));
  items.start = 0;
  items.end = items.bytes.length;
  for (;;) {
    const from = reader.position;
    const expanded = file.attempt(() => passValue(reader, items.type));
    if (expanded !== undefined && !isBeyond(wholeMax, reader.position - from, expanded)) {
      await visitor?.key(file, reader.buffer, from, reader.position);
      return;
    }
    reader.position = from;
    if (expanded !== undefined || reader.remaining + file.missing > wholeMax.bytes) break;
    await file.more();
  }
  const { bytes: key, type, database, expiry, idle, frequency } = items;
  const facts: KeyFacts = { key, type, database, expiry, idle, frequency };
  if (visitor === null) await takeLarge(file, facts, null);
  else await visitor.largeKey(file, facts);
}

async function passModule(file: DumpFile, counts: WalkCounts): Promise<void> {
  const { items, reader } = file;
  const name = await file.whole(() => {
    reader.length();
    return moduleTypeName(reader.high, reader.low);
  });
  if (items.type === rdbType.moduleEarly)
    throw new TransferError(
      "failed",
      `${file.path}: has a key of the module type ${name} in a form that only its module can read`,
    );
  counts.modules.set(name, (counts.modules.get(name) ?? 0) + 1);
  await file.whole(() => {
    passModuleParts(reader);
    return true;
  });
}
