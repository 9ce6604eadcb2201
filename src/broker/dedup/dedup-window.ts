/**
 * The ids of messages that one queue, stream or partition has accepted, for as long as its policy says (docs/deduplication.md).
 *
 * Not here: where an id lies in a message (message/identity), the memory of all windows and the disk (dedup-windows.ts), what becomes of a copy
 * (intake). Invariants: an id is remembered only once its message was accepted; it counts while the wall clock differs by less than
 * the window from when that was; memory is given back from the oldest on.
 */
import type { SipHash } from "../../base/checksum/siphash.ts";
import type { DedupBy, FoundId } from "../../message/identity/dedup-by.ts";
import { type IdBlock, IdBlocks } from "./id-blocks.ts";
import { IdTable } from "./id-table.ts";
import type { RunOwner } from "./window-records.ts";

/** Ids that are too old are forgotten a few with each that comes, so that they never become many. */
const forgottenByOne = 4;

/** Who keeps all windows. */
export interface WindowKeeper {
  readonly hash: SipHash;
  /** Ids that one window remembers. */
  readonly idsMax: number;
  blockMade(window: DedupWindow, block: IdBlock): void;
  blockGone(block: IdBlock): void;
  accepted(window: DedupWindow, block: IdBlock): void;
  /** The memory of the window has changed by so much. */
  resized(bytes: number): void;
}

export class DedupWindow implements RunOwner {
  readonly logId: number;
  readonly byChecksum: number;
  readonly by: DedupBy;
  /** It is as durable as its queue. */
  readonly isDurable: boolean;
  windowMs: number;
  /** Ids that were forgotten before their time, since there were too many. */
  forgottenEarly = 0;
  /** Where the message is that the last copy is one of; -1: that is not known. */
  offsetOfFirst = -1;
  readonly #keeper: WindowKeeper;
  readonly #blocks = new IdBlocks();
  readonly #table = new IdTable(this.#blocks);
  #bytes = 0;
  /** The digest that was looked up last, and the place of an id that is too old with the same. */
  readonly #asked = { a: 0, b: 0, c: 0, d: 0 };
  #stalePlace = -1;

  constructor(
    keeper: WindowKeeper,
    options: Pick<DedupWindow, "logId" | "byChecksum" | "by" | "isDurable" | "windowMs">,
  ) {
    this.#keeper = keeper;
    this.logId = options.logId;
    this.byChecksum = options.byChecksum;
    this.by = options.by;
    this.isDurable = options.isDurable;
    this.windowMs = options.windowMs;
    this.#resized();
  }

  /** Ids that are remembered, those among them that are too old and not forgotten yet. */
  get size(): number {
    return this.#blocks.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get blocks(): readonly IdBlock[] {
    return this.#blocks.blocks;
  }

  /** Whether a message of that id was accepted within the window. If not, `accept` may follow, for the same id. */
  isCopy({ buffer, start, end }: FoundId, now: number): boolean {
    const { hash } = this.#keeper;
    hash.update(buffer, start, end);
    const asked = this.#asked;
    asked.a = hash.a;
    asked.b = hash.b;
    asked.c = hash.c;
    asked.d = hash.d;
    const place = this.#table.find(asked);
    if (place >= 0 && this.#counts(this.#blocks.timeAt(place), now)) {
      this.offsetOfFirst = this.#blocks.offsetAt(place);
      return true;
    }
    this.#stalePlace = place;
    return false;
  }

  /** The message that `isCopy` was asked for is accepted; `offset` is -1 where it has none yet. */
  accept(offset: number, now: number): void {
    const blocks = this.#blocks;
    const block = blocks.blockFor(now, this.#made);
    const place = blocks.push(block, this.#asked, offset, now);
    // For a new block older ids may have been forgotten, the one that is too old among them.
    if (this.#stalePlace < 0 || !this.#table.replace(this.#asked, this.#stalePlace, place))
      this.#table.add(this.#asked, place);
    this.#keeper.accepted(this, block);
    this.forgetOld(now, forgottenByOne);
    if (blocks.size > this.#keeper.idsMax) this.forgetEarly(1, now);
    else this.#resized();
  }

  readonly #made = (block: IdBlock): void => this.#keeper.blockMade(this, block);

  /** A clock that is set back does not make ids count for longer than two windows. */
  #counts(at: number, now: number): boolean {
    return Math.abs(now - at) < this.windowMs;
  }

  /** Forgets the oldest ids that are too old, so many at most; says whether it may have left some. */
  forgetOld(now: number, most: number): boolean {
    const blocks = this.#blocks;
    let left = most;
    while (blocks.size > 0 && !this.#counts(blocks.firstTime, now)) {
      if (left-- === 0) return true;
      this.#forgetFirst();
    }
    if (left < most) this.#resized();
    return false;
  }

  /** Forgets the oldest ids, though they may still count. */
  forgetEarly(count: number, now: number): void {
    for (let left = Math.min(count, this.size); left > 0; left--) {
      if (this.#counts(this.#blocks.firstTime, now)) this.forgottenEarly++;
      this.#forgetFirst();
    }
    this.#resized();
  }

  #forgetFirst(): void {
    this.#table.remove(this.#blocks.firstPlace);
    const gone = this.#blocks.dropFirst();
    if (gone !== null) this.#keeper.blockGone(gone);
  }

  #resized(): void {
    const bytes = this.#blocks.bytes + this.#table.bytes;
    if (bytes === this.#bytes) return;
    this.#keeper.resized(bytes - this.#bytes);
    this.#bytes = bytes;
  }

  /** At the start, with the blocks that the journal has. */
  restore(blocks: readonly IdBlock[], now: number): void {
    this.#blocks.restore(blocks);
    for (const block of blocks) {
      for (let index = 0; index < block.count; index++) {
        const place = this.#blocks.digestAt(block, index, this.#asked);
        const older = this.#table.find(this.#asked);
        if (older >= 0) this.#table.replace(this.#asked, older, place);
        else this.#table.add(this.#asked, place);
      }
    }
    this.forgetOld(now, Infinity);
    const tooMany = this.size - this.#keeper.idsMax;
    if (tooMany > 0) this.forgetEarly(tooMany, now);
    this.#resized();
  }

  /** Nobody asks it any more. */
  drop(): void {
    for (const block of this.#blocks.blocks) this.#keeper.blockGone(block);
    this.#keeper.resized(-this.#bytes);
    this.#bytes = 0;
  }
}
