/**
 * What the journal has of the windows (storage/state/state-source.ts): runs of ids that were accepted one behind the other.
 *
 *     run  = u32 log id, u32 checksum of dedup-by, u64 block, u16 first index, u16 ids, i64 base time, ids * id
 *     id   = the 7 words of id-blocks.ts, each i32
 *
 * A run of no ids says that the window has been emptied: the policy is gone or asks for something else. Each run says where its ids
 * belong, so that it may stand in the journal twice, and behind newer ones. Not here: when runs are written (dedup-windows.ts).
 */
import { ByteReader, type ByteWriter } from "../../base/bytes.ts";
import { bytesOfId, type IdBlock, wordsOfId } from "./id-blocks.ts";

const idsAt = 18;

/** What each run of a window begins with. */
export interface RunOwner {
  readonly logId: number;
  /** Of the text of `dedup-by`. */
  readonly byChecksum: number;
}

/** Begins a run of the block's ids from `index` on; returns where it starts. */
export function beginRun(
  out: ByteWriter,
  { logId, byChecksum }: RunOwner,
  block: IdBlock,
  index: number,
): number {
  const at = out.length;
  out.uint32(logId).uint32(byChecksum).int64(block.number).uint16(index).uint16(0).int64(block.baseMs);
  return at;
}

/** Adds ids to the run that starts at `runAt` and ends the writer. */
export function addToRun(out: ByteWriter, runAt: number, { words }: IdBlock, from: number, to: number): void {
  let at = out.reserve((to - from) * bytesOfId);
  const { buffer } = out;
  for (let i = from * wordsOfId; i < to * wordsOfId; i++, at += 4) {
    const word = words[i]!;
    buffer[at] = word >>> 24;
    buffer[at + 1] = word >>> 16;
    buffer[at + 2] = word >>> 8;
    buffer[at + 3] = word;
  }
  const countAt = runAt + idsAt;
  const count = ((buffer[countAt]! << 8) | buffer[countAt + 1]!) + to - from;
  buffer[countAt] = count >>> 8;
  buffer[countAt + 1] = count;
}

export function writeEmptied(out: ByteWriter, { logId, byChecksum }: RunOwner): void {
  out.uint32(logId).uint32(byChecksum).int64(0).uint16(0).uint16(0).int64(0);
}

/** The header of a run; its ids are for `readIds`. */
export interface Run {
  logId: number;
  byChecksum: number;
  block: number;
  index: number;
  count: number;
  baseMs: number;
}

/** Calls `visit` with each run of the records; it reads the ids by `readIds`, or leaves them. */
export function eachRun(
  buffer: Buffer,
  start: number,
  end: number,
  visit: (run: Run, reader: ByteReader) => void,
): void {
  const reader = new ByteReader(buffer, start, end);
  while (reader.remaining > 0) {
    const run: Run = {
      logId: reader.uint32(),
      byChecksum: reader.uint32(),
      block: reader.int64(),
      index: reader.uint16(),
      count: reader.uint16(),
      baseMs: reader.int64(),
    };
    const next = reader.position + run.count * wordsOfId * 4;
    visit(run, reader);
    reader.position = next;
  }
}

export function readIds({ index, count }: Run, reader: ByteReader, block: IdBlock): void {
  block.ensure(index + count);
  for (let at = index * wordsOfId; at < (index + count) * wordsOfId; at++) block.words[at] = reader.int32();
  block.count = Math.max(block.count, index + count);
}
