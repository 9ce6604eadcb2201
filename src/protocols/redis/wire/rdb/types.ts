/** The types of values in redis's dumps, by the numbers that stand in front of them. Those that 7.0 writes, and older ones. */
export const rdbType = {
  string: 0,
  list: 1,
  set: 2,
  zsetText: 3,
  hash: 4,
  zset: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  streamListpacks: 15,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  streamListpacks2: 19,
  setListpack: 20,
  streamListpacks3: 21,
} as const;

/** Bytes are not what the format says, or end too early. */
export class BadData extends Error {
  constructor(what: string) {
    super(`serialized value: ${what}`);
  }
}

/** Goes through the elements of a value, whatever form they have. */
export interface RdbElements {
  /** Reads the next element: `bytes[start, end)`. False at the end. */
  next(): boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}
