/** Overwriting a part of a string value, as SETRANGE and APPEND do and the replay repeats. */
import { copyBytes } from "../base/bytes.ts";
import type { KeyTable } from "./key-table.ts";
import { rawString, valueType } from "./value-type.ts";

/** Puts `source[start, end)` at `offset` of the value, which grows if needed, with zeros before; returns the entry. */
export function patchValue(
  table: KeyTable,
  entry: number,
  offset: number,
  source: Uint8Array,
  start: number,
  end: number,
): number {
  const before = table.valueLength(entry);
  const place = table.resize(entry, Math.max(before, offset + end - start), true);
  table.setTypeWord(place, valueType.string | rawString);
  if (offset > before) table.bytes.fill(0, table.start + before, table.start + offset);
  copyBytes(table.bytes, table.start + offset, source, start, end);
  return place;
}
