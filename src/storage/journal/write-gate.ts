/**
 * What may be written now: everything, only what frees space, or nothing.
 *
 *   open   everything
 *   low    the disk has little room: what adds is refused, the rest is written, from the reserve if it has to be
 *   stuck  the disk takes nothing (full without a reserve, input/output error): no tick ends, and nothing is told of
 *          what is not written (unwritten.ts)
 *
 * Not here: measuring and the reserve (disk-room.ts), the protocols' errors, who waits (broker.ts).
 * Invariant: `failure` is null exactly in `open`, `writeFailure` exactly outside `stuck`.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { isDiskFull } from "../../base/disk.ts";
import { BrokerError } from "../../base/errors.ts";
import type { DiskRoom } from "./disk-room.ts";
import type { JournalStore } from "./journal.ts";

export class WriteGate {
  readonly #room: DiskRoom | null;
  readonly #directory: string;
  #journal: JournalStore | null = null;
  /** Why no data may be added; null if it may. */
  failure: Error | null = null;
  /** Why nothing can be written; null if it can. */
  writeFailure: Error | null = null;
  /** The journal's position from which the disk may be low; free space is measured when it is passed. */
  roomEnd = Infinity;
  /** Of a piece of a copy that is being written. */
  #copyBytes = 0;

  constructor(room: DiskRoom | null, directory: string) {
    this.#room = room;
    this.#directory = directory;
  }

  /** For requests that add data. Throws UNAVAILABLE while there is no room for it: publishers are told, nothing is dropped. */
  assertOpen(): void {
    if (this.failure !== null) throw unavailable(this.failure.message);
  }

  /** For requests that free space, or change little. Throws UNAVAILABLE while stuck. */
  assertAlive(): void {
    if (this.writeFailure !== null) throw unavailable(this.failure!.message);
  }

  /** For one big message or request, which must not fill the disk alone. Throws UNAVAILABLE. */
  assertFits(bytes: number): void {
    if (!this.fits(bytes)) throw unavailable(`${this.#directory}: the disk has no room for ${bytes} bytes`);
  }

  fits(bytes: number): boolean {
    return this.#leavesOfMinimum(1 / 2, bytes);
  }

  /** Whether so many bytes fit beside what waits to be written, and leave this share of the minimum to what frees space. */
  #leavesOfMinimum(share: number, bytes: number): boolean {
    const room = this.#room;
    const journal = this.#journal;
    if (room === null || journal === null) return true;
    return journal.end - journal.written + bytes <= room.freeBytes - room.freeBytesMin * share;
  }

  /**
   * For each piece of a copy of stored data, before it is written: true if it may be, and then the room is the copy's until the
   * next piece or `copied`. A copy takes room that the journal's position does not show, so the free space is measured. What waits
   * to be written comes first, and half of the minimum is left to what frees space; a copy that is made because the disk
   * is low may take that half too.
   */
  takeForCopy(bytes: number, isForRoom: boolean): boolean {
    this.copied();
    if (!this.#leavesOfMinimum(isForRoom ? 0 : 1 / 2, bytes)) return false;
    this.#copyBytes = bytes;
    this.#settle();
    return true;
  }

  /** What a copy has taken is on the disk, or given up. */
  copied(): void {
    this.#copyBytes = 0;
    this.look();
  }

  /** Writes the journal's bytes, with space from the reserve if the disk is full. False: no answer may leave. */
  write(journal: JournalStore): boolean {
    this.#journal = journal;
    for (;;) {
      try {
        journal.write();
        break;
      } catch (error) {
        if (isDiskFull(error) && this.#room?.giveUp() === true) continue;
        this.writeFailure = error as Error;
        this.#settle();
        return false;
      }
    }
    this.writeFailure = null;
    if (journal.end > this.roomEnd || this.failure !== null || this.#room?.isLow === true) this.look();
    return true;
  }

  /** Another write that may use the reserve. Throws the disk's error in the end. */
  async retried(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (!isDiskFull(error) || this.#room?.giveUp() !== true) throw error;
      }
    }
  }

  /** Measures the free space. */
  look(): void {
    this.#room?.look();
    this.#settle();
  }

  /** The same, and fills the reserve if there is room. Call it now and then, since other programs fill the disk too. */
  tend(): void {
    this.#room?.tend();
    this.#settle();
  }

  #settle(): void {
    const room = this.#room;
    const isLow = room?.isLow === true;
    // While the disk is low, free space is measured after each write.
    this.roomEnd =
      room === null || isLow
        ? Infinity
        : (this.#journal?.written ?? 0) + room.freeBytes - room.freeBytesMin - this.#copyBytes;
    if (this.writeFailure !== null)
      this.failure = new Error(`the journal cannot be written (${this.writeFailure.message})`);
    else this.failure = isLow ? new Error(shortageOf(this.#directory, room)) : null;
    if (assertsAreOn) {
      const isOpen = !isLow && this.writeFailure === null;
      assertInvariant(
        (this.failure === null) === isOpen,
        "the gate has a failure exactly where it is not open",
      );
    }
  }
}

function shortageOf(directory: string, { freeBytes, freeBytesMin }: DiskRoom): string {
  const [free, least] = [freeBytes, freeBytesMin].map((bytes) => `${(bytes / (1 << 20)).toFixed(1)} MiB`);
  return `the disk of ${directory} is full: ${free} are free, less than the ${least} that --disk-free-bytes-min keeps for reads, acknowledgements and deletes, which go on`;
}

function unavailable(why: string): BrokerError {
  return new BrokerError("UNAVAILABLE", `${why}; free disk space`);
}
