/**
 * The front of storage: logs, states and definitions over one journal (or over memory alone), and the flush at the end of a tick.
 *
 * It does not route, deliver or know protocols. A start has three steps: `open` checks the journal and reads the definitions; then
 * the owner restores its logs and states by id; then `replay` fills them. Invariants: an id is never used twice; nothing is
 * reported durable before the journal's watermark; `flush` is the only place that writes messages.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { BrokerError } from "../base/errors.ts";
import type { Disk } from "../base/disk.ts";
import { EntryId } from "../message/entry-id.ts";
import { limits } from "../base/limits.ts";
import { sizes } from "../base/sizes.ts";
import {
  appendCountAt,
  appendTargetAt,
  appendTargetCountAt,
  appendTimestampAt,
  frameHeaderBytes,
  frameKind,
  frameKindAt,
  readUint32,
  readUint64,
  targetIdAt,
  targetOffsetAt,
} from "./journal/frame.ts";
import { writeStopMarker } from "./journal/stop-marker.ts";
import { Cleaner } from "./segment/cleaner.ts";
import { DiskRoom } from "./journal/disk-room.ts";
import type { FrameStore } from "./journal/frame-store.ts";
import { JournalStore } from "./journal/journal.ts";
import type { LogHost } from "./log/log-host.ts";
import { Log } from "./log/log.ts";
import { openJournal } from "./journal/open-journal.ts";
import { type FoundFile, scanJournal } from "./journal/recovery.ts";
import type { Segment } from "./segment/segment.ts";
import { type DurableState, StateHandle } from "./state/state.ts";
import type { StateSource } from "./state/state-source.ts";
import { StateSources } from "./state/state-sources.ts";
import { Definitions } from "./state/definitions.ts";
import { Unwritten } from "./journal/unwritten.ts";
import { VolatileStore } from "./log/volatile-store.ts";
import { WriteGate } from "./journal/write-gate.ts";

export interface StorageOptions {
  /** Null: all logs are volatile. */
  disk: Disk | null;
  directory: string;
  now: () => number;
  /** When the journal is larger, its oldest entries are moved to segments or, if nothing needs them, deleted. */
  journalBytesMax: number;
  /** Requests that only add data are refused while the disk has less free space. Absent: free space is not checked. */
  diskFreeBytesMin?: number | "auto";
  /**
   * Called when something was appended or changed, or a background step is due: the owner must call `flush` at the end of the
   * tick.
   */
  requestFlush: () => void;
  /** Resolves when the input that is ready has been handled, so that background work goes on after it. */
  pause: () => Promise<void>;
  /** Owners of values that they keep in memory themselves. Absent (check, repair): their frames are skipped. */
  sources?: readonly StateSource[];
  /** The epoch of this owner, higher than those of all owners before; absent: the next one. */
  epoch?: number;
  /** The durable watermark moved. */
  onDurable: () => void;
  /** A sync failed, or another owner has taken the directory over (TAKEN_OVER): the process must end. */
  onFatal: (error: Error) => void;
}

const idsReservedAtOnce = 1024;
/** The lower limit, however small the disk is. */
const journalBytesLeast = 1 << 15;
const nextIdKey = "storage/next-id";

export class Storage implements LogHost {
  readonly journal: JournalStore | null;
  readonly volatile: VolatileStore;
  readonly definitions: Definitions;
  readonly cleaner: Cleaner | null;
  readonly directory: string;
  readonly disk: Disk | null;
  readonly sources: StateSources;
  readonly #wantedEpoch: number | undefined;
  /** Durable logs by id. */
  readonly logs = new Map<number, Log>();
  /** In the order of their last full form, so those that an old journal file still holds are in front. */
  readonly states = new Map<number, StateHandle>();
  /** Bytes of these full forms. */
  stateBytes = 0;
  readonly #requestFlush: () => void;
  #changed: StateHandle[] = [];
  #nextId = 1;
  #reservedIds = 0;
  readonly #writer = new ByteWriter(4096);
  readonly #replayedId = new EntryId();
  #found: FoundFile[] = [];
  /** Bytes of an unfinished write that recovery cut off. */
  tornBytes = 0;
  readonly room: DiskRoom | null;
  /** Decides what may be written now. */
  readonly gate: WriteGate;
  /** Knows which answers may leave while nothing can be written. */
  readonly unwritten: Unwritten;

  private constructor(options: StorageOptions) {
    this.#requestFlush = options.requestFlush;
    this.disk = options.disk;
    this.sources = new StateSources(options.sources);
    this.#wantedEpoch = options.epoch;
    this.directory = options.directory;
    const { disk, diskFreeBytesMin } = options;
    this.room =
      disk === null || diskFreeBytesMin === undefined
        ? null
        : new DiskRoom(disk, options.directory, diskFreeBytesMin);
    this.room?.open();
    this.gate = new WriteGate(this.room, options.directory);
    const journalBytesMax = Math.min(
      options.journalBytesMax,
      Math.max((this.room?.totalBytes ?? Infinity) / limits.diskJournalPart, journalBytesLeast),
    );
    this.volatile = new VolatileStore(options.now, options.requestFlush);
    this.journal =
      options.disk === null
        ? null
        : new JournalStore({
            disk: options.disk,
            directory: `${options.directory}/journal`,
            now: options.now,
            requestFlush: options.requestFlush,
            // Tests use small files, which are made and deleted all the time; users have 128 KiB at least.
            fileBytes: Math.max(Math.floor(journalBytesMax / 8), 1 << 12),
            cacheBytes: sizes.journalCacheBytes,
            onDurable: () => {
              this.journal!.durableMoved();
              this.cleaner!.durableMoved();
              options.onDurable();
            },
            onFatal: options.onFatal,
          });
    const { journal, gate, sources } = this;
    this.definitions = new Definitions(journal);
    this.unwritten = new Unwritten({ journal, gate, sources: sources.all, definitions: this.definitions });
    this.cleaner =
      this.journal === null
        ? null
        : new Cleaner(this, this.journal, {
            disk: options.disk!,
            directory: options.directory,
            now: options.now,
            journalBytesMax,
            requestFlush: options.requestFlush,
            pause: options.pause,
          });
  }

  /** Step one: checks the journal and reads the definitions. Throws CORRUPT. */
  static async open(options: StorageOptions): Promise<Storage> {
    const storage = new Storage(options);
    if (storage.journal !== null) await storage.#openJournal(options.disk!);
    return storage;
  }

  async #openJournal(disk: Disk): Promise<void> {
    const { files, end, epoch, tornBytes } = await openJournal(
      {
        disk,
        dataDirectory: this.directory,
        epoch: this.#wantedEpoch,
        retried: (write) => this.gate.retried(write),
      },
      (buffer, at, length, position) => {
        const kind = frameKindAt(buffer, at);
        if (kind === frameKind.full || kind === frameKind.change) {
          this.#nextId = Math.max(this.#nextId, readUint32(buffer, at + frameHeaderBytes) + 1);
          return;
        }
        if (kind !== frameKind.put && kind !== frameKind.delete) return;
        const reader = new ByteReader(buffer, at + frameHeaderBytes, at + length);
        const key = reader.utf8(reader.uint16());
        this.definitions.replayed(key, position, kind === frameKind.put ? length : 0);
      },
    );
    this.tornBytes = tornBytes;
    this.#found = files;
    this.journal!.resume(
      files.map(({ base, file, path, notes }) => ({
        base,
        file,
        path,
        live: 0,
        isFirst: notes.first === "whole",
      })),
      end,
      epoch,
    );
    const reserved = this.definitions.get(nextIdKey);
    if (reserved !== undefined) this.#nextId = Math.max(this.#nextId, Number(reserved.toString()));
  }

  /** Step two, for each log that a definition names. */
  restoreLog(id: number): Log {
    const log = new Log(id, this.#durableStore, true, this);
    this.logs.set(id, log);
    log.handle = this.restoreState(id, log);
    return log;
  }

  /** Step two, for each other state. */
  restoreState(id: number, owner: DurableState): StateHandle {
    const handle = new StateHandle(id, owner);
    this.states.set(id, handle);
    return handle;
  }

  /** Step three: reads the journal into the restored logs and states, then opens their segments. */
  async replay(): Promise<void> {
    if (this.journal === null) return;
    for (const { id } of this.replayJournal()) {
      throw new BrokerError(
        "CORRUPT",
        `${this.directory}/journal: a definition names state ${id}, which does not exist: a journal file is missing`,
      );
    }
    await this.cleaner!.openSegments();
  }

  /** The first half of `replay`. Returns restored states that the journal does not have: none, unless a file is missing. */
  replayJournal(): StateHandle[] {
    const reader = new ByteReader(Buffer.alloc(0));
    scanJournal(this.#found, (buffer, at, length, position) => {
      const kind = frameKindAt(buffer, at);
      if (kind === frameKind.append) return this.#replayAppend(buffer, at, length, position);
      if (kind === frameKind.source) {
        this.sources.replayed(buffer, at + frameHeaderBytes, at + length, position);
        return;
      }
      if (kind !== frameKind.full && kind !== frameKind.change) return;
      const handle = this.states.get(readUint32(buffer, at + frameHeaderBytes));
      if (handle === undefined) return;
      reader.reuse(buffer, at + frameHeaderBytes + 4, at + length);
      if (kind === frameKind.change) handle.owner.applyChange(reader);
      else {
        // For a lost state a repair writes an empty form: the state starts new.
        if (reader.remaining > 0) handle.owner.restoreFull(reader);
        this.#placeState(handle, position, length);
      }
    });
    this.#found = [];
    return Array.from(this.states.values()).filter(({ position }) => position < 0);
  }

  #replayAppend(buffer: Buffer, at: number, length: number, position: number): void {
    const count = appendCountAt(buffer, at);
    const timestamp = appendTimestampAt(buffer, at);
    for (let i = appendTargetCountAt(buffer, at) - 1; i >= 0; i--) {
      const target = appendTargetAt(at, i);
      const log = this.logs.get(readUint32(buffer, target));
      if (log === undefined) continue;
      const firstOffset = readUint64(buffer, target + targetOffsetAt);
      this.#replayedId.read(buffer, target + targetIdAt);
      if (log.replayed(firstOffset, position, length, count, this.#replayedId, timestamp)) {
        this.journal!.fileOf(position).live++;
      }
    }
  }

  get #durableStore(): FrameStore {
    return this.journal ?? this.volatile;
  }

  /** Makes a log. A durable log must be named by a definition, or it is gone after a restart. */
  createLog(durable: boolean): Log {
    const id = this.#takeId();
    if (!durable || this.journal === null) return new Log(id, this.volatile, false, this);
    const log = new Log(id, this.journal, true, this);
    this.logs.set(id, log);
    log.handle = this.#addState(id, log);
    return log;
  }

  /** Makes a state that is not a log's; durable unless there is no disk. */
  createState(owner: DurableState): StateHandle {
    return this.#addState(this.#takeId(), owner);
  }

  #addState(id: number, owner: DurableState): StateHandle {
    const handle = new StateHandle(id, owner);
    if (this.journal !== null) this.rewriteState(handle);
    return handle;
  }

  #takeId(): number {
    if (this.#nextId >= this.#reservedIds) {
      this.#reservedIds = this.#nextId + idsReservedAtOnce;
      this.definitions.put(nextIdKey, String(this.#reservedIds));
    }
    return this.#nextId++;
  }

  /** Deletes a log's records and state. The caller deletes its definition. */
  deleteLog(log: Log): void {
    log.store.seal();
    log.drop();
    if (!log.isDurable) return;
    this.logs.delete(log.id);
    if (log.handle !== null) this.deleteState(log.handle);
    log.handle = null;
  }

  deleteState(handle: StateHandle): void {
    handle.isOpen = false;
    if (this.states.delete(handle.id)) this.stateBytes -= handle.bytes;
  }

  /** The state has a change for `encodeChange` to write at the end of this tick. */
  changed(handle: StateHandle): void {
    this.unwritten.stateChanges++;
    if (handle.isChanged || this.journal === null) return;
    handle.isChanged = true;
    if (this.gate.writeFailure !== null) this.unwritten.changed(handle);
    if (this.#changed.push(handle) === 1) this.#requestFlush();
  }

  logChanged(log: Log): void {
    if (log.handle !== null) this.changed(log.handle);
  }

  segmentUnneeded(segment: Segment): void {
    this.cleaner?.segmentUnneeded(segment);
  }

  /** Appends the state's full form. What older files hold of the state is not needed from then on. */
  rewriteState(handle: StateHandle): void {
    const journal = this.journal!;
    // The full form must include everything in front of it in the journal, so the open frame is sealed first.
    journal.seal();
    const writer = this.#writer;
    writer.reset();
    writer.uint32(handle.id);
    handle.owner.encodeFull(writer);
    handle.isChanged = false;
    const position = journal.appendControl(frameKind.full, writer.buffer, writer.length);
    this.#placeState(handle, position, frameHeaderBytes + writer.length);
  }

  #placeState(handle: StateHandle, position: number, bytes: number): void {
    this.stateBytes += bytes - handle.bytes;
    handle.position = position;
    handle.bytes = bytes;
    this.states.delete(handle.id);
    this.states.set(handle.id, handle);
  }

  /** For the cleaner: the log's segments changed. */
  rewriteLog(log: Log): void {
    this.rewriteState(this.states.get(log.id)!);
  }

  /** For the cleaner: bytes of full forms below `position`, counted until they are `enough`. */
  stateBytesBelow(position: number, enough: number): number {
    let total = 0;
    for (const handle of this.states.values()) {
      if (handle.position >= position || total >= enough) break;
      total += handle.bytes;
    }
    return total;
  }

  /** For the cleaner: writes up to `most` of the states whose full form is below `position` again; returns whether any are left. */
  rewriteStatesBelow(position: number, most: number): boolean {
    let left = most;
    for (const handle of this.states.values()) {
      if (handle.position >= position) return false;
      if (left-- === 0) return true;
      this.rewriteState(handle);
    }
    return false;
  }

  /** Closes the open frames, so that everything appended can be read. */
  seal(): void {
    this.journal?.seal();
    this.volatile.seal();
  }

  /** The position behind everything appended so far: a waiter compares it with `written` and `durable`. */
  get pending(): number {
    return this.journal === null ? 0 : this.journal.end;
  }

  /** The same with changes of states, which are appended when the tick ends. */
  get pendingWithChanges(): number {
    return this.pending + (this.#changed.length > 0 ? 1 : 0);
  }

  get written(): number {
    return this.journal === null ? 0 : this.journal.written;
  }

  get durable(): number {
    return this.journal === null ? 0 : this.journal.durable;
  }

  /** All messages before it are durable, or consumed. */
  get settled(): number {
    return this.journal === null ? 0 : this.journal.settled;
  }

  /** Why no data may be added now (low disk space, full disk, input/output error); null if it may. */
  get failure(): Error | null {
    return this.gate.failure;
  }

  /** For requests that add data: see `WriteGate.assertOpen`. */
  assertWritable(): void {
    this.gate.assertOpen();
  }

  /** Ends the tick: appends changes of states, writes once. False: the disk refused, all is kept for the next call, no answer may leave. */
  flush(): boolean {
    this.volatile.seal();
    this.volatile.turnEnded();
    const journal = this.journal;
    if (journal === null) return true;
    journal.turnEnded();
    journal.seal();
    const changed = this.#changed;
    this.#flushChanges();
    if (!this.gate.write(journal)) {
      for (const handle of changed.splice(0)) this.unwritten.changed(handle);
      return false;
    }
    changed.length = 0;
    this.unwritten.written();
    this.cleaner!.step();
    return true;
  }

  /** Appends the changes of a source: at the end of each tick, and earlier if they have become large. */
  flushSource({ sourceId, changes }: StateSource): void {
    if (changes.length === 0) return;
    this.journal?.appendSource(sourceId, changes);
    this.unwritten.appended(sourceId, changes.length);
    changes.reset();
  }

  #flushChanges(): void {
    for (const source of this.sources.all) this.flushSource(source);
    const changed = this.#changed;
    if (changed.length === 0) return;
    const writer = this.#writer;
    for (const handle of changed) {
      if (!handle.isOpen || !handle.isChanged) continue;
      handle.isChanged = false;
      writer.reset();
      writer.uint32(handle.id);
      handle.owner.encodeChange(writer);
      if (writer.length > 4) this.journal!.appendControl(frameKind.change, writer.buffer, writer.length);
    }
  }

  /** Checks whether another owner has taken the directory over. If so, `onFatal` is called and no flush succeeds any more. */
  lookForSuccessor(): void {
    try {
      this.journal?.assertOwner();
    } catch {
      // `onFatal` was called already; or the disk does not answer, and the next write will find out.
    }
  }

  /** Called after all output was sent: a good time to read what readers will ask for next. */
  readAhead(): void {
    this.journal?.readCache.readAhead();
  }

  /** Syncs everything that was flushed; `onDurable` follows. */
  startSync(): void {
    this.journal?.startSync();
  }

  /** Writes, syncs and closes everything, and writes the marker of a clean stop. */
  async close(): Promise<void> {
    const journal = this.journal;
    if (journal === null) return;
    await this.cleaner!.close();
    journal.seal();
    this.#flushChanges();
    // If the disk is full, this writes as much as the reserve has room for.
    this.gate.write(journal);
    await journal.close();
    await this.cleaner!.closeFiles();
    const directory = `${this.directory}/journal`;
    await this.gate.retried(() =>
      writeStopMarker(this.disk!, directory, journal.files[0]!.base, journal.durable),
    );
    await this.room?.close();
  }
}
