/**
 * Reads journal frames for the cleaner without touching the blocks that consumers read from.
 *
 * A log's frames lie close together (one busy log) or far apart (ten thousand logs): it reads ahead only in the first
 * case. Every frame from the disk is verified.
 */
import { BrokerError } from "../../base/errors.ts";
import { emptyBuffer } from "./frame-store.ts";
import { frameLengthAt, isFrameWhole } from "./frame.ts";
import { journalHeaderBytes } from "./journal-file.ts";
import type { JournalFile, JournalStore } from "./journal.ts";

const windowBytes = 256 * 1024;
/** Frames this near to the one before make it worth to read ahead. */
const nearBytes = 16 * 1024;

export class JournalReader {
  readonly #journal: JournalStore;
  buffer: Buffer = emptyBuffer;
  at = 0;
  #window = Buffer.allocUnsafeSlow(windowBytes);
  #file: JournalFile | null = null;
  /** Journal positions that the window holds. */
  #from = 0;
  #to = 0;

  constructor(journal: JournalStore) {
    this.#journal = journal;
  }

  /** Finds a frame: it starts at `at` of `buffer` until the next call or await. Throws CORRUPT. */
  read(position: number, length: number): void {
    const chunk = this.#journal.chunkInMemory(position);
    if (chunk !== null) {
      this.buffer = chunk.buffer;
      this.at = position - chunk.base;
      return;
    }
    if (position < this.#from || position + length > this.#to) this.#load(position, length);
    const at = position - this.#from;
    this.buffer = this.#window;
    this.at = at;
    if (
      position + length > this.#to ||
      frameLengthAt(this.#window, at) !== length ||
      !isFrameWhole(this.#window, at, at + length)
    ) {
      const { path, base } = this.#file!;
      const inFile = position - base + journalHeaderBytes;
      throw new BrokerError(
        "CORRUPT",
        `${path}: bytes ${inFile} to ${inFile + length} fail their checksum; run troikamq check`,
      );
    }
  }

  #load(position: number, length: number): void {
    const file = this.#journal.fileOf(position);
    const isNear = file === this.#file && position >= this.#from && position - this.#to < nearBytes;
    const size = isNear ? Math.max(length, windowBytes) : length;
    if (size > this.#window.length) this.#window = Buffer.allocUnsafeSlow(size);
    this.#file = file;
    this.#from = position;
    this.#to = position + file.file.read(this.#window, 0, size, position - file.base + journalHeaderBytes);
  }

  /** The file is about to be deleted. */
  forget(): void {
    this.#file = null;
    this.#to = 0;
    if (this.#window.length > windowBytes) this.#window = Buffer.allocUnsafeSlow(windowBytes);
  }
}
