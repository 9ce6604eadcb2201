/**
 * Sizes above which other code runs: a chunk is left for the next one, a cache evicts, an output is compacted, a sweep or
 * scan goes on later. They are no bounds that a client meets (`limits.ts`), and nothing on the disk depends on them.
 *
 * The simulator sets them small, so that what happens above them happens all the time. Invariant: they change only while
 * no broker is open in the process, since who is made with one keeps it.
 */
const usual = {
  /** A piece of the journal's tail in memory, and of what is kept in memory only. */
  chunkBytes: 1 << 20,
  /** How much of the journal's newest bytes stays in memory for readers that keep up. */
  journalCacheBytes: 32 << 20,
  /** What nobody needs of a tick's frames is left out of the file where it is as long as this: each hole costs two more writes. */
  holeBytesMin: 16 << 10,
  /** A block of a file that is read for those who are behind, and how many of them are kept. */
  readBlockBytes: 256 << 10,
  readBlocksMax: 64,
  /** Of a log of what waits: its records are read before they are due where it is longer than what is in memory anyway. */
  waitingBytesReadSoon: 32 << 20,
  /** Copies of records that are read before they are due, of all destinations together. */
  readSoonBytesMax: 64 << 20,
  /** Segments that are open at once. */
  openSegmentsMax: 256,
  /** Output buffers larger than this are given back once they are empty. */
  outputBytesKept: 256 << 10,
  /** Keys that one sweep looks at, at least. */
  sweepKeysMin: 500,
  /** Streams in a part of a SCAN, at least. */
  streamsInScanPart: 512,
  /** Units of work of a value that RESTORE puts under its key at once; one that costs more is made aside. */
  restoredUnitsDirect: 500,
  /** Messages of a queue with priorities that are filed in the turn in which they came, and in a slice of a backlog. */
  filedInTurn: 4096,
  filedInSlice: 256,
};

export type Sizes = typeof usual;

export const sizes: Readonly<Sizes> = { ...usual };

/** Sizes that are not given get their usual values. For the simulator and tests. */
export function setSizes(given: Partial<Sizes>): void {
  Object.assign(sizes, usual, given);
}
