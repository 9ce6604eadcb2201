/**
 * How values of the keyspace become redis's dumps, and dumps become values: one table for DUMP, by the type of a value, and one for
 * RESTORE, by the type that a dump says.
 *
 * A type of values adds its functions here (hash/hash-dump.ts is an example). Not here: streams, which are logs (stream-writer.ts,
 * stream-reader.ts); the bytes (wire/rdb); the commands; the sum and version around a value.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { dumpHash, loadHash } from "../hash/hash-dump.ts";
import { loadTimedHash } from "../hash/timed-hash-dump.ts";
import { dumpList, loadList } from "../list/list-dump.ts";
import { dumpSet, loadSet } from "../set/set-dump.ts";
import { dumpString, loadString } from "../string/string-dump.ts";
import { dumpSortedSet, loadSortedSet } from "../zset/sorted-set-dump.ts";
import type { RdbReader } from "../wire/rdb/reader.ts";
import { rdbType } from "../wire/rdb/types.ts";
import type { Payload } from "./payload.ts";

/**
 * Writes the type and the bytes of the value of `entry`. The entry is valid until the first yield; what is written after that is what
 * is there when it is come to.
 */
export type ValueDumper = (
  payload: Payload,
  context: CommandContext,
  database: Database,
  entry: number,
) => Job<void>;

/** A value that has been read to its end, and found to be well-formed. */
export interface LoadedValue {
  /** Roughly what `put` costs, in units of work. */
  readonly units: number;
  /** `put` is one record of the journal, which replaces what the key has. Else the key must have nothing. */
  readonly isOneRecord: boolean;
  /**
   * Puts it under a key, to expire at that wall time, ms; 0 for never. In slices: nobody else may change the key meanwhile. It reads the
   * bytes again, so they must still be there.
   */
  put(database: Database, key: Uint8Array, start: number, end: number, expiry: number): Job<void>;
}

/** Reads the value of a dump, of which the type is read already. Throws `BadData`. */
export type ValueLoader = (reader: RdbReader, type: number) => Job<LoadedValue>;

export const valueDumpers: Readonly<Partial<Record<number, ValueDumper>>> = {
  [valueType.string]: dumpString,
  [valueType.hash]: dumpHash,
  [valueType.set]: dumpSet,
  [valueType.list]: dumpList,
  [valueType.sortedSet]: dumpSortedSet,
};

export const valueLoaders: Readonly<Partial<Record<number, ValueLoader>>> = {
  [rdbType.string]: loadString,
  [rdbType.list]: loadList,
  [rdbType.listZiplist]: loadList,
  [rdbType.listQuicklist]: loadList,
  [rdbType.listQuicklist2]: loadList,
  [rdbType.set]: loadSet,
  [rdbType.setIntset]: loadSet,
  [rdbType.setListpack]: loadSet,
  [rdbType.hash]: loadHash,
  [rdbType.hashZipmap]: loadHash,
  [rdbType.hashZiplist]: loadHash,
  [rdbType.hashListpack]: loadHash,
  [rdbType.hashTimedEarly]: loadTimedHash,
  [rdbType.hashListpackTimedEarly]: loadTimedHash,
  [rdbType.hashTimed]: loadTimedHash,
  [rdbType.hashListpackTimed]: loadTimedHash,
  [rdbType.zsetText]: loadSortedSet,
  [rdbType.zset]: loadSortedSet,
  [rdbType.zsetZiplist]: loadSortedSet,
  [rdbType.zsetListpack]: loadSortedSet,
};
