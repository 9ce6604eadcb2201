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

/** Redis keeps a hash in a listpack up to so many fields, and up to so many bytes of each field and value (its defaults without a configuration file). */
export const listpackEntriesMax = 512;
export const listpackValueMax = 64;
/** And a set of integers in an intset up to so many. */
export const intsetEntriesMax = 512;
/** And so many members of a sorted set. */
export const listpackMembersMax = 128;
