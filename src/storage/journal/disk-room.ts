/**
 * How much room the disk has, and a reserve for the time when it has none.
 *
 * Two bounds keep a full disk from stopping everything. Above all there is a minimum of free space: below it the disk is
 * *low*, and the owner takes nothing that only adds. And there is the file `RESERVE`, real bytes on the disk: when a write
 * finds the disk full all the same (others fill it too), the file is made shorter by a piece and the write is tried again.
 * So what frees space (acknowledgements, deletes, the cleaner's states) can be written. The reserve is filled again before
 * publishers go on. A disk with a great deal of room gets no reserve yet.
 * Not here: who is refused what (storage.ts, protocols), what is written.
 * Invariants: `isLow` from the moment a piece is given up until the reserve is whole again; nothing here throws, and
 * nothing depends on what is in the file.
 */
import { type Disk, type DiskFile, isDiskFull } from "../../base/disk.ts";
import { limits } from "../../base/limits.ts";

const reserveName = "RESERVE";
const fillBytes = 1 << 20;
/** The disk stops being low with this much more than the minimum, or it would go back and forth. */
const againShare = 9 / 8;
const tightFactor = 2;
/** Of a small disk the minimum and the reserve are at most these parts. */
const minimumPart = 8;
const reservePart = 16;
/** The reserve is given up in this many pieces, so that another program that fills the disk gets little of it. */
const pieces = 8;

export class DiskRoom {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #wantedMinimum: number | "auto";
  /** For whoever is not the superuser; as it was when last looked at. */
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

  /** Opens a reserve that is there. The directory must be. */
  open(): void {
    this.#measure();
    try {
      if (!this.#disk.list(this.#directory).includes(reserveName)) return;
      this.#reserve = this.#disk.open(this.#path, "existing");
      this.reserveBytes = this.#reserve.size();
    } catch {
      // Without a reserve a full disk is noticed all the same.
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

  /** Looks at the disk. Costs a microsecond. */
  look(): void {
    this.#measure();
    if (!this.isLow) this.isLow = this.freeBytes < this.freeBytesMin;
    else if (this.#missing === 0 && this.freeBytes >= this.freeBytesMin * againShare) this.isLow = false;
  }

  /** Looks at the disk and fills the reserve where there is room for it: call it now and then. */
  tend(): void {
    this.look();
    const missing = this.#missing;
    const isWanted = this.isLow || this.freeBytes < limits.diskReserveBelowBytes;
    // Where the system does not tell of a quota, this finds out that there is room again.
    if (missing > 0 && isWanted && this.freeBytes >= this.freeBytesMin * againShare + missing)
      this.#filling ??= this.#fill().finally(() => (this.#filling = null));
  }

  get #missing(): number {
    return Math.max(0, this.#reserveBytesWanted - this.reserveBytes);
  }

  /** Soon it may be low: time to clear up. */
  get isTight(): boolean {
    return this.isLow || this.freeBytes < this.freeBytesMin * tightFactor;
  }

  /** The disk is full: gives up a piece of the reserve. False when there is none. */
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
        // A piece was given up meanwhile: what was written behind it goes too.
        if (this.reserveBytes !== at) break;
        this.reserveBytes = at + size;
      }
    } catch (error) {
      // A disk that takes no reserve for another reason must not hold publishers for ever.
      if (!isDiskFull(error)) this.#reserveBytesMax = 0;
    }
    this.#cut();
  }

  /** Gives back what a write left behind the reserve's end. */
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

/** Bytes of which a file system that compresses saves nothing (xorshift32). */
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
