/** When a collection stops being packed, and how its memory is cut. The simulator sets these small, so that it crosses them. */
import { segmentBytesMost } from "./element-table.ts";

export interface ValueBounds {
  /** A collection of more elements (of a hash: fields) is large. */
  readonly packedCountMax: number;
  /** And one of more bytes, with its header. */
  readonly packedBytesMax: number;
  readonly segmentBytesMax: number;
}

export const valueBounds: ValueBounds = {
  packedCountMax: 128,
  packedBytesMax: 4096,
  segmentBytesMax: segmentBytesMost,
};

/** Redis keeps a hash in a listpack up to so many fields, and up to so many bytes of each field and value (its defaults without a configuration file). */
export const listpackEntriesMax = 512;
export const listpackValueMax = 64;
