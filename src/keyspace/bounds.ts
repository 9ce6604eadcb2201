/**
 * Sizes at which the keyspace does something else: when a collection stops being packed, how its memory is cut, how much the
 * cleaner does at once. Tests and the simulator set them small, so that they are crossed all the time.
 */
import { segmentBytesMost } from "./values/element-table.ts";

export interface KeyspaceBounds {
  /** A collection of more elements (of a hash: fields) is large. */
  readonly packedCountMax: number;
  /** And one of more bytes, with its header. */
  readonly packedBytesMax: number;
  readonly segmentBytesMax: number;
  /** One slice of the cleaner ends once it has written so many bytes, */
  readonly rewriteBytes: number;
  /** or looked at so many buckets of keys, or large values. */
  readonly rewriteLooks: number;
}

export const keyspaceBounds: KeyspaceBounds = {
  packedCountMax: 128,
  packedBytesMax: 4096,
  segmentBytesMax: segmentBytesMost,
  rewriteBytes: 256 << 10,
  rewriteLooks: 4096,
};

/**
 * Where redis leaves a compact encoding: what OBJECT ENCODING, DUMP and the order of a set's members go by. A value changes its
 * encoding with the next change of its own, as in redis. Not here: how values are kept (`KeyspaceBounds`).
 */
export interface EncodingBounds {
  /** A hash is a listpack up to so many fields, and up to so many bytes of each field and value. */
  hashEntriesMax: number;
  hashValueBytesMax: number;
  /** A set of integers is an intset up to so many. */
  intsetEntriesMax: number;
  /** A sorted set is a listpack up to so many members, and up to so many bytes of each. */
  sortedSetEntriesMax: number;
  sortedSetValueBytesMax: number;
}

/** Redis's defaults without a configuration file. */
export const encodingBounds: Readonly<EncodingBounds> = {
  hashEntriesMax: 512,
  hashValueBytesMax: 64,
  intsetEntriesMax: 512,
  sortedSetEntriesMax: 128,
  sortedSetValueBytesMax: 64,
};

/** What is compact is dumped and sorted in one go, so no bound is above these. */
export const encodingEntriesMost = 8192;
export const encodingValueBytesMost = 1024;
