/**
 * Reads the entries of one node of a serialized stream (dump/stream-writer.ts has its form), each as it is stored.
 *
 * Throws `BadData` for what redis would not have written. Not here: whether ids rise from entry to entry.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import { writeEntryHeader, writeEntryPart } from "../../../../message/redis/entry.ts";
import { ListpackReader } from "./listpack.ts";
import { BadData } from "./types.ts";

/** Flags of an entry. */
export const hasMasterFields = 2;
const isDeletedEntry = 1;
export const idBytes = 16;
const word = 0xffff_ffffn;

/** `id` becomes the master's with both differences added. */
function addTo(id: EntryId, master: EntryId, ms: number | bigint, sequence: number | bigint): void {
  const sum = (high: number, low: number, by: number | bigint): bigint =>
    BigInt.asUintN(64, ((BigInt(high) << 32n) | BigInt(low)) + BigInt(by));
  const wholeMs = sum(master.msHigh, master.msLow, ms);
  const wholeSequence = sum(master.sequenceHigh, master.sequenceLow, sequence);
  id.msHigh = Number(wholeMs >> 32n);
  id.msLow = Number(wholeMs & word);
  id.sequenceHigh = Number(wholeSequence >> 32n);
  id.sequenceLow = Number(wholeSequence & word);
}

export class StreamNodeReader {
  readonly #list: ListpackReader;
  readonly #master: EntryId;
  readonly #fields: Buffer[] = [];
  #left: number;
  /** What was read last. */
  readonly id = new EntryId();
  readonly entry = new ByteWriter(256);
  isDeleted = false;

  /** Of the node that is all of `buffer[start, end)`. */
  constructor(master: EntryId, buffer: Buffer, start: number, end: number) {
    const list = new ListpackReader(buffer, start, end);
    this.#list = list;
    this.#master = master;
    this.#left = list.count() + list.count();
    for (let count = list.count(); count > 0; count--) {
      list.text();
      this.#fields.push(list.bytes.subarray(list.start, list.end));
    }
    if (list.count() !== 0) throw new BadData("the head of a stream's node");
  }

  /** Reads the next entry; false at the end. */
  next(): boolean {
    const list = this.#list;
    if (this.#left === 0) {
      if (list.next()) throw new BadData("a stream's node has more entries than it says");
      return false;
    }
    this.#left--;
    const flags = list.count();
    addTo(this.id, this.#master, list.whole(), list.whole());
    this.#readEntry(flags);
    this.isDeleted = (flags & isDeletedEntry) !== 0;
    return true;
  }

  #readEntry(flags: number): void {
    const list = this.#list;
    const entry = this.entry;
    entry.reset();
    const isSame = (flags & hasMasterFields) !== 0;
    const count = isSame ? this.#fields.length : list.count();
    if (count === 0) throw new BadData("an entry without fields");
    writeEntryHeader(entry, count);
    for (let i = 0; i < count; i++) {
      if (isSame) writeEntryPart(entry, this.#fields[i]!);
      else {
        list.text();
        writeEntryPart(entry, list.bytes, list.start, list.end);
      }
      list.text();
      writeEntryPart(entry, list.bytes, list.start, list.end);
    }
    list.count();
  }
}
