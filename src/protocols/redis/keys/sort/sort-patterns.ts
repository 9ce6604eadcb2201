/**
 * The patterns of SORT's BY and GET: `weight_*` is the string of the key in which an element stands for the star, `object_*->field` a
 * field of a hash, `#` the element itself.
 *
 * Not here: whether the user may look at any key (sort.ts). Invariant: what `findByPattern` has found is valid until the next change.
 */
import { valueType } from "../../../../keyspace/value-type.ts";
import type { CommandContext } from "../../core/context.ts";
import { hashesOf } from "../../hash/hash-key.ts";
import { findNamed, keysOf } from "../key-access.ts";
import { hasReadNamed } from "../../notifications/lookups.ts";

export interface SortPattern {
  readonly isElement: boolean;
  /** Around the star; null where there is none. */
  readonly key: { readonly before: string; readonly behind: string } | null;
  readonly field: Buffer | null;
}

const found = { bytes: Buffer.alloc(0), start: 0, end: 0 };
let foundElement: string | null = null;

export function isPattern(text: string): boolean {
  return text.includes("*");
}

export function sortPattern(text: string): SortPattern {
  const star = text.indexOf("*");
  if (star < 0) return { isElement: text === "#", key: null, field: null };
  const arrow = text.indexOf("->", star + 1);
  const hasField = arrow >= 0 && arrow + 2 < text.length;
  return {
    isElement: false,
    key: { before: text.slice(0, star), behind: text.slice(star + 1, hasField ? arrow : undefined) },
    field: hasField ? Buffer.from(text.slice(arrow + 2), "latin1") : null,
  };
}

/** Finds what the pattern names for an element; false where there is nothing, or a value of another type. */
export function findByPattern(context: CommandContext, pattern: SortPattern, element: string): boolean {
  const { isElement, key, field } = pattern;
  foundElement = isElement ? element : null;
  if (isElement || key === null) return isElement;
  const database = keysOf(context);
  const name = key.before + element + key.behind;
  const entry = findNamed(context, database, Buffer.from(name, "latin1"));
  hasReadNamed(context, name, entry !== 0);
  if (entry === 0) return false;
  const { table, content } = database;
  const type = table.type(entry);
  if (field === null) {
    if (type !== valueType.string) return false;
    table.locate(entry);
    Object.assign(found, { bytes: table.bytes, start: table.start, end: table.end });
    return true;
  }
  if (type !== valueType.hash) return false;
  const hash = database.freshHash(entry);
  const hashes = hashesOf(context);
  if (hash === 0 || !hashes.get(content, hash, field, 0, field.length)) return false;
  Object.assign(found, { bytes: hashes.bytes, start: hashes.start, end: hashes.end });
  return true;
}

/** What was found last, as a Latin-1 string of its bytes. */
export function textOfFound(): string {
  return foundElement ?? found.bytes.latin1Slice(found.start, found.end);
}
