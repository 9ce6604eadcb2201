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
import { assertInvariant } from "../base/assert.ts";
import { ByteWriter } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { freeLargeBuffer } from "../base/large-buffers.ts";
import { type Broker, type StateSource, stateSourceId } from "../broker/broker.ts";
import { Database } from "./database.ts";
import { ageUnit } from "./age.ts";
import { Arena, MemoryUse } from "./arena.ts";
import { ChangeBatch } from "./change-batch.ts";
import { CleanerTurns } from "./cleaner-turns.ts";
import { Moment } from "./moment.ts";
import { Compaction } from "./compaction.ts";
import { Eviction } from "./eviction/eviction.ts";
import { KeyUses } from "./eviction/key-uses.ts";
import { KeyContent, type ValueSpace } from "./content.ts";
import { writeSwap } from "./key-records.ts";
import { applyRecords, type ReplayTarget } from "./key-replay.ts";
import { expireFields } from "./field-sweep.ts";
import { sweepDatabase } from "./sweep.ts";
import type { HeldKeys } from "./held-keys.ts";
import type { KeyListener, KeyWatcher } from "./key-listeners.ts";
import { typeNameOf } from "./value-type.ts";
import { encodingBounds, type EncodingBounds, type KeyspaceBounds, keyspaceBounds } from "./bounds.ts";
import { UnwrittenKeys } from "./unwritten-keys.ts";
import { Graves } from "./values/graves.ts";
import { HashKind } from "./values/hash-kind.ts";
import { HashValues } from "./values/hash.ts";
import { SortedSetKind } from "./values/sorted/sorted-set-kind.ts";
import { SortedSetValues } from "./values/sorted/sorted-set.ts";
import { SetKind } from "./values/set-kind.ts";
import { SetValues } from "./values/set.ts";
import { ListKind } from "./values/list/list-kind.ts";
import { ListValues } from "./values/list/list.ts";
import { ValueKinds } from "./values/value-kind.ts";

export const databaseCount = 16;
/** The number of the scratch database in records. */
const scratchNumber = databaseCount;
/** Changes beyond this go to the journal before the tick ends, so that no frame becomes huge. */
const changesBytesMax = 256 << 10;
const changesBytesKept = 1 << 20;
const sweepIntervalMs = 100;
/** A record's bytes beside key and value. */
const recordOverheadBytes = 20;
/** Blocks of dropped values that one turn gives back: about half a millisecond. */
const blocksFreedATurn = 2000;

export class Keyspace implements StateSource, ReplayTarget, ValueSpace {
  readonly sourceId = stateSourceId.keyspace;
  readonly databases: readonly Database[];
  /** Expired keys that nobody reads are removed. */
  isSweeping = true;
  /**
   * No client's: large values that commands make over several turns, with all their records, before they are renamed to their
   * keys.
   */
  readonly scratch: Database;
  /** Values that commands read or make over several turns, in no journal. */
  readonly aside: KeyContent;
  readonly changes = new ByteWriter(4096);
  watcher: KeyWatcher | null = null;
  listener: KeyListener | null = null;
  /** Null where no commands run. */
  held: HeldKeys | null = null;
  /** Commands forbid that anything goes by itself: clients are paused, or a script is suspended. */
  isHalted: () => boolean = () => false;
  readonly moment = new Moment();
  #keepsDue = false;
  /** Keys removed because their time had come. */
  expired = 0;
  /** Fields of hashes removed because their time had come. */
  expiredFields = 0;
  /** Changes go to the journal. False until `start`, and for good when nothing is kept. */
  isKept = false;
  readonly seed: number;
  readonly bounds: KeyspaceBounds;
  /** Redis's parameters, which a client may set. */
  readonly encodings: EncodingBounds = { ...encodingBounds };
  /** Of large values, in all databases: they may move from one to another. */
  readonly memory = new MemoryUse();
  readonly arena = new Arena(this.memory);
  readonly uses = new KeyUses();
  /** Removes keys while `maxmemory` is exceeded. */
  readonly eviction: Eviction;
  /** The most that `memory` was. */
  memoryPeak = 0;
  readonly graves = new Graves();
  readonly hashes: HashValues;
  readonly sortedSets: SortedSetValues;
  readonly sets: SetValues;
  readonly lists: ListValues;
  readonly kinds: ValueKinds;
  /** All databases that have records. */
  readonly #recorded: readonly Database[];
  readonly #compaction: Compaction;
  readonly #asideKey = Buffer.alloc(8);
  #asideCount = 0;
  #isFreeing = false;
  #broker: Broker | null = null;
  #sweepTimer: Timer | null = null;
  /**
   * Of the cleaner: first all entries, then the elements of all large values, whose number is the cursor then. `isAgain`:
   * a large value has come into a database that had been passed.
   */
  readonly #walk = { isRunning: false, below: 0, isLarge: false, isAgain: false, database: 0, cursor: 0 };
  /** No entry's last set is known to stand below. */
  #cleanBelow = 0;
  readonly #found: number[] = [];
  readonly #unwritten: UnwrittenKeys;
  /** Who has to wait for whom of the cleaner and such commands. */
  readonly cleanerTurns = new CleanerTurns();
  /** Commands at work whose changes are kept back. */
  #openBatches = 0;
  /** That of the command that is at work now. */
  #batch: ChangeBatch | null = null;

  /** `seed` is 32 unpredictable bits: it keeps clients from choosing keys or fields that share a bucket. */
  constructor(seed: number, bounds: KeyspaceBounds = keyspaceBounds) {
    this.seed = seed | 0;
    this.uses.random.seed(this.seed);
    this.bounds = bounds;
    this.hashes = new HashValues(bounds, this.encodings);
    this.sortedSets = new SortedSetValues(bounds, this.encodings);
    this.sets = new SetValues(bounds, this.encodings);
    this.lists = new ListValues(bounds);
    this.kinds = new ValueKinds([
      new HashKind(this.hashes),
      new SetKind(this.sets),
      new SortedSetKind(this.sortedSets),
      new ListKind(this.lists),
    ]);
    this.#unwritten = new UnwrittenKeys(this, this.kinds);
    this.databases = Array.from({ length: databaseCount }, (_, number) => new Database(this, number));
    this.scratch = new Database(this, scratchNumber);
    this.#recorded = [...this.databases, this.scratch];
    this.aside = this.newContent();
    this.eviction = new Eviction(this);
    this.#compaction = new Compaction(this.databases, this.arena);
  }

  /** A name in `scratch` or `aside` that nothing has had since the start. Valid until the next call. */
  nextAsideKey(): Buffer {
    this.#asideKey.writeDoubleBE(++this.#asideCount);
    return this.#asideKey;
  }

  newContent(): KeyContent {
    return new KeyContent(this);
  }

  buried(): void {
    // At start-up there are no turns yet.
    if (this.#broker === null) this.graves.freeSome(Infinity);
    else if (!this.#isFreeing && !this.graves.isEmpty) this.#freeLater(this.#broker);
  }

  /** Gives back a good part of what dropped values still hold, now. */
  giveBack(): void {
    this.graves.freeSome(blocksFreedATurn);
  }

  #freeLater(broker: Broker): void {
    this.#isFreeing = true;
    broker.timers.atTickEnd(() => {
      this.#isFreeing = false;
      this.graves.freeSome(blocksFreedATurn);
      this.buried();
    });
  }

  /** The journal has been replayed: from now on keys change and expire. */
  start(broker: Broker): void {
    this.#broker = broker;
    this.moment.clock = broker.clock;
    this.isKept = broker.storage.journal !== null;
    // What commands had not finished when the broker ended.
    this.scratch.flush();
    this.#measure();
    this.eviction.start(broker);
    this.#sweepLater();
  }

  stop(): void {
    this.eviction.stop();
    this.#compaction.stop();
    this.#sweepTimer?.cancel();
    this.#sweepTimer = null;
  }

  /** By which keys and fields are due. */
  now(): number {
    return this.moment.now;
  }

  /**
   * Nothing may go by itself now, neither since its time has come nor to make room: commands forbid it, or what goes could not be told. A
   * command that meets what is due may remove it all the same, but for `keepsDue`.
   */
  get keepsAll(): boolean {
    return this.#broker?.ticker.isStuck === true || this.isHalted();
  }

  /** A command runs that changes nothing, not even by finding keys or fields that are due: these are hidden and stay. */
  get keepsDue(): boolean {
    return this.#keepsDue;
  }

  set keepsDue(keepsDue: boolean) {
    this.#keepsDue = keepsDue;
    this.hashes.hiddenUntil = keepsDue ? this.now() : 0;
  }

  /** See field-sweep.ts. Before the start nothing is due. */
  expireFields(database: Database, entry: number): number {
    return this.#broker === null ? entry : expireFields(database, this, this.#broker, entry);
  }

  get isWatched(): boolean {
    return this.watcher !== null && !this.watcher.isEmpty;
  }

  /** The position of what is recorded now, or less: the frame comes later. 0 when nothing is kept. */
  get position(): number {
    return this.isKept ? this.#broker!.storage.pending : 0;
  }

  /** A record was written. */
  recorded(): void {
    if (this.hasManyChanges) this.#flushChanges();
  }

  /** What gathered should go to the journal with the end of the record that is being written. */
  get hasManyChanges(): boolean {
    return this.changes.length > changesBytesMax;
  }

  /**
   * Call where a client asks after a key while the journal takes nothing: of what is not written nothing may be told
   * before it is (storage/journal/unwritten.ts).
   */
  lookedAt(database: number, buffer: Buffer, start: number, end: number): void {
    if (!this.isKept) return;
    const { storage } = this.#broker!;
    if (this.#unwritten.has(storage, database, buffer.latin1Slice(start, end)))
      storage.unwritten.lookedAtUnwritten();
  }

  /** The same for all keys: how many there are, and their names. */
  lookedAtAll(): void {
    if (!this.isKept) return;
    const { storage } = this.#broker!;
    if (this.#unwritten.hasAny(storage)) storage.unwritten.lookedAtUnwritten();
  }

  // Changes that are kept back

  openBatch(): ChangeBatch {
    this.#openBatches++;
    return new ChangeBatch();
  }

  /** Changes go into the batch until `leaveBatch`. */
  enterBatch(batch: ChangeBatch): void {
    assertInvariant(this.#batch === null, "one command at a time changes keys");
    this.#batch = batch;
    this.#exchangeChanges(batch);
  }

  /** The change is one more of those that a command makes of that key over several turns; whoever watches the key has been told. */
  isToldAgain(database: number, key: string): boolean {
    const batch = this.#batch;
    if (batch === null) return false;
    if (batch.toldDatabase === database && batch.toldKey === key) return true;
    batch.toldDatabase = database;
    batch.toldKey = key;
    return false;
  }

  leaveBatch(batch: ChangeBatch): void {
    this.#batch = null;
    this.#exchangeChanges(batch);
  }

  /** The tick's changes wait in the batch's place. */
  #exchangeChanges(batch: ChangeBatch): void {
    const { changes } = this;
    [changes.buffer, batch.buffer] = [batch.buffer, changes.buffer];
    [changes.length, batch.length] = [batch.length, changes.length];
  }

  /** All that was kept back goes to the journal in this tick: a tick's changes are there as a whole, or not at all. */
  commitBatch(batch: ChangeBatch): void {
    this.#openBatches--;
    for (const chunk of batch.chunks()) {
      this.changes.bytes(chunk, 0, chunk.length);
      this.recorded();
    }
  }

  dropBatch(): void {
    this.#openBatches--;
  }

  /** Hands the changes over, and gives back the room that a huge value took. */
  #flushChanges(): void {
    if (this.#batch !== null) {
      this.#batch.add(this.changes.copy());
      this.changes.length = 0;
      return;
    }
    this.#broker!.storage.flushSource(this);
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

  /** Whether nothing else may have the name. */
  hasName(database: number, key: string): boolean {
    const target = this.databases[database]!;
    if (target.size === 0) return false;
    const bytes = Buffer.from(key, "latin1");
    return target.hasName(bytes, 0, bytes.length);
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
    applyRecords(this, buffer, start, end, position);
  }

  content(database: number): KeyContent {
    return this.#recorded[database]!.content;
  }

  flushed(number: number): void {
    const database = this.#recorded[number]!;
    database.content.free();
    database.content = this.newContent();
  }

  swapped(one: number, other: number): void {
    const a = this.databases[one]!;
    const b = this.databases[other]!;
    [a.content, b.content] = [b.content, a.content];
    // What the walk has passed may lie before it again.
    this.#walk.isLarge = false;
    this.#walk.database = 0;
    this.#walk.cursor = 0;
  }

  // The cleaner

  get liveBytes(): number {
    let total = 0;
    for (const { content } of this.#recorded) {
      const { table, values } = content;
      total += table.usedBytes + table.count * recordOverheadBytes + values.usage.bytes;
    }
    return total;
  }

  rewriteBelow(position: number): boolean {
    if (this.#openBatches > 0) {
      this.cleanerTurns.wasRefused();
      return true;
    }
    this.cleanerTurns.hadTurn();
    const goesOn = this.#rewriteMore(position);
    if (!goesOn) this.cleanerTurns.isDone();
    return goesOn;
  }

  #rewriteMore(position: number): boolean {
    const walk = this.#walk;
    if (!walk.isRunning) {
      if (position <= this.#cleanBelow) return false;
      Object.assign(walk, {
        isRunning: true,
        below: position,
        isLarge: false,
        isAgain: false,
        database: 0,
        cursor: 0,
      });
    }
    this.#flushChanges();
    if (walk.isLarge) this.#rewriteSomeElements();
    else this.#rewriteSome();
    this.#flushChanges();
    if (walk.database < this.#recorded.length) return true;
    if (!walk.isLarge || walk.isAgain) {
      Object.assign(walk, { isLarge: true, isAgain: false, database: 0, cursor: 0 });
      return true;
    }
    walk.isRunning = false;
    this.#cleanBelow = walk.below;
    return position > walk.below;
  }

  #rewriteSome(): void {
    const walk = this.#walk;
    const found = this.#found;
    let buckets = this.bounds.rewriteLooks;
    while (walk.database < this.#recorded.length) {
      const database = this.#recorded[walk.database]!;
      do {
        if (buckets-- === 0 || this.changes.length > this.bounds.rewriteBytes) return;
        found.length = 0;
        walk.cursor = database.table.scan(walk.cursor, found);
        for (const entry of found) {
          if (database.table.age(entry) * ageUnit < walk.below) database.rewrite(entry);
        }
      } while (walk.cursor !== 0);
      walk.database++;
    }
  }

  /** Segments up to the slice's bytes: a segment that is not full is small work. */
  #rewriteSomeElements(): void {
    const walk = this.#walk;
    let left = this.bounds.rewriteLooks;
    while (walk.database < this.#recorded.length) {
      const database = this.#recorded[walk.database]!;
      while (walk.cursor < database.content.values.end) {
        while (database.rewriteElements(walk.cursor, walk.below)) {
          if (this.changes.length > this.bounds.rewriteBytes) return;
        }
        walk.cursor++;
        if (--left === 0) return;
      }
      walk.database++;
      walk.cursor = 0;
    }
  }

  /** A large value has come to a database, maybe with old elements. */
  largeMoved(): void {
    this.#walk.isAgain = true;
  }

  #measure(): void {
    this.uses.setTime(this.now());
    this.memoryPeak = Math.max(this.memoryPeak, this.memory.bytes);
  }

  // Expiry

  #sweepLater(): void {
    this.#sweepTimer = this.#broker!.timers.after(sweepIntervalMs, () => {
      const before = this.expired + this.expiredFields;
      this.#measure();
      const isSweeping = this.isSweeping && !this.keepsAll;
      if (isSweeping) for (const database of this.databases) sweepDatabase(database);
      if (this.expired + this.expiredFields > before) this.#broker!.ticker.request();
      this.#compaction.look(this.#broker!.work);
      this.#sweepLater();
    });
  }
}
