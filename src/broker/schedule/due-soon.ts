/**
 * The records of one log that are due next, read before they are due, in the order in which they lie in the files: records are due in any order, and
 * reading each where it lies costs a read of the file and a checksum for it alone.
 *
 * A window of time is read in slices while the one before is used up. Not here: what is due (timers.ts). Invariants: it holds copies only, of
 * records that do not change, so whoever finds nothing here reads the log; at most two windows of `recordsMax` records are held, and all destinations
 * together hold `sizes.readSoonBytesMax` (`SoonBudget`): what does not fit is read when it is due.
 */
import type { Job, RunningJob, TurnWork } from "../../base/turn-work.ts";
import type { LogReader } from "../../storage/index.ts";
import type { Queue } from "../queue/queue.ts";
import type { SoonBudget } from "./soon-budget.ts";

const windowMs = 2000;
const recordsMax = 150_000;
/** Longer records are read when they are due. */
const recordBytesMax = 16 << 10;
const chunkBits = 20;
const chunkBytes = 1 << chunkBits;
const unitsOfRecord = 3;
const unitsOfPiece = 64;

interface SoonWork {
  readonly budget: SoonBudget;
  readonly work: TurnWork;
  /** Collects into `into` the offsets of what is due by then, in slices. */
  readonly collect: (until: number, into: number[], most: number) => Job<void>;
}

class Window {
  readonly until: number;
  /** Where the copy of each record begins, by its offset: its length as u32, then its bytes. */
  readonly places = new Map<number, number>();
  readonly chunks: Buffer[] = [];
  readonly #budget: SoonBudget;
  #length = chunkBytes;

  constructor(until: number, budget: SoonBudget) {
    this.until = until;
    this.#budget = budget;
  }

  /** Nobody looks into it any more. */
  drop(): void {
    this.places.clear();
    this.#budget.giveBack(this.chunks.length * chunkBytes);
    this.chunks.length = 0;
    this.#length = chunkBytes;
  }

  /** False: there is no memory for more. */
  add(offset: number, { buffer, start, end }: LogReader): boolean {
    const size = end - start;
    if (size > recordBytesMax) return true;
    if (this.#length + size + 4 > chunkBytes) {
      if (!this.#budget.take(chunkBytes)) return false;
      this.chunks.push(Buffer.allocUnsafeSlow(chunkBytes));
      this.#length = 0;
    }
    const chunk = this.chunks.at(-1)!;
    chunk.writeUInt32LE(size, this.#length);
    buffer.copy(chunk, this.#length + 4, start, end);
    this.places.set(offset, (this.chunks.length - 1) * chunkBytes + this.#length);
    this.#length += size + 4;
    return true;
  }
}

export class DueSoon {
  readonly #queue: Queue;
  readonly #options: SoonWork;
  #now: Window | null = null;
  #next: Window | null = null;
  #run: RunningJob | null = null;
  /** The record that was found. */
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  constructor(queue: Queue, options: SoonWork) {
    this.#queue = queue;
    this.#options = options;
  }

  /** Puts the record at an offset into `buffer`, `start` and `end`, if it has been read. */
  find(offset: number): boolean {
    return this.#findIn(this.#now, offset) || this.#findIn(this.#next, offset);
  }

  #findIn(window: Window | null, offset: number): boolean {
    const place = window?.places.get(offset);
    if (place === undefined) return false;
    const at = place & (chunkBytes - 1);
    this.buffer = window!.chunks[place >>> chunkBits]!;
    this.start = at + 4;
    this.end = this.start + this.buffer.readUInt32LE(at);
    return true;
  }

  /** A record is due that was to come at `at`: what is due behind it is read while there is time. */
  prepare(at: number): void {
    if (this.#run !== null || this.#queue.isDeleted) return;
    const last = this.#next ?? this.#now;
    if (last !== null && at < last.until - windowMs / 2 && at >= last.until - 2 * windowMs) return;
    const window = new Window(Math.max(at, last?.until ?? at) + windowMs, this.#options.budget);
    if (window.until > at + 2 * windowMs) return;
    this.#now?.drop();
    this.#now = this.#next;
    this.#next = window;
    let isOver = false;
    const run = this.#options.work.run(this.#reading(window), () => {
      isOver = true;
      this.#run = null;
    });
    if (!isOver) this.#run = run;
  }

  close(): void {
    this.#run?.cancel();
    this.#now?.drop();
    this.#next?.drop();
    this.#run = this.#now = this.#next = null;
  }

  *#reading(window: Window): Job<void> {
    const found: number[] = [];
    yield* this.#options.collect(window.until, found, recordsMax);
    const offsets = Float64Array.from(found).toSorted();
    const reader = this.#queue.reader();
    let units = 0;
    for (const offset of offsets) {
      if (this.#queue.isDeleted) return;
      if (this.#now?.places.has(offset) === true) continue;
      reader.seek(offset);
      if (!reader.next()) return;
      if (reader.offset === offset && !window.add(offset, reader)) return;
      units += unitsOfRecord;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
  }
}
