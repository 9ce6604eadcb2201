/**
 * What a key can hold, and how: the type word of an entry (key-table.ts). The numbers are stored in the journal: they never
 * change their meaning.
 *
 *     type word = u8 type | u8 layout << 8 | u8 flags << 16
 *
 * An entry keeps it in eight bits (key-table.ts): types are below 8, flags below 16.
 *
 * A string's bytes lie in its entry. A collection's elements do as well while they are few (packed, values/packed.ts);
 * beyond that the entry holds the number of a large value (values/large-values.ts). It never becomes packed again.
 */
export const valueType = { none: 0, string: 1, hash: 2, set: 3, sortedSet: 4, list: 5 } as const;

/** The layout's bit of a type word. */
export const largeLayout = 0x100;
/** A flag of hashes: the value has had more, or longer, elements than redis keeps in a listpack. OBJECT ENCODING tells it. */
export const beyondListpack = 0x1_0000;
/**
 * A flag of hashes: a field has, or has had, an expiry. While packed, such a hash keeps a time in front of each value
 * (values/hash.ts). OBJECT ENCODING tells it.
 */
export const expiringFields = 0x2_0000;
/** A flag of sets: the set has had a member that is no integer, or more than redis keeps in an intset. OBJECT ENCODING tells it. */
export const beyondIntset = 0x1_0000;

/** Whether a value of that type word is a hash whose fields may expire. */
export function hasExpiringFields(word: number): boolean {
  return (word & (0xff | expiringFields)) === (valueType.hash | expiringFields);
}

const names: readonly (string | undefined)[] = ["none", "string", "hash", "set", "zset", "list"];

/*
 * Flags of a string, which OBJECT tells. They are about how the bytes came to be, since redis decides by that and not by
 * the bytes alone. Without one it is an integer where its bytes are one.
 */
/** It was changed in place (APPEND, SETRANGE, SETBIT, PFADD). */
export const rawString = 0x1_0000;
/** It is text, though its bytes may be an integer (INCRBYFLOAT). */
export const textString = 0x2_0000;

/** The name of a type as TYPE and SCAN have it. */
export function typeNameOf(type: number): string {
  return names[type] ?? "none";
}
