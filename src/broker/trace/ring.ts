/**
 * The events of traces, in the order in which they happened: a ring of a few files in `trace/` of the data directory, of which the
 * oldest goes when all together would be larger than `bytesMax`. Without a disk they are in memory.
 *
 * Blocks (ring-block.ts) are written when they are full or a second old, and not synced: a kill of the process loses the last
 * second of them at most, a power failure more. What is written here is never needed for a message to be right. While the disk is
 * short of room or fails, blocks are dropped and counted. Not here: what an event says, who looks for it (search.ts).
 * Invariants: the files together are at most `bytesMax` and one block; each start writes a file of its own; the index has one entry for each
 * `runBytes` of a file or less, so it is bounded with the files.
 */
import type { Timer, Timers } from "../../base/clock.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import type { Logger } from "../../base/logger.ts";
import { blockHeaderBytes, encodeBlock, nextBlockAfter, readBlock, readHeader } from "./ring-block.ts";
import { MemoryFile } from "./memory-file.ts";

const filesInRing = 8;
const blockTextBytes = 64 * 1024;
const runBytes = 64 * 1024;
const writeDelayMs = 1000;
const nameForm = /^(\d{10})\.ring$/;

/** Blocks that lie together in a file. */
interface Run {
  readonly at: number;
  end: number;
  readonly from: number;
  to: number;
}

interface RingFile {
  readonly name: string;
  readonly file: Pick<DiskFile, "write" | "read" | "size" | "close">;
  size: number;
  readonly runs: Run[];
}

export interface RingOptions {
  /** Null: in memory. */
  readonly disk: Disk | null;
  /** The data directory. */
  readonly directory: string;
  readonly bytesMax: number;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Whether the disk has room for what is not needed. */
  readonly mayWrite: () => boolean;
}

/** Lines of JSON that lie together, and their times. */
export interface Lines {
  /** Each start writes files of its own. */
  readonly file: string;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

export class TraceRing {
  readonly #options: RingOptions;
  readonly #path: string;
  /** The oldest first; the last is written to, where this process has begun one. */
  readonly #files: RingFile[] = [];
  #isWriting = false;
  #nextNumber = 1;
  #lines: string[] = [];
  #textBytes = 0;
  #from = 0;
  #to = 0;
  #timer: Timer | null = null;
  #hasFailed = false;
  /** Since the start. */
  events = 0;
  /** Events that were not kept since the disk took nothing. */
  dropped = 0;
  /** Places of files in which no whole block lies. */
  damaged = 0;

  /** Reads what is there of earlier starts. A file that cannot be read is left out, and said so. */
  constructor(options: RingOptions) {
    this.#options = options;
    this.#path = `${options.directory}/trace`;
    const { disk } = options;
    if (disk === null) return;
    for (const name of disk.list(this.#path)) {
      const match = nameForm.exec(name);
      if (match === null) continue;
      this.#nextNumber = Math.max(this.#nextNumber, Number(match[1]) + 1);
      this.#openFile(disk, name);
    }
    this.#shorten();
    if (this.damaged > 0)
      options.logger.warn("the ring of traces has damaged places, which are passed over", {
        places: this.damaged,
      });
  }

  #openFile(disk: Disk, name: string): void {
    try {
      const file = disk.open(`${this.#path}/${name}`, "read");
      const found: RingFile = { name, file, size: file.size(), runs: [] };
      const bytes = Buffer.allocUnsafe(found.size);
      const end = file.read(bytes, 0, found.size, 0);
      for (let at = 0; at >= 0 && at < end;) {
        const header = readHeader(bytes, at, end);
        if (header !== null && readBlock(bytes, at, end) !== null) {
          const next = at + blockHeaderBytes + header.textBytes;
          addToRuns(found.runs, { at, end: next, from: header.from, to: header.to });
          at = next;
          continue;
        }
        this.damaged++;
        at = nextBlockAfter(bytes, at, end);
      }
      this.#files.push(found);
    } catch (error) {
      this.#options.logger.warn("a file of the ring of traces cannot be read", {
        name,
        error: errorOf(error),
      });
    }
  }

  /** Bytes of all files. */
  get bytes(): number {
    let bytes = 0;
    for (const { size } of this.#files) bytes += size;
    return bytes;
  }

  append(time: number, line: string): void {
    this.events++;
    if (this.#lines.length === 0) {
      this.#from = this.#to = time;
      this.#timer ??= this.#options.timers.after(writeDelayMs, () => this.flush());
    } else {
      this.#from = Math.min(this.#from, time);
      this.#to = Math.max(this.#to, time);
    }
    this.#lines.push(line);
    this.#textBytes += line.length + 1;
    if (this.#textBytes >= blockTextBytes) this.flush();
  }

  /** Writes what is open. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#textBytes = 0;
    const block = encodeBlock(`${lines.join("\n")}\n`, lines.length, this.#from, this.#to);
    try {
      if (!this.#options.mayWrite()) this.dropped += lines.length;
      else this.#write(block);
    } catch (error) {
      this.dropped += lines.length;
      // What follows begins behind whatever was written of it.
      this.#isWriting = false;
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#options.logger.error("traces cannot be written; events are dropped until they can", {
        error: errorOf(error),
      });
    }
  }

  #write(block: Buffer): void {
    const fileBytesMax = this.#options.bytesMax / filesInRing;
    const last = this.#files.at(-1);
    const isFull = last !== undefined && last.size + block.length > fileBytesMax;
    const target = this.#isWriting && !isFull ? last! : this.#begin();
    const at = target.size;
    target.file.write(block, 0, block.length, at);
    target.size += block.length;
    addToRuns(target.runs, { at, end: target.size, from: this.#from, to: this.#to });
    this.#hasFailed = false;
    this.#shorten();
  }

  #begin(): RingFile {
    const name = `${String(this.#nextNumber++).padStart(10, "0")}.ring`;
    const { disk } = this.#options;
    if (disk !== null) disk.makeDirectory(this.#path);
    const file = disk === null ? new MemoryFile() : disk.open(`${this.#path}/${name}`, "create");
    const made: RingFile = { name, file, size: 0, runs: [] };
    this.#files.push(made);
    this.#isWriting = true;
    return made;
  }

  #shorten(): void {
    while (this.#files.length > 1 && this.bytes > this.#options.bytesMax) {
      const { name, file } = this.#files.shift()!;
      file.close();
      this.#options.disk?.removeLater(`${this.#path}/${name}`).catch(() => {
        // It goes with the next start.
      });
    }
  }

  /** Everything that is kept, from the oldest on, or from the newest back; blocks without an event between the times are left out. */
  *read(from: number, to: number, isReverse = false): Generator<Lines, void> {
    this.flush();
    const places = this.#files.flatMap((file) => file.runs.map((run) => ({ file, run })));
    if (isReverse) places.reverse();
    for (const { file, run } of places) {
      if (run.to < from || run.from > to) continue;
      // It may have gone since the reader began.
      if (!this.#files.includes(file)) continue;
      yield { file: file.name, text: this.#textOf(file, run), from: run.from, to: run.to };
    }
  }

  #textOf({ file, name }: RingFile, { at, end }: Run): string {
    const bytes = Buffer.allocUnsafe(end - at);
    let text = "";
    try {
      const got = file.read(bytes, 0, bytes.length, at);
      for (let next = 0; next < got;) {
        const block = readBlock(bytes, next, got);
        if (block === null) {
          this.damaged++;
          next = nextBlockAfter(bytes, next, got);
          if (next < 0) break;
          continue;
        }
        text += block;
        next += blockHeaderBytes + readHeader(bytes, next, got)!.textBytes;
      }
    } catch (error) {
      this.#options.logger.warn("a file of the ring of traces cannot be read", {
        name,
        error: errorOf(error),
      });
    }
    return text;
  }

  close(): void {
    this.flush();
    for (const { file } of this.#files.splice(0)) file.close();
    this.#isWriting = false;
  }
}

function addToRuns(runs: Run[], block: Run): void {
  const last = runs.at(-1);
  if (last === undefined || last.end !== block.at || block.end - last.at > runBytes) {
    runs.push(block);
    return;
  }
  const joined = {
    ...last,
    end: block.end,
    from: Math.min(last.from, block.from),
    to: Math.max(last.to, block.to),
  };
  runs[runs.length - 1] = joined;
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
