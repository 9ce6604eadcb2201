/**
 * The journal: the frames of all logs and states in one sequence of files, written once and synced once for each tick. It knows
 * positions, files and watermarks, not what frames mean.
 *
 * There are two watermarks: `written` (the operating system has it, so it survives a killed process) and `durable` (on stable
 * storage). Invariants: `durable <= written <= end`; both only grow, and only to the end of a group; a frame lies in one file;
 * only `deleteOldest` deletes a file.
 *
 * So that a missing file is noticed: `durable` passes the end of a file only when the file's header says durably that another file
 * follows; a file is deleted only when the header of the next one says durably that it is the first.
 *
 * After a failed sync nothing more is promised: `onFatal` is called and the process must end (a second fdatasync may report
 * success for pages that were dropped). The same happens when another owner has taken the directory over, which a file of a higher
 * epoch shows: from then on `write` throws and `durable` does not move.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { type ByteWriter, copyBytes } from "../../base/bytes.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { BrokerError } from "../../base/errors.ts";
import { type Chunk, type FrameLocation, FrameStore } from "./frame-store.ts";
import { frameHeaderBytes, frameKind, frameLengthAt, markBytes, writeUint64 } from "./frame.ts";
import { createJournalFile, highestEpoch, journalHeaderBytes, writeNote } from "./journal-file.ts";
import type { Log } from "../log/log.ts";
import { ReadCache } from "../log/read-cache.ts";
import { UnneededFrames } from "./unneeded-frames.ts";

export interface JournalOptions {
  disk: Disk;
  directory: string;
  now: () => number;
  requestFlush: () => void;
  /** A file that has reached this size is followed by another. */
  fileBytes: number;
  /** How much of the newest bytes stays in memory for readers that keep up. */
  cacheBytes: number;
  onDurable: () => void;
  onFatal: (error: Error) => void;
}

export interface JournalFile {
  readonly base: number;
  readonly file: DiskFile;
  readonly path: string;
  /** Frames in it that a log needs, once for each log. */
  live: number;
  /** The header says that no file in front of it is needed. */
  isFirst: boolean;
  /** Nothing in it is needed: it is being deleted. */
  isClosed?: boolean;
}

/** Files that are not full before the cleaner joins them to what follows. */
const fragmentsMax = 16;

export class JournalStore extends FrameStore {
  readonly #options: JournalOptions;
  /** Oldest first; the last one is written to. */
  readonly files: JournalFile[] = [];
  readonly readCache = new ReadCache();
  written = 0;
  /**
   * The position up to which the system has the bytes. Ahead of `written` only while a group is half written because the disk
   * refused the rest.
   */
  #handed = 0;
  durable = 0;
  /** All messages before it are durable, or were consumed before they were written: `durable`, or more. */
  settled = 0;
  readonly unneeded = new UnneededFrames();
  #marked = 0;
  #syncing = false;
  #unsyncedFiles: DiskFile[] = [];
  #isDirectoryUnsynced = false;
  /** Files whose header does not say durably yet that another file follows, oldest first. */
  #unnoted: DiskFile[] = [];
  /** The newest file should be followed by another one soon, so that it can be deleted. Set by the cleaner. */
  isTailWorthless = false;
  /** Of the files in `#unnoted`, those for which the disk refused the note. */
  #refused: readonly DiskFile[] = [];
  /** Waiting for the end of a sync that includes everything unsynced now. */
  #syncWaiters: PromiseWithResolvers<void>[] = [];
  /** The file that `fileOf` found last, and the positions it holds. */
  #found: JournalFile | null = null;
  #foundFrom = 0;
  #foundTo = 0;
  /** How often an unwritten frame was read: see unwritten.ts. */
  unwrittenLooks = 0;
  /** The epoch of this owner. */
  #epoch = 0;
  /** Why this owner may not go on: another one has the directory. */
  #lost: Error | null = null;
  /** Writes and syncs so far, for the metrics. */
  writes = 0;
  syncs = 0;

  constructor(options: JournalOptions) {
    super(options.now, options.requestFlush);
    this.#options = options;
  }

  /** Takes over the files that recovery found or made, which are whole up to `end`. The last one, of this epoch, is continued. */
  resume(files: JournalFile[], end: number, epoch: number): void {
    this.files.push(...files);
    this.#epoch = epoch;
    this.restart(end);
    this.written = end;
    this.#handed = end;
    this.durable = end;
    this.settled = end;
    this.#marked = end;
  }

  /** Appends a frame that is not a message and returns its position. */
  appendControl(kind: number, body: Uint8Array, bodyEnd: number): number {
    const length = 12 + bodyEnd;
    // The flush itself writes changes of states.
    if (kind !== frameKind.change) this.#options.requestFlush();
    const at = this.openControl(length);
    this.tail.set(bodyEnd === body.length ? body : body.subarray(0, bodyEnd), at + 12);
    return this.closeControl(at, kind, length);
  }

  /** Appends the changes of a state source. */
  appendSource(id: number, changes: ByteWriter): void {
    const length = frameHeaderBytes + 1 + changes.length;
    this.#options.requestFlush();
    const at = this.openControl(length);
    this.tail[at + frameHeaderBytes] = id;
    copyBytes(this.tail, at + frameHeaderBytes + 1, changes.buffer, 0, changes.length);
    this.closeControl(at, frameKind.source, length);
  }

  /** Ends the group and writes everything appended. Throws errors of the disk; nothing is lost then: call again. */
  write(): void {
    if (this.#lost !== null) throw this.#lost;
    for (const file of this.#refused) writeNote(file, "followed");
    this.#refused = [];
    this.seal();
    if (this.end > this.#marked) {
      const at = this.openControl(markBytes);
      writeUint64(this.tail, at + 12, this.durable);
      this.closeControl(at, frameKind.mark, markBytes);
      this.#marked = this.end;
    }
    if (this.written === this.end) return this.#settle();
    const current = this.files[this.files.length - 1]!;
    this.unneeded.settle(this.chunks, this.end);
    for (let i = this.#firstUnwritten(); i < this.chunks.length; i++) this.#hand(this.chunks[i]!, current);
    this.unneeded.written();
    this.written = this.end;
    this.#settle();
    if (!this.#unsyncedFiles.includes(current.file)) this.#unsyncedFiles.push(current.file);
    if (this.written - current.base >= this.#options.fileBytes || this.isTailWorthless) this.#addFile();
    this.#trimCache();
    if (assertsAreOn) this.#assertWatermarks();
  }

  #assertWatermarks(): void {
    assertInvariant(this.durable <= this.written && this.written <= this.end, "durable <= written <= end");
  }

  /** Writes what the system does not have of a chunk. Of a hole, only the header in front of it. */
  #hand({ base, buffer, length }: Chunk, { file, base: fileBase }: JournalFile): void {
    const { holes } = this.unneeded;
    const end = base + length;
    let hole = 0;
    while (this.#handed < end) {
      const from = this.#handed;
      while (hole < holes.length && holes[hole + 1]! <= from) hole += 2;
      const holeFrom = hole < holes.length ? holes[hole]! : Infinity;
      const at = journalHeaderBytes + from - fileBase;
      if (from > holeFrom) {
        // The chunk before this one has its header.
        this.#handed = Math.min(holes[hole + 1]!, end);
        continue;
      }
      this.writes++;
      if (from === holeFrom) {
        const header = this.unneeded.headerOfHole(holes[hole + 1]! - holeFrom);
        file.write(header, 0, header.length, at);
        this.#handed = Math.min(holes[hole + 1]!, end);
        continue;
      }
      const to = Math.min(holeFrom, end);
      file.write(buffer, from - base, to - base, at);
      this.#handed = to;
    }
  }

  #firstUnwritten(): number {
    let i = this.chunks.length - 1;
    while (i > 0 && this.chunks[i]!.base > this.#handed) i--;
    return i;
  }

  /**
   * Checks whether another owner has taken the directory over. If so, it calls `onFatal` and throws: nothing more may be answered.
   * Throws errors of the disk, too.
   */
  assertOwner(): void {
    if (this.#lost === null) {
      const { disk, directory } = this.#options;
      const epoch = highestEpoch(disk.list(directory));
      if (epoch <= this.#epoch) return;
      this.#lost = new BrokerError(
        "TAKEN_OVER",
        `${directory}: another broker has taken the directory over (epoch ${epoch}, this one is of epoch ${this.#epoch}); this one stops`,
      );
      this.#options.onFatal(this.#lost);
    }
    throw this.#lost;
  }

  #addFile(): void {
    this.assertOwner();
    this.isTailWorthless = false;
    const base = this.end;
    const place = { base, epoch: this.#epoch };
    const { path, file } = createJournalFile(this.#options.disk, this.#options.directory, place);
    this.#unnoted.push(this.files.at(-1)!.file);
    this.files.push({ base, file, path, live: 0, isFirst: false });
    this.#foundTo = 0;
    this.#unsyncedFiles.push(file);
    this.#isDirectoryUnsynced = true;
    // Until this is done, the data in the new file is not safe from the loss of that file.
    this.startSync();
  }

  #trimCache(): void {
    const chunks = this.chunks;
    // A huge frame must not stay until another chunk follows: there may be no further append.
    if (this.tailChunk.buffer.length > this.#options.cacheBytes) this.leaveTail();
    while (this.chunkBytesHeld > this.#options.cacheBytes && chunks.length > 1) {
      const oldest = chunks[0]!;
      if (oldest.base + oldest.length > this.written) return;
      chunks.shift();
      this.recycle(oldest);
    }
  }

  /**
   * Starts a sync, which moves `durable` to `written`. One sync runs at a time; the next one includes everything that came
   * meanwhile.
   */
  startSync(): void {
    if (this.#syncing || (this.durable === this.written && this.#syncWaiters.length === 0)) return;
    this.#syncing = true;
    const target = this.written;
    const waiters = this.#syncWaiters;
    this.#syncWaiters = [];
    this.syncs++;
    this.#syncAll().then(
      (isNoted) => {
        this.#syncing = false;
        for (const { resolve } of waiters) resolve();
        if (this.#lost !== null) return;
        if (isNoted) {
          if (assertsAreOn) assertInvariant(target >= this.durable, "the durable watermark only grows");
          this.durable = target;
          this.#settle();
          if (assertsAreOn) this.#assertWatermarks();
          this.#options.onDurable();
        } else {
          // `write` throws this error, as all errors of the disk, and the owner calls `write` until it succeeds.
          this.#options.requestFlush();
          this.durableMoved();
        }
        if ((isNoted && this.#isDirectoryUnsynced) || this.#syncWaiters.length > 0) this.startSync();
      },
      (error: Error) => {
        for (const { reject } of [...waiters, ...this.#syncWaiters.splice(0)]) reject(error);
        this.#options.onFatal(error);
      },
    );
  }

  /** Resolves to false if the disk refused a note: then everything is synced, but may not be reported durable. */
  async #syncAll(): Promise<boolean> {
    const files = this.#unsyncedFiles;
    const isDirectoryUnsynced = this.#isDirectoryUnsynced;
    const unnoted = this.#unnoted;
    this.#unsyncedFiles = [];
    this.#isDirectoryUnsynced = false;
    this.#unnoted = [];
    // A file before the last must be durable before what follows it: recovery reads them in order.
    for (const file of files) await file.sync();
    if (isDirectoryUnsynced) await this.#options.disk.syncDirectory(this.#options.directory);
    try {
      for (const file of unnoted) writeNote(file, "followed");
    } catch {
      this.#unnoted.unshift(...unnoted);
      this.#refused = unnoted;
      return false;
    }
    for (const file of unnoted) await file.sync();
    this.#refused = [];
    return true;
  }

  /** Visits the frames from position `from` on, where one begins, that are not written yet. */
  eachUnwritten(from: number, visit: (buffer: Buffer, at: number, length: number) => void): void {
    this.seal();
    const start = Math.max(from, this.written);
    for (const { base, buffer, length } of this.chunks) {
      for (let at = Math.max(start - base, 0); at < length; at += frameLengthAt(buffer, at))
        visit(buffer, at, frameLengthAt(buffer, at));
    }
  }

  get isSyncing(): boolean {
    return this.#syncing;
  }

  fileOf(position: number): JournalFile {
    if (position >= this.#foundFrom && position < this.#foundTo) return this.#found!;
    const files = this.files;
    let i = files.length - 1;
    while (i > 0 && files[i]!.base > position) i--;
    this.#found = files[i]!;
    this.#foundFrom = files[i]!.base;
    this.#foundTo = files[i + 1]?.base ?? Infinity;
    return this.#found;
  }

  override locate(position: number, length: number, into: FrameLocation): void {
    if (position >= this.written) this.unwrittenLooks++;
    const chunk = this.chunkAt(position);
    if (chunk !== null) {
      into.chunk = chunk;
      into.at = position - chunk.base;
      into.segment = null;
      return;
    }
    const file = this.fileOf(position);
    this.readCache.locate(file.file, file.path, position - file.base + journalHeaderBytes, length, into);
    into.segment = null;
  }

  override peek(position: number, length: number, into: FrameLocation): void {
    if (this.chunkAt(position) !== null) return this.locate(position, length, into);
    const file = this.fileOf(position);
    if (this.readCache.peek(file.file, position - file.base + journalHeaderBytes, length, into)) {
      into.segment = null;
      return;
    }
    throw new BrokerError("CORRUPT", `${file.path}: is cut; run troikamq check`);
  }

  chunkInMemory(position: number): Chunk | null {
    return this.chunkAt(position);
  }

  override turnEnded(): void {
    super.turnEnded();
    this.readCache.turnEnded();
  }

  override release(position: number): void {
    const file = this.fileOf(position);
    file.live--;
    if (assertsAreOn) assertInvariant(file.live >= 0, "no frame is released more often than it is needed");
    if (position >= this.durable) this.unneeded.released(position, this.chunks);
  }

  override keepUntilDurable(position: number): void {
    if (position >= this.durable) this.unneeded.kept(position, this.chunks);
  }

  protected override frameSealed(chunk: Chunk, at: number, length: number, logs: readonly Log[]): void {
    this.unneeded.completed(chunk, at, length, logs);
    this.files[this.files.length - 1]!.live += logs.length;
  }

  #settle(): void {
    const { durable, written, settled } = this;
    this.settled = Math.max(settled, this.unneeded.settledTo(durable, written));
  }

  /** Starts have left many files that are far from full, since each start begins a file. */
  get isFragmented(): boolean {
    const fullFiles = this.bytes / this.#options.fileBytes;
    return this.files.length > fragmentsMax + 2 * fullFiles;
  }

  /** Bytes in files. */
  get bytes(): number {
    return this.written - this.files[0]!.base;
  }

  /** Deletes the oldest file. The caller has made sure that nothing in it is needed, and that this is durable. */
  async deleteOldest(): Promise<void> {
    const [oldest, next] = this.files as [JournalFile, JournalFile];
    // Another owner of the directory may need the file.
    this.assertOwner();
    if (assertsAreOn)
      assertInvariant(oldest.live === 0, "no log needs a frame of a journal file that is deleted");
    await this.#noteFirst(next);
    if (oldest.isClosed !== true) {
      oldest.isClosed = true;
      this.readCache.forget(oldest.file);
      oldest.file.close();
    }
    // It counts until it is deleted, so that no later file can be deleted before it: a gap would mean a missing file.
    await this.#options.disk.removeLater(oldest.path);
    this.files.shift();
    this.#foundTo = 0;
  }

  /** Throws when the disk refuses the note. */
  async #noteFirst(next: JournalFile): Promise<void> {
    if (next.isFirst) return;
    writeNote(next.file, "first");
    // Together with the journal's other syncs, one at a time: a failed sync ends the process.
    if (!this.#unsyncedFiles.includes(next.file)) this.#unsyncedFiles.push(next.file);
    const synced = Promise.withResolvers<void>();
    this.#syncWaiters.push(synced);
    this.startSync();
    await synced.promise;
    next.isFirst = true;
  }

  /** Writes and syncs the rest, then closes the files. */
  async close(): Promise<void> {
    this.write();
    while (this.durable < this.written || this.#syncing) {
      this.startSync();
      await new Promise<void>((resolve) => this.#closeWaiters.push(resolve));
      this.write();
    }
    for (const { file, isClosed } of this.files) if (isClosed !== true) file.close();
  }

  #closeWaiters: (() => void)[] = [];

  /** Called by the owner after each durable step, for `close`. */
  durableMoved(): void {
    for (const resolve of this.#closeWaiters.splice(0)) resolve();
  }
}
