/** The types of values in redis's dumps, by the numbers that stand in front of them. Those that 7.0 writes, older ones, and some of later versions. */
export const rdbType = {
  string: 0,
  list: 1,
  set: 2,
  zsetText: 3,
  hash: 4,
  zset: 5,
  /** Values of modules: only in files. The first cannot be read without its module. */
  moduleEarly: 6,
  module: 7,
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
  /** Of hashes whose fields expire: of redis 7.4. The first two are of its candidates for release. */
  hashTimedEarly: 22,
  hashListpackTimedEarly: 23,
  hashTimed: 24,
  hashListpackTimed: 25,
} as const;

/** Bytes are not what the format says, or end too early. */
export class BadData extends Error {
  constructor(what: string) {
    super(`serialized value: ${what}`);
  }
}

/** The bytes end where more must follow. A reader of a file goes on with more of it. */
export class CutOff extends BadData {
  /** How many bytes are missing, at least. */
  readonly missing: number;

  constructor(missing: number) {
    super("is cut off");
    this.missing = missing;
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
