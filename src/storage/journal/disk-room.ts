/**
 * How much room the disk has, and a reserve for the time when it has none.
 *
 * Two bounds keep a full disk from stopping everything. The first is a minimum of free space: below it the disk is *low*, and the
 * owner accepts no requests that only add data. The second is the file `RESERVE`, real bytes on the disk. If a write finds the
 * disk full all the same (other programs fill it too), the file is made shorter by a piece and the write is tried again. So
 * changes that free space (acknowledgements, deletes, the cleaner's states) can be written. The reserve is filled again before
 * publishers go on. On a disk with a great deal of room there is no reserve yet.
 *
 * Not here: which requests are refused (storage.ts, protocols), what is written. Invariants: `isLow` from the moment a piece is
 * released until the reserve is complete again; nothing here throws, and nothing depends on the content of the file.
 */
import { type Disk, type DiskFile, isDiskFull } from "../../base/disk.ts";
import { limits } from "../../base/limits.ts";

const reserveName = "RESERVE";
const fillBytes = 1 << 20;
/** The disk stops being low at this multiple of the minimum, so that it does not go back and forth. */
const againShare = 9 / 8;
const tightFactor = 2;
/** On a small disk the minimum and the reserve are at most these parts of it. */
const minimumPart = 8;
const reservePart = 16;
/** The reserve is released in this many pieces, so that another program that fills the disk gets little of it. */
const pieces = 8;

export class DiskRoom {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #wantedMinimum: number | "auto";
  /** Free bytes for users other than root, as last measured. */
  freeBytes = Infinity;
  totalBytes = Infinity;
  /** Free space below this is low. */
  freeBytesMin = 0;
  isLow = false;
  reserveBytes = 0;
  #reserveBytesWanted = 0;
  #reserveBytesMax: number = limits.diskReserveBytes;
  #reserve: DiskFile | null = null;
  #filling: Promise<void> | null = null;
  #isClosed = false;

  constructor(disk: Disk, directory: string, freeBytesMin: number | "auto") {
    this.#disk = disk;
    this.#directory = directory;
    this.#wantedMinimum = freeBytesMin;
  }

  /** Opens an existing reserve. The directory must exist. */
  open(): void {
    this.#measure();
    try {
      if (!this.#disk.list(this.#directory).includes(reserveName)) return;
      this.#reserve = this.#disk.open(this.#path, "existing");
      this.reserveBytes = this.#reserve.size();
    } catch {
      // A full disk is noticed without a reserve too.
    }
  }

  get #path(): string {
    return `${this.#directory}/${reserveName}`;
  }

  #measure(): void {
    const space = this.#disk.space(this.#directory);
    if (space === null) return;
    this.freeBytes = space.freeBytes;
    this.totalBytes = space.totalBytes;
    const wanted = this.#wantedMinimum;
    this.freeBytesMin =
      wanted === "auto"
        ? Math.min(limits.diskFreeBytesMin, Math.floor(this.totalBytes / minimumPart))
        : wanted;
    this.#reserveBytesWanted = Math.min(this.#reserveBytesMax, Math.floor(this.totalBytes / reservePart));
  }

  /** Measures the free space. Costs a microsecond. */
  look(): void {
    this.#measure();
    if (!this.isLow) this.isLow = this.freeBytes < this.freeBytesMin;
    else if (this.#missing === 0 && this.freeBytes >= this.freeBytesMin * againShare) this.isLow = false;
  }

  /** Measures the free space, and fills the reserve if there is room for it. Call it now and then. */
  tend(): void {
    this.look();
    const missing = this.#missing;
    const isWanted = this.isLow || this.freeBytes < limits.diskReserveBelowBytes;
    // If the system does not report a quota, filling the reserve shows that there is room again.
    if (missing > 0 && isWanted && this.freeBytes >= this.freeBytesMin * againShare + missing)
      this.#filling ??= this.#fill().finally(() => (this.#filling = null));
  }

  get #missing(): number {
    return Math.max(0, this.#reserveBytesWanted - this.reserveBytes);
  }

  /** The disk may soon be low: the cleaner should free space. */
  get isTight(): boolean {
    return this.isLow || this.freeBytes < this.freeBytesMin * tightFactor;
  }

  /** The disk is full: releases a piece of the reserve. False if there is none. */
  giveUp(): boolean {
    this.isLow = true;
    if (this.#reserve === null || this.reserveBytes === 0) return false;
    const left = Math.max(0, this.reserveBytes - Math.ceil(this.#reserveBytesWanted / pieces));
    try {
      this.#reserve.truncate(left);
    } catch {
      return false;
    }
    this.reserveBytes = left;
    return true;
  }

  async #fill(): Promise<void> {
    try {
      this.#reserve ??= this.#disk.open(this.#path, "create");
      while (this.#missing > 0 && !this.#isClosed) {
        const size = Math.min(fillBytes, this.#missing);
        const at = this.reserveBytes;
        await this.#reserve.writeLater(incompressible(size, at), 0, size, at);
        // A piece was released meanwhile: the part that was written behind it is cut off too.
        if (this.reserveBytes !== at) break;
        this.reserveBytes = at + size;
      }
    } catch (error) {
      // If the reserve cannot be written for another reason, publishers must not wait for it for ever.
      if (!isDiskFull(error)) this.#reserveBytesMax = 0;
    }
    this.#cut();
  }

  /** Cuts off what a write left behind the reserve's end. */
  #cut(): void {
    try {
      if (this.#reserve !== null && this.#reserve.size() > this.reserveBytes)
        this.#reserve.truncate(this.reserveBytes);
    } catch {
      // The next time.
    }
  }

  /** The reserve stays for the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#filling;
    this.#reserve?.close();
    this.#reserve = null;
  }
}

/** Bytes that a compressing file system cannot make smaller (xorshift32). */
function incompressible(size: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (seed ^ 0x9e37_79b9) | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, size);
}
