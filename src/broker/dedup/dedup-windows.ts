/**
 * The windows of all queues, streams and partitions: their memory together, and their place in the journal, which is that of a state
 * source, since ids are many and small. What was accepted in a tick is written with the messages of that tick, so that a kill leaves
 * both or neither.
 *
 * The journal has an id for as long as it counts: a block of which something stands in the oldest file is written again. Not here: which
 * message is a copy (dedup-window.ts). Invariants: a window is named by the id of its log, which no other log ever gets; what the journal has
 * of a log that has no window is not written again.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { crc32 } from "../../base/checksum/crc32.ts";
import { SipHash } from "../../base/checksum/siphash.ts";
import type { Clock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import type { Job } from "../../base/turn-work.ts";
import type { DedupBy } from "../../message/identity/dedup-by.ts";
import { type Log, type StateSource, stateSourceId, type Storage } from "../../storage/index.ts";
import { DedupWindow, type WindowKeeper } from "./dedup-window.ts";
import { blockIds, bytesOfId, IdBlock } from "./id-blocks.ts";
import { addToRun, beginRun, eachRun, readIds, writeEmptied } from "./window-records.ts";

const keyName = "dedup/key";
const keyBytes = 16;
/** Gathered changes are put into the journal before they become larger. */
const changesBytesMax = 256 << 10;
/** Blocks that one slice of the cleaner writes again: some 100 KiB. */
const blocksRewrittenAtOnce = 4;
const forgottenInPiece = 256;
const unitsOfForgotten = 0.1;
const unitsOfWindow = 0.2;

/** What is asked of a window. */
export interface WindowRules {
  readonly by: DedupBy;
  readonly windowMs: number;
}

export interface DedupWindowsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Instead of those of `limits`, for tests and the simulator. */
  readonly idsMax?: number;
  readonly bytesMax?: number;
}

export class DedupWindows implements StateSource, WindowKeeper {
  readonly sourceId = stateSourceId.dedup;
  readonly changes = new ByteWriter();
  readonly idsMax: number;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  readonly #random: Random;
  #storage: Storage | null = null;
  #hash: SipHash | null = null;
  /** By the id of the log. */
  readonly #windows = new Map<number, DedupWindow>();
  /** Blocks of durable windows in the order of their positions, and whose they are. */
  readonly #stored = new Map<IdBlock, DedupWindow>();
  /** In these blocks. */
  #storedIds = 0;
  /** Blocks that the replay has read, by number, of each window. */
  #replayed: Map<number, Map<number, IdBlock>> | null = new Map();
  /** The memory of all windows. */
  bytes = 0;
  /** Copies that were dropped since the start, by all destinations. */
  copies = 0;
  /** The run that ends `changes`, which the next id may join. */
  #runAt = 0;
  #runEnd = -1;
  #runBlock: IdBlock | null = null;
  /** Ids of windows that are gone which were forgotten before their time. */
  #forgottenEarly = 0;

  constructor({ clock, random, idsMax, bytesMax }: DedupWindowsOptions) {
    this.#clock = clock;
    this.#random = random;
    this.idsMax = idsMax ?? limits.dedupIdsMax;
    this.#bytesMax = bytesMax ?? limits.dedupBytesMax;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Before the first window is asked for. */
  attach(storage: Storage): void {
    this.#storage = storage;
  }

  /** Made for the first window. The journal keeps it: the digests there are made with it. */
  get hash(): SipHash {
    if (this.#hash !== null) return this.#hash;
    const { definitions } = this.#storage!;
    let key = definitions.get(keyName);
    if (key === undefined) {
      key = Buffer.from(this.#random.bytes(keyBytes));
      definitions.put(keyName, key);
    }
    return (this.#hash = new SipHash(key));
  }

  /** The window of that log under those rules: the one that is there unless it remembers something else. */
  windowOf(log: Log, { by, windowMs }: WindowRules): DedupWindow {
    const present = this.#windows.get(log.id);
    if (present !== undefined && present.by.text === by.text) {
      present.windowMs = windowMs;
      return present;
    }
    if (present !== undefined) this.empty(log);
    const text = Buffer.from(by.text);
    const byChecksum = crc32(text, 0, text.length);
    const window = new DedupWindow(this, {
      logId: log.id,
      byChecksum,
      by,
      isDurable: log.isDurable,
      windowMs,
    });
    this.#windows.set(log.id, window);
    return window;
  }

  /** The log has no window any more. */
  empty(log: Log): void {
    const window = this.#windows.get(log.id);
    if (window === undefined) return;
    this.forget(log);
    if (window.isDurable && this.#storage!.journal !== null) {
      writeEmptied(this.changes, window);
      this.#runEnd = -1;
    }
  }

  /** The log is gone: what the journal has of its window names nothing any more. */
  forget(log: Log): void {
    const window = this.#windows.get(log.id);
    if (window === undefined) return;
    this.#windows.delete(log.id);
    this.#forgottenEarly += window.forgottenEarly;
    window.drop();
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Ids that all windows remember. */
  get ids(): number {
    let total = 0;
    for (const { size } of this.#windows.values()) total += size;
    return total;
  }

  get forgottenEarly(): number {
    let total = this.#forgottenEarly;
    for (const window of this.#windows.values()) total += window.forgottenEarly;
    return total;
  }

  // What windows tell

  blockMade(window: DedupWindow, block: IdBlock): void {
    while (this.bytes > this.#bytesMax) {
      const largest = this.#largest();
      if (largest === null) break;
      largest.forgetEarly(blockIds, this.#clock.now());
    }
    if (!window.isDurable || this.#storage!.journal === null) return;
    block.position = this.#storage!.pending;
    this.#stored.set(block, window);
  }

  /** Asked once for a block of ids. */
  #largest(): DedupWindow | null {
    let largest: DedupWindow | null = null;
    for (const window of this.#windows.values()) {
      if (window.blocks.length > 1 && (largest === null || window.bytes > largest.bytes)) largest = window;
    }
    return largest;
  }

  blockGone(block: IdBlock): void {
    if (this.#stored.delete(block)) this.#storedIds -= block.count;
    if (this.#runBlock === block) this.#runBlock = null;
  }

  accepted(window: DedupWindow, block: IdBlock): void {
    if (!window.isDurable || this.#storage!.journal === null) return;
    const { changes } = this;
    const index = block.count - 1;
    if (this.#runBlock !== block || this.#runEnd !== changes.length) {
      this.#runAt = beginRun(changes, window, block, index);
      this.#runBlock = block;
    }
    addToRun(changes, this.#runAt, block, index, index + 1);
    this.#storedIds++;
    this.#runEnd = changes.length;
    if (changes.length > changesBytesMax) this.#storage!.flushSource(this);
  }

  resized(bytes: number): void {
    this.bytes += bytes;
  }

  // What the storage asks

  get liveBytes(): number {
    return this.#storedIds * bytesOfId;
  }

  rewriteBelow(position: number): boolean {
    const { changes } = this;
    let left = blocksRewrittenAtOnce;
    for (const [block, window] of this.#stored) {
      if (block.position >= position) return false;
      if (left-- === 0) return true;
      const runAt = beginRun(changes, window, block, 0);
      addToRun(changes, runAt, block, 0, block.count);
      this.#runEnd = -1;
      block.position = this.#storage!.pending;
      this.#stored.delete(block);
      this.#stored.set(block, window);
    }
    return false;
  }

  replayed(buffer: Buffer, start: number, end: number, position: number): void {
    eachRun(buffer, start, end, (run, reader) => {
      const window = this.#windows.get(run.logId);
      if (window === undefined) return;
      if (run.count === 0) {
        this.#replayed!.delete(run.logId);
        return;
      }
      if (run.byChecksum !== window.byChecksum) return;
      let blocks = this.#replayed!.get(run.logId);
      if (blocks === undefined) this.#replayed!.set(run.logId, (blocks = new Map()));
      let block = blocks.get(run.block);
      if (block === undefined) {
        blocks.set(run.block, (block = new IdBlock(run.block, run.baseMs)));
        block.position = position;
      }
      readIds(run, reader, block);
    });
  }

  /** The journal has been replayed. */
  restored(): void {
    const now = this.#clock.now();
    const found: [IdBlock, DedupWindow][] = [];
    for (const [logId, blocks] of this.#replayed!) {
      const window = this.#windows.get(logId);
      if (window === undefined) continue;
      window.restore(suffixOf(blocks), now);
      for (const block of window.blocks) found.push([block, window]);
    }
    this.#replayed = null;
    for (const [block, window] of found.toSorted(([a], [b]) => a.position - b.position)) {
      this.#stored.set(block, window);
      this.#storedIds += block.count;
    }
  }

  /** Forgets what is too old, also of windows to which nothing comes any more. */
  *sweeping(): Job<void> {
    for (const window of this.#windows.values()) {
      while (window.forgetOld(this.#clock.now(), forgottenInPiece)) yield forgottenInPiece * unitsOfForgotten;
      yield unitsOfWindow;
    }
  }
}

/** The newest blocks without a gap in their numbers: what stands before a gap had been forgotten. */
function suffixOf(blocks: ReadonlyMap<number, IdBlock>): IdBlock[] {
  const all = [...blocks.values()].toSorted((a, b) => a.number - b.number);
  let from = all.length - 1;
  while (from > 0 && all[from - 1]!.number === all[from]!.number - 1) from--;
  return all.slice(from);
}
