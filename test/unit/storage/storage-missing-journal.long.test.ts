/**
 * Journal files that are missing after a kill or a power failure at any operation on the disk: the start is refused, or
 * nothing that had been told durable is missing. With all files there it always starts. `check` says what the start does,
 * and what it repairs starts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, DiskFile } from "../../../src/base/disk.ts";
import { BrokerError } from "../../../src/base/errors.ts";
import { envelope } from "../../../src/message/envelope.ts";
import {
  checkDataDirectory,
  type Log,
  LogReader,
  repairDataDirectory,
  Storage,
} from "../../../src/storage/index.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";
import { thorough } from "../../support/thorough.ts";

const directory = "data";
const rounds = 22;
const recordsARound = 8;
const recordBytes = 2000;
/** Of those before, one in so many is kept: for segments. */
const keptEvery = 16;
/** Of the operations one in so many is the one at which it ends; all of them in CI. */
const stride = Math.ceil(5 / thorough);

async function open(
  disk: Disk,
  pause: () => Promise<void>,
  onFatal: (error: Error) => void,
): Promise<{ storage: Storage; log: Log | undefined }> {
  const storage = await Storage.open({
    disk,
    directory,
    now: () => 1000,
    journalBytesMax: 1 << 17,
    requestFlush: () => {},
    pause,
    onDurable: () => {},
    onFatal,
  });
  const value = storage.definitions.get("log");
  const log = value === undefined ? undefined : storage.restoreLog(JSON.parse(value.toString()).log);
  await storage.replay();
  return { storage, log };
}

/** The disk as a process sees it that dies before operation `lastOperation` that changes or syncs something. */
class LifeDisk implements Disk {
  readonly #disk: SimDisk;
  readonly #lastOperation: number;
  operations = 0;
  isDead = false;

  constructor(disk: SimDisk, lastOperation: number) {
    this.#disk = disk;
    this.#lastOperation = lastOperation;
  }

  #operate<T>(work: () => T): T {
    if (this.operations++ === this.#lastOperation) this.isDead = true;
    if (this.isDead) throw new Error("the process is dead");
    return work();
  }

  makeDirectory(): void {}

  space(): null {
    return null;
  }

  list(path: string): string[] {
    return this.#disk.list(path);
  }

  open(path: string, mode: "create" | "existing" | "read"): DiskFile {
    const file =
      mode === "create" ? this.#operate(() => this.#disk.open(path, mode)) : this.#disk.open(path, mode);
    return {
      write: (...args) => this.#operate(() => file.write(...args)),
      writeLater: async (...args) => this.#operate(() => file.writeLater(...args)),
      read: (...args) => file.read(...args),
      sync: async () => this.#operate(() => file.sync()),
      size: () => file.size(),
      truncate: (size) => this.#operate(() => file.truncate(size)),
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): void {
    this.#operate(() => this.#disk.rename(from, to));
  }

  remove(path: string): void {
    this.#operate(() => this.#disk.remove(path));
  }

  async removeLater(path: string): Promise<void> {
    await this.#operate(() => this.#disk.removeLater(path));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#operate(() => this.#disk.syncDirectory(path));
  }
}

interface Life {
  disk: SimDisk;
  operations: number;
  filesMade: number;
  filesDeleted: number;
  /** The log's end that was told durable; -1 when not even the log was. */
  promisedEnd: number;
}

function textOf(offset: number): string {
  return `${offset}:`.padEnd(recordBytes, "m");
}

/** The same work each time, until the process dies. */
async function live(lastOperation: number): Promise<Life> {
  const disk = new SimDisk(seeded(5));
  const life = new LifeDisk(disk, lastOperation);
  const untilDeath = async (isOver: () => boolean) => {
    for (let i = 0; i < 2000 && !isOver() && !life.isDead; i++) await disk.step();
  };
  const written: { position: number; end: number }[] = [];
  let storage: Storage | null = null;
  const opening = open(
    life,
    () => disk.wait(),
    () => {},
  );
  opening.then(
    (opened) => (storage = opened.storage),
    () => {},
  );
  await untilDeath(() => storage !== null);
  if (storage !== null && !life.isDead) await fillAndConsume(storage, life, disk, written);
  const journal = (storage as Storage | null)?.journal;
  const durable = journal?.durable ?? 0;
  const promised = written.findLast(({ position }) => position <= durable);
  return {
    disk,
    operations: life.operations,
    filesMade: journal?.files.length ?? 0,
    filesDeleted: (storage as Storage | null)?.cleaner?.filesDeleted ?? 0,
    promisedEnd: promised?.end ?? -1,
  };
}

async function fillAndConsume(
  storage: Storage,
  life: LifeDisk,
  disk: SimDisk,
  written: { position: number; end: number }[],
): Promise<void> {
  const log = storage.createLog(true);
  storage.definitions.put("log", JSON.stringify({ log: log.id }));
  const flush = () => {
    if (!life.isDead && storage.flush()) written.push({ position: storage.written, end: log.nextOffset });
  };
  for (let round = 0; round < rounds && !life.isDead; round++) {
    for (let i = 0; i < recordsARound; i++) {
      const text = textOf(log.nextOffset);
      const at = log.store.reserve(log.group, envelope.amqp, text.length);
      log.store.tail.latin1Write(text, at, text.length);
      storage.seal();
    }
    for (let offset = log.firstOffset; offset < log.nextOffset - recordsARound; offset++)
      if (offset % keptEvery !== 0) log.remove(offset);
    flush();
    // Some rounds meet a sync that is under way.
    if (round % 3 !== 0) storage.startSync();
    for (let i = 0; i < (round % 4) * 6 && !life.isDead; i++) {
      if (disk.waiting > 0) await disk.step();
      flush();
    }
  }
  for (let i = 0; i < 400 && !life.isDead && disk.waiting > 0; i++) {
    await disk.step();
    flush();
  }
}

/** Starts over a copy; null when it is refused. Throws when something is read that was not stored, or cannot be read. */
async function startedEnd(disk: SimDisk): Promise<number | null> {
  const copy = disk.copy(seeded(7));
  try {
    const fatal = (error: Error) => assert.fail(error);
    const { log } = await finish(
      copy,
      open(copy, () => copy.wait(), fatal),
    );
    if (log === undefined) return -1;
    const reader = new LogReader(log, log.firstOffset);
    const found = new Set<number>();
    while (reader.next()) {
      assert.equal(reader.buffer.latin1Slice(reader.start, reader.end), textOf(reader.offset));
      found.add(reader.offset);
    }
    for (let offset = 0; offset < log.nextOffset; offset += keptEvery)
      assert.ok(found.has(offset), `it starts without record ${offset}`);
    return log.nextOffset;
  } catch (error) {
    if (error instanceof BrokerError && error.code === "CORRUPT") return null;
    throw error;
  }
}

async function isWhole(disk: SimDisk): Promise<{ ok: boolean; lines: string[] }> {
  const copy = disk.copy(seeded(8));
  return await finish(copy, checkDataDirectory(directory, copy));
}

function journalsOf(disk: SimDisk): string[] {
  return [...disk.files().keys()].filter((path) => path.endsWith(".journal")).toSorted();
}

const outcomes = { refused: 0, started: 0, repaired: 0 };

/** With any one of the journal's files missing, or all. */
async function loseFiles(
  disk: SimDisk,
  promisedEnd: number,
  told: string,
  isToRepair: boolean,
): Promise<void> {
  const journals = journalsOf(disk);
  for (const lost of [...journals.map((path) => [path]), journals]) {
    const copy = disk.copy(seeded(9));
    for (const path of lost) copy.remove(path);
    const what = `${told}, missing ${lost.join()}`;
    const end = await startedEnd(copy);
    const hasJournal = lost.length < journals.length;
    if (end !== null) {
      outcomes.started++;
      assert.ok(
        end >= promisedEnd,
        `${what}: it starts, and the log ends at ${end} instead of ${promisedEnd}`,
      );
      if (hasJournal) assert.ok((await isWhole(copy)).ok, what);
      continue;
    }
    outcomes.refused++;
    const { ok, lines } = await isWhole(copy);
    assert.ok(!ok && /missing|lost/.test(lines.join("\n")), `${what}: ${lines.join("\n")}`);
    if (!isToRepair || !hasJournal) continue;
    outcomes.repaired++;
    const repaired = await finish(copy, repairDataDirectory(directory, "now", copy));
    assert.ok(repaired.ok, `${what}: ${repaired.lines.join("\n")}`);
    assert.match(repaired.lines.join("\n"), /repair: .*(missing|nothing is left)/, what);
    assert.ok((await isWhole(copy)).ok, what);
    await finish(
      copy,
      open(copy, () => copy.wait(), assert.fail),
    );
  }
}

test(
  "any journal file may be missing, wherever the process was killed or the power failed",
  { timeout: 120_000 * Math.max(1, thorough / 5) },
  async () => {
    const { operations, filesDeleted, filesMade } = await live(Infinity);
    assert.ok(filesDeleted > 1 && filesMade > 1, "the work is too small");
    for (let last = 0; last <= operations; last += stride) {
      for (const kind of ["kill", "power"] as const) {
        const { disk, promisedEnd } = await live(last);
        disk.crash(kind);
        const told = `${kind} before operation ${last}`;
        const end = await startedEnd(disk);
        assert.ok(end !== null, `${told}: the start is refused: ${(await isWhole(disk)).lines.join("\n")}`);
        assert.ok(end >= promisedEnd, `${told}: the log ends at ${end} instead of ${promisedEnd}`);
        if (journalsOf(disk).length > 0) assert.ok((await isWhole(disk)).ok, told);
        await loseFiles(disk, promisedEnd, told, last % 8 === 0);
      }
    }
    assert.ok(
      outcomes.refused > 300 / stride && outcomes.started > 50 / stride && outcomes.repaired > 25 / stride,
      JSON.stringify(outcomes),
    );
  },
);

test("without its marker a directory that has a journal starts, and has the marker again", async () => {
  const { disk } = await live(Infinity);
  disk.crash("kill");
  const marker = `${directory}/BEGUN`;
  const before = disk.files().get(marker);
  disk.remove(marker);
  const { ok, lines } = await isWhole(disk);
  assert.ok(ok && /BEGUN: is missing/.test(lines.join("\n")), lines.join("\n"));
  assert.ok((await startedEnd(disk))! > 0);
  await finish(
    disk,
    open(disk, () => disk.wait(), assert.fail),
  );
  assert.deepEqual(disk.files().get(marker), before);
});

test("a lost journal is refused and explained, be it of one file and without segments", async () => {
  const disk = new SimDisk(seeded(3));
  const { storage } = await finish(
    disk,
    open(disk, () => disk.wait(), assert.fail),
  );
  storage.definitions.put("a", "b");
  storage.flush();
  disk.crash("kill");
  const [journal, ...others] = journalsOf(disk) as [string];
  assert.equal(others.length, 0);
  for (const lose of [() => disk.plant(journal, Buffer.alloc(20)), () => disk.remove(journal)]) {
    lose();
    assert.equal(await startedEnd(disk), null);
    const { ok, lines } = await isWhole(disk);
    assert.ok(!ok && /has lost its (header|journal)/.test(lines.join("\n")), lines.join("\n"));
  }
  const { ok, lines } = await finish(disk, repairDataDirectory(directory, "now", disk));
  assert.ok(!ok && /backup/.test(lines.join()), lines.join());
});
