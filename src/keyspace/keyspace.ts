/**
 * The Redis keyspace: sixteen databases in memory, their changes in the journal, and their expiry.
 *
 * It is a state machine over its own records (key-records.ts): what the journal holds, applied in order, gives the keys
 * again. A change is written by the tick in which it was made, so what was answered outlives a killed process; the
 * journal is synced within a second. Not here: commands; streams, which are logs of the broker.
 *
 * An entry remembers roughly where in the journal its last `set` is (its age), so that the cleaner can have the old ones
 * written again without the keyspace keeping a second table. Invariant: an age is never above the record's position.
 */
import { ByteWriter } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { freeLargeBuffer } from "../base/large-buffers.ts";
import { sizes } from "../base/sizes.ts";
import type { Broker, StateSource } from "../broker/broker.ts";
import { Database } from "./database.ts";
import { applyRecords, type ReplayTarget, visitKeys, writeSwap } from "./key-records.ts";
import { KeyTable } from "./key-table.ts";
import { sweepDatabase } from "./sweep.ts";
import { valueType } from "./value-type.ts";

export const databaseCount = 16;
/** Ages are positions in units of a mebibyte: 32 bits of them last for ever. */
const ageShift = 2 ** 20;
/** Changes beyond this go to the journal before the tick ends, so that no frame becomes huge. */
const changesBytesMax = 256 << 10;
const changesBytesKept = 1 << 20;
const rewriteBytesAtOnce = 256 << 10;
const sweepIntervalMs = 100;
/** A record's bytes beside key and value. */
const recordOverheadBytes = 19;

/** Who wants to know of each changed key (WATCH). */
export interface KeyWatcher {
  keyChanged(database: number, key: string): void;
  /** Nobody watches anything: changes need not be told. */
  readonly isEmpty: boolean;
}

export class Keyspace implements StateSource, ReplayTarget {
  readonly databases: readonly Database[];
  readonly changes = new ByteWriter(4096);
  watcher: KeyWatcher | null = null;
  /** Keys removed because their time had come. */
  expired = 0;
  /** Changes go to the journal. False until `start`, and for good when nothing is kept. */
  isKept = false;
  readonly #seed: number;
  #broker: Broker | null = null;
  #sweepTimer: Timer | null = null;
  #sweepCursors: number[] = Array.from({ length: databaseCount }, () => 0);
  readonly #walk = { isRunning: false, below: 0, database: 0, cursor: 0 };
  /** No entry's last set is known to stand below. */
  #cleanBelow = 0;
  readonly #found: number[] = [];
  /** `database key` of what was not written when the journal's end was at the position below; `database` for all of it. */
  readonly #unwritten = new Set<string>();
  #unwrittenAt = -1;

  /** `seed` is 32 unpredictable bits. */
  constructor(seed: number) {
    this.#seed = seed;
    this.databases = Array.from({ length: databaseCount }, (_, number) => new Database(this, number));
  }

  newTable(): KeyTable {
    return new KeyTable(this.#seed);
  }

  /** The journal has been replayed: from now on keys change and expire. */
  start(broker: Broker): void {
    this.#broker = broker;
    this.isKept = broker.storage.journal !== null;
    this.#sweepLater();
  }

  stop(): void {
    this.#sweepTimer?.cancel();
    this.#sweepTimer = null;
  }

  now(): number {
    return this.#broker!.clock.now();
  }

  get isWatched(): boolean {
    return this.watcher !== null && !this.watcher.isEmpty;
  }

  /** The age of what is recorded now. The frame comes later, so its position is this or more. */
  get age(): number {
    return Math.floor(this.#broker!.storage.pending / ageShift);
  }

  /** A record was written. */
  recorded(): void {
    if (this.changes.length > changesBytesMax) this.#flushChanges();
  }

  /**
   * Call where a client asks after a key while the journal takes nothing: of what is not written nothing may be told
   * before it is (storage/journal/unwritten.ts).
   */
  lookedAt(database: number, buffer: Buffer, start: number, end: number): void {
    if (!this.isKept) return;
    const { storage } = this.#broker!;
    const at = storage.pending + this.changes.length;
    if (at !== this.#unwrittenAt) {
      this.#unwrittenAt = at;
      this.#unwritten.clear();
      storage.unwritten.eachChange((changes, from, to) => {
        visitKeys(changes, from, to, (of, keyStart, keyEnd) =>
          this.#unwritten.add(keyStart < 0 ? `${of}` : `${of} ${changes.latin1Slice(keyStart, keyEnd)}`),
        );
      });
    }
    const isUnwritten =
      this.#unwritten.has(`${database}`) ||
      this.#unwritten.has(`${database} ${buffer.latin1Slice(start, end)}`);
    if (isUnwritten) storage.unwritten.lookedAtValue();
  }

  /** Hands the changes over, and gives back the room that a huge value took. */
  #flushChanges(): void {
    this.#broker!.storage.flushSource();
    const { changes } = this;
    if (changes.buffer.length <= changesBytesKept) return;
    freeLargeBuffer(changes.buffer);
    changes.buffer = Buffer.allocUnsafeSlow(changesBytesMax);
  }

  /** What a key holds, "string" or "none" as TYPE says it, streams not counted; undefined for none. */
  typeOf(database: number, key: string): string | undefined {
    const target = this.databases[database]!;
    if (target.size === 0) return undefined;
    const bytes = Buffer.from(key, "latin1");
    const entry = target.find(bytes, 0, bytes.length);
    return entry === 0 ? undefined : typeNameOf(target.table.type(entry));
  }

  /** Removes all keys of a database, or of all with -1. */
  flush(number: number): void {
    for (const database of number < 0 ? this.databases : [this.databases[number]!]) database.flush();
  }

  swap(one: number, other: number): void {
    if (one === other) return;
    if (this.isKept) {
      writeSwap(this.changes, one, other);
      this.recorded();
    }
    this.swapped(one, other);
  }

  // Start-up

  replayed(buffer: Buffer, start: number, end: number, position: number): void {
    applyRecords(this, buffer, start, end, Math.floor(position / ageShift));
  }

  table(database: number): KeyTable {
    return this.databases[database]!.table;
  }

  flushed(database: number): void {
    this.databases[database]!.table = this.newTable();
  }

  swapped(one: number, other: number): void {
    const a = this.databases[one]!;
    const b = this.databases[other]!;
    [a.table, b.table] = [b.table, a.table];
    // What the walk has passed may lie before it again.
    this.#walk.database = 0;
    this.#walk.cursor = 0;
  }

  // The cleaner

  get liveBytes(): number {
    let total = 0;
    for (const { table } of this.databases) total += table.usedBytes + table.count * recordOverheadBytes;
    return total;
  }

  rewriteBelow(position: number): boolean {
    const walk = this.#walk;
    if (!walk.isRunning) {
      if (position <= this.#cleanBelow) return false;
      walk.isRunning = true;
      walk.below = position;
      walk.database = 0;
      walk.cursor = 0;
    }
    this.#flushChanges();
    this.#rewriteSome();
    this.#flushChanges();
    if (walk.database < databaseCount) return true;
    walk.isRunning = false;
    this.#cleanBelow = walk.below;
    return position > walk.below;
  }

  #rewriteSome(): void {
    const walk = this.#walk;
    const found = this.#found;
    let buckets = sizes.bucketsRewrittenAtOnce;
    while (walk.database < databaseCount) {
      const database = this.databases[walk.database]!;
      do {
        if (buckets-- === 0 || this.changes.length > rewriteBytesAtOnce) return;
        found.length = 0;
        walk.cursor = database.table.scan(walk.cursor, found);
        for (const entry of found) {
          if (database.table.age(entry) * ageShift < walk.below) database.rewrite(entry);
        }
      } while (walk.cursor !== 0);
      walk.database++;
    }
  }

  // Expiry

  #sweepLater(): void {
    this.#sweepTimer = this.#broker!.timers.after(sweepIntervalMs, () => {
      const before = this.expired;
      for (const database of this.databases) {
        const { number } = database;
        this.#sweepCursors[number] = sweepDatabase(database, this.#sweepCursors[number]!);
      }
      if (this.expired > before) this.#broker!.ticker.request();
      this.#sweepLater();
    });
  }
}

/** The name of a type as TYPE and SCAN have it. */
export function typeNameOf(type: number): string {
  return type === valueType.string ? "string" : "none";
}
