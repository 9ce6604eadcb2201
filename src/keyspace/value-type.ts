/**
 * What a key can hold. The numbers are stored in the journal: they never change their meaning.
 *
 * A string's bytes lie in its entry (see key-table.ts). The other types are for a later issue: each gets a file of its
 * own beside this one, with its objects in a side table of the database, under the entry's address, and its own full
 * and change records (key-records.ts).
 */
export const valueType = { none: 0, string: 1 } as const;
