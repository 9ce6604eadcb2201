/**
 * Storage beside a model of it: the same operations on both, over a disk that the test can stop and damage.
 *
 * The model knows after each flush what must be found if the journal ends there. A crash must find one of these moments:
 * the last one when the process was killed, any that is not older than the durable watermark when the machine was.
 */
import assert from "node:assert/strict";
import type { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { envelope } from "../../src/message/envelope.ts";
import {
  checkDataDirectory,
  type DurableState,
  type Log,
  LogGroup,
  LogReader,
  type StateHandle,
  Storage,
} from "../../src/storage/index.ts";
import { SimDisk, type Random } from "../../sim/disk.ts";
import { entryId, idMax, numberOf, partMax } from "./entry-ids.ts";
import { finish } from "./finish.ts";

interface ModelRecord {
  text: string;
  /** Entry id. */
  id: bigint;
  timestamp: number;
}

interface ModelLog {
  records: Map<number, ModelRecord>;
  nextOffset: number;
}

/** What must be there after a restart. */
interface Moment {
  logs: Map<string, ModelLog>;
  table: Map<string, string>;
  counter: number[];
}

/** A state with changes: a list of numbers that grows and is cut. */
class Counter implements DurableState {
  values: number[] = [];
  #from = 0;

  add(value: number): void {
    this.values.push(value);
  }

  encodeFull(writer: ByteWriter): void {
    for (const value of this.values) writer.uint32(value);
    this.#from = this.values.length;
  }

  restoreFull(reader: ByteReader): void {
    this.values = [];
    this.applyChange(reader);
  }

  encodeChange(writer: ByteWriter): void {
    for (const value of this.values.slice(this.#from)) writer.uint32(value);
    this.#from = this.values.length;
  }

  applyChange(reader: ByteReader): void {
    while (reader.remaining > 0) this.values.push(reader.uint32());
    this.#from = this.values.length;
  }
}

export class StorageModel {
  readonly random: Random;
  readonly disk: SimDisk;
  storage!: Storage;
  crashes = 0;
  restarts = 0;
  segmentsMade = 0;
  filesDeleted = 0;
  sparedBytes = 0;
  /** Where the journal ended when a record was first in it, by its log and offset. */
  readonly #flushedAt = new Map<string, number>();
  #now = 1_000_000;
  #moment: Moment = { logs: new Map(), table: new Map(), counter: [] };
  readonly #moments = new Map([[0, structuredClone(this.#moment)]]);
  #logs = new Map<string, Log>();
  #groups: LogGroup[] = [];
  #counter = new Counter();
  #counterHandle: StateHandle | null = null;
  #names = 0;
  #records = 0;
  #isFlushWanted = false;
  readonly #journalBytesMax: number;

  constructor(random: Random, journalBytesMax: number) {
    this.random = random;
    this.disk = new SimDisk(random);
    this.#journalBytesMax = journalBytesMax;
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  #pick<T>(values: Iterable<T>): T | undefined {
    const all = [...values];
    return all[this.below(all.length)];
  }

  async open(): Promise<void> {
    if (this.storage !== undefined) {
      this.segmentsMade += this.storage.cleaner!.segmentsMade;
      this.filesDeleted += this.storage.cleaner!.filesDeleted;
      this.sparedBytes += this.storage.journal!.unneeded.sparedBytes;
    }
    this.storage = await finish(
      this.disk,
      Storage.open({
        disk: this.disk,
        directory: "data",
        now: () => this.#now,
        journalBytesMax: this.#journalBytesMax,
        requestFlush: () => (this.#isFlushWanted = true),
        pause: () => this.disk.wait(),
        onDurable: () => {},
        onFatal: (error) => {
          throw error;
        },
      }),
    );
    this.#logs = new Map();
    this.#groups = [];
    this.#counter = new Counter();
    this.#counterHandle = null;
    for (const [key, value] of this.storage.definitions.entries("")) {
      const definition = key.startsWith("log/") || key === "counter" ? JSON.parse(value.toString()) : {};
      if (key.startsWith("log/")) this.#addLog(key, this.storage.restoreLog(definition.log));
      if (key === "counter") this.#counterHandle = this.storage.restoreState(definition.state, this.#counter);
    }
    await finish(this.disk, this.storage.replay());
  }

  /** Every other one is a queue, of which consumed records are forgotten. */
  #addLog(key: string, log: Log): void {
    log.forgetsConsumed = key.charCodeAt(key.length - 1) % 2 === 0;
    this.#logs.set(key, log);
  }

  // Operations

  createLog(): void {
    const log = this.storage.createLog(true);
    const key = `log/${this.#names++}`;
    this.#putDefinition(key, JSON.stringify({ log: log.id }));
    this.#addLog(key, log);
    this.#moment.logs.set(key, { records: new Map(), nextOffset: 0 });
    if (this.#counterHandle !== null) return;
    this.#counterHandle = this.storage.createState(this.#counter);
    this.#putDefinition("counter", JSON.stringify({ state: this.#counterHandle.id }));
  }

  #putDefinition(key: string, value: string): void {
    this.storage.definitions.put(key, value);
    this.#moment.table.set(key, value);
  }

  deleteLog(): void {
    const key = this.#pick(this.#logs.keys());
    if (key === undefined || this.#logs.size < 2) return;
    const log = this.#logs.get(key)!;
    this.storage.deleteLog(log);
    this.storage.definitions.delete(key);
    this.#logs.delete(key);
    this.#moment.logs.delete(key);
    this.#moment.table.delete(key);
    this.#groups = this.#groups.filter((group) => !group.logs.includes(log));
  }

  makeGroup(): void {
    const logs = [...this.#logs.values()].filter(() => this.random() < 0.5);
    if (logs.length > 0) this.#groups.push(new LogGroup(logs));
    if (this.#groups.length > 4) this.#groups.shift();
  }

  append(count: number): void {
    const group = this.random() < 0.4 ? this.#pick(this.#groups) : this.#pick(this.#logs.values())?.group;
    if (group === undefined) return;
    const { store } = group.logs[0]!;
    const isBig = this.random() < 0.02;
    for (let i = 0; i < count; i++) {
      const size = isBig ? 30_000 + this.below(60_000) : this.below(this.random() < 0.5 ? 200 : 1500);
      const text = `${this.#records++}:`.padEnd(size, "x");
      const at = store.reserve(group, envelope.amqp, text.length);
      store.tail.latin1Write(text, at, text.length);
    }
  }

  appendBatch(): void {
    const log = this.#pick(this.#logs.values());
    if (log === undefined) return;
    const text = `${this.#records++}:batch`.padEnd(this.below(2000), "y");
    const at = log.store.reserveBatch(
      log.group,
      envelope.kafka,
      text.length,
      1 + this.below(20),
      this.#now - this.below(500),
    );
    log.store.tail.latin1Write(text, at, text.length);
  }

  appendWithId(): void {
    const log = this.#pick(this.#logs.values());
    if (log === undefined) return;
    this.seal();
    const text = `${this.#records++}:id`;
    const at = log.store.reserveWithId(
      log,
      envelope.redis,
      text.length,
      entryId(this.#idAbove(numberOf(log.lastId))),
    );
    log.store.tail.latin1Write(text, at, text.length);
  }

  /** Mostly a little above; now and then far, to where sequences, words and doubles end. The last ids are left alone. */
  #idAbove(last: bigint): bigint {
    const near = last + 1n + (BigInt(this.below(50)) << (this.below(2) === 0 ? 0n : 64n));
    const edge = [1n << 53n, 1n << 63n, partMax - 1n][this.below(3)]!;
    const far = ((edge - BigInt(this.below(2))) << 64n) + partMax - BigInt(this.below(3));
    if (this.below(20) === 0 && far > last) return far;
    return near < idMax - (1n << 32n) ? near : last + 1n;
  }

  /** Ends the open frame; the model learns from the logs what came, in the form that readers will see again. */
  seal(): void {
    this.storage.seal();
    for (const [key, log] of this.#logs) {
      const model = this.#moment.logs.get(key)!;
      if (model.nextOffset === log.nextOffset) continue;
      const reader = new LogReader(log, model.nextOffset);
      while (reader.next()) model.records.set(reader.offset, recordOf(reader));
      model.nextOffset = log.nextOffset;
    }
  }

  removeSome(count: number): void {
    const key = this.#pick(this.#logs.keys());
    if (key === undefined) return;
    this.seal();
    const { records } = this.#moment.logs.get(key)!;
    const offsets = [...records.keys()];
    const from = this.random() < 0.6 ? 0 : this.below(offsets.length);
    for (const offset of offsets.slice(from, from + count)) {
      if (this.random() < 0.1) continue;
      assert.equal(this.#logs.get(key)!.remove(offset), true);
      assert.equal(this.#logs.get(key)!.remove(offset), false);
      records.delete(offset);
    }
  }

  trim(): void {
    const key = this.#pick(this.#logs.keys());
    if (key === undefined) return;
    this.seal();
    const model = this.#moment.logs.get(key)!;
    const below = this.random() < 0.3 ? model.nextOffset : (this.#pick(model.records.keys()) ?? 0);
    this.#logs.get(key)!.removeBelow(below);
    for (const offset of model.records.keys()) if (offset < below) model.records.delete(offset);
  }

  put(): void {
    const key = `pair/${this.below(6)}`;
    if (this.random() < 0.3) {
      this.storage.definitions.delete(key);
      this.#moment.table.delete(key);
    } else this.#putDefinition(key, `value ${this.#records++}`.padEnd(this.below(500), "z"));
  }

  count(): void {
    if (this.#counterHandle === null) return;
    const value = this.below(1000);
    this.#counter.add(value);
    this.#moment.counter.push(value);
    this.storage.changed(this.#counterHandle);
  }

  passTime(): void {
    this.#now += this.below(5000);
  }

  flush(): void {
    this.seal();
    this.#isFlushWanted = false;
    this.storage.flush();
    const { pending } = this.storage;
    this.#moments.set(pending, structuredClone(this.#moment));
    for (const [key, { records }] of this.#moment.logs) {
      for (const offset of records.keys()) {
        const name = `${key}/${offset}`;
        if (!this.#flushedAt.has(name)) this.#flushedAt.set(name, pending);
      }
    }
    if (this.random() < 0.7) this.storage.startSync();
  }

  async background(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      if (this.#isFlushWanted) this.flush();
      if (this.disk.waiting > 0) await this.disk.step();
    }
  }

  // What must be there

  /** The storage and the model are the same now. */
  compare(): void {
    this.seal();
    for (const [key, log] of this.#logs) compareLog(this, key, log, this.#moment.logs.get(key)!);
    const pairs = [...this.storage.definitions.entries("")].filter(([key]) => key !== "storage/next-id");
    assert.deepEqual(new Map(pairs.map(([key, value]) => [key, value.toString()])), this.#moment.table);
    assert.deepEqual(this.#counter.values, this.#moment.counter);
  }

  async restart(): Promise<void> {
    this.restarts++;
    this.disk.fullness = 0;
    this.flush();
    await finish(this.disk, this.storage.close());
    await this.check();
    await this.open();
    assert.equal(this.storage.tornBytes, 0);
    this.#moments.clear();
    this.#moments.set(this.storage.written, structuredClone(this.#moment));
    this.compare();
  }

  async crash(kind: "kill" | "power"): Promise<void> {
    this.crashes++;
    this.disk.fullness = 0;
    const { written, durable } = this.storage;
    const promised = this.#promised();
    this.disk.crash(kind);
    await this.check();
    await this.open();
    const end = this.storage.written;
    const least = kind === "kill" ? written : durable;
    assert.ok(end >= least, `${kind}: the journal ends at ${end}, though ${least} was promised`);
    const moment = this.#moments.get(end);
    assert.ok(moment !== undefined, `${kind}: the journal ends at ${end}, where no flush ended`);
    for (const [key, offset] of promised) {
      assert.ok(
        moment.logs.get(key)!.records.has(offset),
        `${kind}: ${key} has lost ${offset}, which was settled`,
      );
    }
    this.#moment = structuredClone(moment);
    this.#moments.clear();
    this.#moments.set(end, moment);
    this.#flushedAt.clear();
    assert.deepEqual(new Set(this.#logs.keys()), new Set(moment.logs.keys()));
    this.compare();
  }

  /** Records that are there and below the settled position: a publisher may have been told so. */
  #promised(): [key: string, offset: number][] {
    const { settled } = this.storage;
    return [...this.#moment.logs].flatMap(([key, { records }]) =>
      [...records.keys()]
        .filter((offset) => (this.#flushedAt.get(`${key}/${offset}`) ?? Infinity) <= settled)
        .map((offset): [string, number] => [key, offset]),
    );
  }

  async check(): Promise<void> {
    // Nothing was durable yet, not even the first file's name.
    if (this.disk.list("data/journal").length === 0) return;
    const { ok, lines } = await checkDataDirectory("data", this.disk);
    assert.ok(ok, lines.join("\n"));
  }
}

function recordOf(reader: LogReader): ModelRecord {
  return {
    text: reader.buffer.latin1Slice(reader.start, reader.end),
    id: numberOf(reader.id),
    timestamp: reader.timestamp,
  };
}

function compareLog(model: StorageModel, key: string, log: Log, expected: ModelLog): void {
  assert.equal(log.nextOffset, expected.nextOffset, key);
  assert.equal(log.length, expected.records.size, key);
  const offsets = [...expected.records.keys()];
  assert.equal(log.firstOffset, offsets[0] ?? log.nextOffset, key);
  const reader = new LogReader(log);
  for (const [offset, record] of expected.records) {
    assert.ok(reader.next(), `${key}: offset ${offset} is lost`);
    assert.equal(reader.offset, offset, key);
    assert.deepEqual(recordOf(reader), record, `${key}: offset ${offset}`);
  }
  assert.equal(reader.next(), false, key);
  for (let i = 0; i < 5 && offsets.length > 0; i++) {
    const at = model.below(offsets.length);
    compareLookups(model, key, log, offsets, at, expected);
  }
  assert.equal(log.offsetOfEntryId(entryId(0n)), offsets[0] ?? log.nextOffset);
  assert.equal(log.offsetOfEntryId(entryId(numberOf(log.lastId) + 1n)), log.nextOffset);
  assert.equal(log.timestampOfFirst(), expected.records.get(offsets[0] ?? -1)?.timestamp ?? -1);
  assert.equal(log.offsetOfTimestamp(Number.MAX_SAFE_INTEGER), -1);
}

function compareLookups(
  model: StorageModel,
  key: string,
  log: Log,
  offsets: number[],
  at: number,
  { records }: ModelLog,
): void {
  const offset = offsets[at]!;
  const { id, timestamp } = records.get(offset)!;
  const reader = new LogReader(log, offset);
  assert.ok(reader.next());
  assert.deepEqual(recordOf(reader), records.get(offset), `${key}: offset ${offset} by seek`);
  assert.equal(numberOf(log.entryIdOf(offset)), id, key);
  assert.equal(log.offsetOfEntryId(entryId(id)), offset, key);
  assert.equal(log.offsetOfEntryId(entryId(id + 1n)), offsets[at + 1] ?? log.nextOffset, key);
  const time = timestamp - model.below(3);
  const first = offsets.find((each) => records.get(each)!.timestamp >= time);
  assert.equal(log.offsetOfTimestamp(time), first, `${key}: timestamp ${time}`);
  const bytesMax = model.below(log.bytes + 1000);
  const kept = log.offsetForBytes(bytesMax);
  assert.ok(kept >= 0 && kept <= log.nextOffset, key);
  if (bytesMax >= log.bytes) assert.equal(kept, log.firstOffset);
}
