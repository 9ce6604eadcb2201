/**
 * Keeps the journal within its budget, in the background: what an old file still holds is put elsewhere, then the file
 * is deleted.
 *
 * One round frees the oldest file F, in this order, each step durable before the next begins:
 *   1. the needed frames of each log in F are copied into segments (`segment-mover.ts`), synced, named, the names synced;
 *   2. each such log's state is written again and names its new segments instead of what they replace;
 *   3. states, table pairs and values of the sources whose last full form is in F are written again;
 *   4. when all that is durable, F is deleted, and then the segments that were merged away.
 * Killed at any point, either the old state with the old files or the new state with the new ones is found; files that
 * no state names are deleted at start-up.
 *
 * It never blocks the loop for more than a slice of work, or for some when it is behind: then it takes time from those
 * who write, so that the journal stays within a few times its budget however fast they are. When the disk refuses (full,
 * input/output error) it gives up the round, keeps everything, and tries again later. Invariant: a file that a durable state needs is never deleted.
 */
import { type Disk, isDiskFull } from "../../base/disk.ts";
import { BrokerError } from "../../base/errors.ts";
import type { JournalFile, JournalStore } from "../journal/journal.ts";
import { JournalReader } from "../journal/journal-reader.ts";
import type { Log } from "../log/log.ts";
import { SegmentFile } from "./segment-file.ts";
import { SegmentFiles } from "./segment-files.ts";
import { parseSegmentFileName, segmentFileName } from "./segment-format.ts";
import { type MovedLog, SegmentMover } from "./segment-mover.ts";
import { temporarySuffix } from "./segment-writer.ts";
import type { Segment } from "./segment.ts";
import type { Storage } from "../storage.ts";

export interface CleanerOptions {
  disk: Disk;
  directory: string;
  now: () => number;
  journalBytesMax: number;
  requestFlush: () => void;
  pause: () => Promise<void>;
}

const retryDelayMsFirst = 1000;
const retryDelayMsMax = 60_000;
/** Logs whose new segments share one sync of the directory. */
const movedAtOnce = 256;
const rewrittenAtOnce = 256;
const deletedAtOnce = 16;
/**
 * While the disk is tight, the budget is this many times the stored data that is not messages. While it is low, a round takes one
 * of so many parts of the room.
 */
const tightBudgetFactor = 1.25;
const roundRoomPart = 2;
const worthlessTailBytes = 64 << 10;
const logsLookedAtAtOnce = 10_000;
/** At most this many slices of work in one turn. The number is the size of the journal divided by its budget. */
const slicesATurnMax = 8;

/** Thrown inside a round to end it at shutdown. */
class Stopped extends Error {}
/** Thrown inside a round to end it: with its copies the disk would have no room for what is to be written. */
class NoRoom extends Error {}

export class Cleaner {
  readonly #storage: Storage;
  readonly #journal: JournalStore;
  readonly #options: CleanerOptions;
  readonly #files: SegmentFiles;
  readonly #source: JournalReader;
  #mover: SegmentMover | null = null;
  /** Segments that are not needed, and the position that must be durable before they are deleted; -1 until the next flush. */
  #unneeded: { segment: SegmentFile; position: number }[] = [];
  #round: Promise<void> | null = null;
  /** Before replay it is not known what is needed. */
  #isReady = false;
  #isClosing = false;
  #retryAt = 0;
  #retryDelayMs = retryDelayMsFirst;
  /** The oldest and newest file when deleting the oldest one early was last considered: this is done once for each pair. */
  #consideredOldest: JournalFile | null = null;
  #consideredTail: JournalFile | null = null;
  /** The round began while the disk was low: `#hasRoom` has left it a part of the room. */
  #isForRoom = false;
  /** Slices left in this turn. */
  #slicesLeft = 0;
  #durableWaiters: (() => void)[] = [];
  #wake: () => void = () => {};
  /** For the metrics. */
  filesDeleted = 0;
  segmentsMade = 0;
  segmentBytesWritten = 0;
  failures = 0;
  lastFailure: Error | null = null;

  constructor(storage: Storage, journal: JournalStore, options: CleanerOptions) {
    this.#storage = storage;
    this.#journal = journal;
    this.#options = options;
    this.#files = new SegmentFiles(options.disk, `${options.directory}/segments`, journal.readCache);
    this.#source = new JournalReader(journal);
  }

  /** Called after each flush: starts a round if one is due. Costs next to nothing if none is. */
  step(): void {
    if (this.#unneeded.length > 0) {
      // The flush before this step wrote the states that no longer need them.
      for (const each of this.#unneeded) if (each.position < 0) each.position = this.#journal.written;
      this.#deleteUnneeded();
    }
    if (this.#durableWaiters.length > 0) this.#journal.startSync();
    if (this.#isDiskTight) this.#journal.isTailWorthless = this.#isTailWorthless();
    if (
      !this.#isReady ||
      this.#round !== null ||
      this.#isClosing ||
      this.#journal.files.length < 2 ||
      !this.#isDue()
    )
      return;
    if (this.#options.now() < this.#retryAt || !this.#hasRoom()) return;
    this.#round = this.#run();
  }

  get isRunning(): boolean {
    return this.#round !== null;
  }

  #isDue(): boolean {
    const journal = this.#journal;
    if (journal.bytes > this.#budget || journal.isFragmented) return true;
    const oldest = journal.files[0]!;
    if (oldest.live > 0) return false;
    const tail = journal.files.at(-1)!;
    if (tail === this.#consideredTail && oldest === this.#consideredOldest) return false;
    this.#consideredTail = tail;
    this.#consideredOldest = oldest;
    return this.#isWorthlessEarly(oldest, journal.files[1]!.base);
  }

  get #isDiskLow(): boolean {
    return this.#storage.room?.isLow === true;
  }

  get #isDiskTight(): boolean {
    return this.#storage.room?.isTight === true;
  }

  /**
   * What a round writes before it deletes must leave enough room for acknowledgements. If it does not, this is checked again
   * later, since the check walks over the logs. The copies of a round are held to the same, piece by piece (`#assertRoom`).
   */
  #hasRoom(): boolean {
    if (!this.#isDiskTight) return true;
    const [oldest, next] = this.#journal.files;
    const { freeBytes, freeBytesMin } = this.#storage.room!;
    const room = this.#isDiskLow ? freeBytes / roundRoomPart : freeBytes - freeBytesMin / roundRoomPart;
    if (this.#bytesToCopy(oldest!, next!.base, room) < room) return true;
    this.#retryAt = this.#options.now() + retryDelayMsFirst;
    return false;
  }

  /** The bytes that must be copied out of the file, messages and others, counted until they are `enough`. */
  #bytesToCopy(file: JournalFile, end: number, enough: number): number {
    const { definitions, sources, logs } = this.#storage;
    // It is not known how much of the sources' values is in the file.
    let total = Math.min(sources.liveBytes, end - file.base);
    total += definitions.bytesBelow(end) + this.#storage.stateBytesBelow(end, enough);
    if (file.live === 0) return total;
    for (const { index } of logs.values()) {
      if (total >= enough) break;
      if (index.length > 0 && index.firstPosition < end) total += index.bytesBelow(end, enough);
    }
    return total;
  }

  /** The data of the newest file has been consumed or deleted: once another file follows, it can be deleted. */
  #isTailWorthless(): boolean {
    const tail = this.#journal.files.at(-1)!;
    return tail.live === 0 && this.#journal.written - tail.base > worthlessTailBytes;
  }

  /** Data that is not messages is only moved within the journal, so a budget below its size would never be met. */
  get #budget(): number {
    const { stateBytes, definitions, sources } = this.#storage;
    const kept = stateBytes + definitions.bytes + sources.liveBytes;
    // On a tight disk, freeing room is worth more work.
    if (this.#isDiskTight) return Math.max(this.#options.journalBytesMax / 4, tightBudgetFactor * kept);
    return Math.max(this.#options.journalBytesMax, 2 * kept);
  }

  /** No message in the file is needed, and the other needed data in it is small. */
  #isWorthlessEarly(file: JournalFile, end: number): boolean {
    if (file.live > 0) return false;
    const { definitions, sources } = this.#storage;
    const enough = (end - file.base) / 4;
    // It is not known how much of the sources' values is in the file: it may be all.
    return (
      this.#storage.stateBytesBelow(end, enough) + definitions.bytesBelow(end) + sources.liveBytes < enough
    );
  }

  async #run(): Promise<void> {
    try {
      const journal = this.#journal;
      while (journal.files.length > 1 && !this.#isClosing) {
        if (!this.#hasRoom()) break;
        await this.#cleanOldest();
        this.#retryDelayMs = retryDelayMsFirst;
        const [oldest, next] = journal.files;
        const isEarly = next !== undefined && this.#isWorthlessEarly(oldest!, next.base);
        if (journal.bytes <= this.#budget && !isEarly && !journal.isFragmented) break;
      }
    } catch (error) {
      if (!(error instanceof Stopped)) this.#failed(error as Error);
    } finally {
      this.#storage.gate.copied();
      // Publishers who waited for the room of a copy that was given up are told at the end of a tick. A stop writes by itself.
      if (!this.#isClosing) this.#options.requestFlush();
      this.#source.forget();
      this.#round = null;
    }
  }

  #failed(error: Error): void {
    this.failures++;
    this.lastFailure = error;
    this.#retryAt = this.#options.now() + this.#retryDelayMs;
    // On a full disk a round begins only when there is room for it, so its delay need not grow.
    if (!isDiskFull(error) && !(error instanceof NoRoom))
      this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryDelayMsMax);
  }

  async #cleanOldest(): Promise<void> {
    const journal = this.#journal;
    const [file, next] = journal.files;
    const end = next!.base;
    await this.#pause();
    if (file!.live > 0) await this.#moveLogs(end);
    await this.#rewriteBelow(end);
    await this.#durable(journal.end);
    if (file!.live !== 0 || this.#storage.stateBytesBelow(end, 1) > 0) {
      throw new BrokerError("INVALID", `${file!.path}: still needed after cleaning; it is kept`);
    }
    this.#source.forget();
    await journal.deleteOldest();
    this.filesDeleted++;
    // The next file may be deleted only when this one is surely gone: a gap between files means a missing file.
    await this.#options.disk.syncDirectory(`${this.#options.directory}/journal`);
  }

  async #moveLogs(end: number): Promise<void> {
    this.#mover ??= new SegmentMover({
      files: this.#files,
      source: this.#source,
      pause: () => this.#pause(),
      assertRoom: (bytes) => this.#assertRoom(bytes),
      isBehind: () => this.#slicesATurn > 1,
    });
    const mover = this.#mover;
    // With little room, only the needed data of the oldest file is copied, and nothing is merged.
    const isSparing = this.#isDiskTight;
    this.#isForRoom = this.#isDiskLow;
    const sealedEnd = isSparing ? end : this.#journal.files.at(-1)!.base;
    let moved: MovedLog[] = [];
    let lookedAt = 0;
    try {
      for (const log of Array.from(this.#storage.logs.values())) {
        if (++lookedAt % logsLookedAtAtOnce === 0) await this.#pause();
        if (log.isDeleted || log.index.length === 0 || log.index.firstPosition >= end) continue;
        moved.push(await mover.move(log, sealedEnd, !isSparing));
        if (moved.length < movedAtOnce) continue;
        await this.#commit(moved);
        moved = [];
      }
      await this.#commit(moved);
    } catch (error) {
      for (const { made } of moved) for (const segment of made) await mover.discard(segment);
      throw error;
    }
  }

  /** Copies share the disk with the journal: one that took the last room could not be named any more, nor what it replaces deleted. */
  #assertRoom(bytes: number): void {
    if (!this.#storage.gate.takeForCopy(bytes, this.#isForRoom))
      throw new NoRoom(`${this.#options.directory}: the disk has no room for a copy of ${bytes} bytes`);
  }

  /** Makes the names of new segments durable; then the logs name them. Removes what it has done from `moved`. */
  async #commit(moved: MovedLog[]): Promise<void> {
    if (moved.length === 0) return;
    await this.#options.disk.syncDirectory(this.#files.directory);
    this.#storage.gate.copied();
    for (const { log, made, merged, endOffset } of moved.splice(0)) {
      if (log.isDeleted) {
        for (const segment of made) void this.#mover!.discard(segment);
        continue;
      }
      this.segmentsMade += made.length;
      for (const segment of made) this.segmentBytesWritten += segment.bytes;
      log.moved(merged, made, endOffset);
      this.#storage.rewriteLog(log);
    }
    this.#options.requestFlush();
  }

  /** Writes states again whose last full form is below `end`. */
  async #rewriteBelow(end: number): Promise<void> {
    while (this.#storage.rewriteStatesBelow(end, rewrittenAtOnce)) await this.#pauseWritten();
    while (this.#storage.definitions.rewriteBelow(end, rewrittenAtOnce)) await this.#pauseWritten();
    for (const source of this.#storage.sources.all) {
      while (source.rewriteBelow(end)) await this.#pauseWritten();
    }
  }

  async #pauseWritten(): Promise<void> {
    this.#options.requestFlush();
    await this.#pause();
  }

  get #slicesATurn(): number {
    return Math.max(1, Math.min(Math.floor(this.#journal.bytes / this.#budget), slicesATurnMax));
  }

  async #pause(): Promise<void> {
    if (--this.#slicesLeft <= 0 && !this.#isClosing) {
      this.#slicesLeft = this.#slicesATurn;
      await new Promise<void>((resolve, reject) => {
        // At shutdown the end of a turn may not come any more.
        this.#wake = resolve;
        this.#options.pause().then(resolve, reject);
      });
    }
    if (this.#isClosing) throw new Stopped();
  }

  /** Resolves when the journal is durable up to `position`. */
  async #durable(position: number): Promise<void> {
    while (this.#journal.durable < position) {
      if (this.#isClosing) throw new Stopped();
      this.#options.requestFlush();
      await new Promise<void>((resolve) => this.#durableWaiters.push(resolve));
    }
  }

  /** The journal's durable watermark moved. */
  durableMoved(): void {
    for (const resolve of this.#durableWaiters.splice(0)) resolve();
    if (this.#unneeded.length > 0 && !this.#isClosing) this.#deleteUnneeded();
  }

  segmentUnneeded(segment: Segment): void {
    this.#unneeded.push({ segment: segment as SegmentFile, position: -1 });
  }

  /** Deletes unneeded segments once that is durable: a few at a time, and the next ones when these are gone. */
  #deleteUnneeded(): void {
    if (this.#files.removing > deletedAtOnce / 2) return;
    const { durable } = this.#journal;
    let deleted = 0;
    for (const { segment, position } of this.#unneeded) {
      if (this.#files.removing >= deletedAtOnce) break;
      if (position < 0 || position > durable) continue;
      deleted++;
      void this.#delete(segment);
    }
    if (deleted > 0) this.#unneeded = this.#unneeded.filter(({ segment }) => !segment.isGone);
  }

  async #delete(segment: SegmentFile): Promise<void> {
    try {
      await this.#files.remove(segment);
    } catch (error) {
      // No state names it: the next start tries again.
      this.failures++;
      this.lastFailure = error as Error;
    }
    if (this.#unneeded.length > 0 && !this.#isClosing) this.#deleteUnneeded();
  }

  /** After replay: opens the segments that the logs' states name and deletes all other files. Throws CORRUPT. */
  async openSegments(): Promise<void> {
    const { directory, disk } = this.#files;
    const used = new Set<string>();
    for (const log of this.#storage.logs.values()) {
      this.#openSegmentsOf(log, used);
    }
    for (const name of disk.list(directory)) {
      if (used.has(name)) continue;
      if (parseSegmentFileName(name) !== null || name.endsWith(temporarySuffix)) {
        disk.remove(`${directory}/${name}`);
      }
    }
    this.#isReady = true;
  }

  #openSegmentsOf(log: Log, used: Set<string>): void {
    for (const { baseOffset, endOffset } of log.restoredSegments) {
      if (endOffset <= log.firstOffset) continue;
      const name = segmentFileName(log.id, baseOffset, endOffset);
      used.add(name);
      const path = `${this.#files.directory}/${name}`;
      const segment = SegmentFile.open(this.#files, path, log.id, baseOffset, endOffset);
      log.segments.push(segment);
      log.bytes += segment.bytes;
      log.lastTimestamp = Math.max(log.lastTimestamp, segment.maxTimestamp);
    }
    log.restoredSegments = [];
    log.assertCovered();
  }

  /** Ends the running round. It can stop anywhere without loss. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    for (const resolve of this.#durableWaiters.splice(0)) resolve();
    if (this.#round !== null) await this.#round;
  }

  /** The last act, when everything is durable. */
  async closeFiles(): Promise<void> {
    await Promise.all(this.#unneeded.map(({ segment }) => this.#delete(segment)));
    this.#unneeded = [];
    await this.#files.closeAll();
  }
}
