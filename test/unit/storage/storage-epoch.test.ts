/**
 * Owners of one data directory, one after the other: each start has a higher epoch, whoever finds a higher one than its own
 * stops without telling anybody anything more, and what it wrote when it had lost the directory is not taken.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { crc32 } from "../../../src/base/checksum/crc32.ts";
import { journalHeader, parseJournalFileName } from "../../../src/storage/journal/journal-file.ts";
import {
  checkDataDirectory,
  repairDataDirectory,
  type StateSource,
  stateSourceId,
  Storage,
} from "../../../src/storage/index.ts";
import type { StorageOptions } from "../../../src/storage/storage.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";

const directory = "d";

interface Owner {
  storage: Storage;
  fatal: Error[];
  durableMoves: number;
}

async function open(disk: SimDisk, options: Partial<StorageOptions> = {}): Promise<Owner> {
  const owner = { fatal: [] as Error[], durableMoves: 0 };
  const storage = await finish(
    disk,
    (async () => {
      const opened = await Storage.open({
        disk,
        directory,
        now: () => 1000,
        journalBytesMax: 1 << 17,
        requestFlush: () => {},
        pause: () => disk.wait(),
        onDurable: () => owner.durableMoves++,
        onFatal: (error) => owner.fatal.push(error),
        ...options,
      });
      await opened.replay();
      return opened;
    })(),
  );
  return Object.assign(owner, { storage });
}

function journals(disk: SimDisk): { path: string; base: number; epoch: number }[] {
  const found = [];
  for (const path of disk.files().keys()) {
    const place = parseJournalFileName(path.slice(path.lastIndexOf("/") + 1));
    if (place !== null) found.push({ path, ...place });
  }
  return found.toSorted((a, b) => a.base - b.base || a.epoch - b.epoch);
}

function put(storage: Storage, key: string, value = "v"): boolean {
  storage.definitions.put(key, value);
  return storage.flush();
}

function pairs({ storage }: Owner): string[] {
  return [...storage.definitions.entries("k")].map(([key]) => key);
}

test("each start has an epoch of its own; starts without news leave no files behind, others few", async () => {
  const disk = new SimDisk(seeded(1));
  for (let start = 1; start <= 5; start++) {
    const { storage } = await open(disk);
    await finish(disk, storage.close());
    assert.deepEqual(
      journals(disk).map(({ base, epoch }) => [base, epoch]),
      [[0, start]],
    );
  }
  for (let start = 6; start <= 60; start++) {
    const owner = await open(disk);
    put(owner.storage, `k${start}`);
    for (let i = 0; i < 40; i++) {
      owner.storage.flush();
      owner.storage.startSync();
      await disk.step();
    }
    await finish(disk, owner.storage.close());
  }
  assert.ok(journals(disk).length <= 20, `${journals(disk).length} files`);
  const last = await open(disk);
  assert.equal(pairs(last).length, 55);
});

test("an epoch that is asked for must be above those that there were", async () => {
  const disk = new SimDisk(seeded(2));
  put((await open(disk, { epoch: 7 })).storage, "k");
  await assert.rejects(open(disk, { epoch: 7 }), { code: "INVALID", message: /epoch 7/ });
  const { storage } = await open(disk, { epoch: 9 });
  assert.deepEqual(
    journals(disk).map(({ epoch }) => epoch),
    [7, 9],
  );
  await finish(disk, storage.close());
});

test("an owner that has lost the directory stops at its next look, with one error", async () => {
  const disk = new SimDisk(seeded(3));
  const old = await open(disk);
  assert.ok(put(old.storage, "k1"));
  const other = await open(disk);
  // Sealed and synced just then: nobody hears of it.
  put(old.storage, "k2");
  old.storage.startSync();
  old.storage.lookForSuccessor();
  assert.equal(old.fatal.length, 1);
  assert.match(
    old.fatal[0]!.message,
    /another broker has taken the directory over \(epoch 2, this one is of epoch 1\)/,
  );
  for (let i = 0; i < 20; i++) await disk.step();
  assert.equal(old.durableMoves, 0);
  assert.equal(put(old.storage, "k3"), false);
  old.storage.lookForSuccessor();
  assert.equal(old.fatal.length, 1);
  assert.ok(put(other.storage, "k4"));
  assert.equal(other.fatal.length, 0);
  // What the old owner wrote behind the beginning of the other one is not there.
  assert.deepEqual(pairs(await open(disk)), ["k1", "k4"]);
});

test("an owner that has lost the directory stops when it begins a file", async () => {
  const disk = new SimDisk(seeded(4));
  const old = await open(disk);
  put(old.storage, "k1");
  const other = await open(disk);
  let told = 0;
  for (let i = 0; i < 100 && old.fatal.length === 0; i++)
    if (put(old.storage, `k2-${i}`, "x".repeat(1000))) told++;
  assert.equal(old.fatal.length, 1);
  assert.ok(told < 20, `${told} changes`);
  assert.equal(put(other.storage, "k3"), true);
  assert.deepEqual(pairs(await open(disk)), ["k1", "k3"]);
});

test("a whole file of an owner that had lost the directory is not taken; check tells of it, repair sets it aside", async () => {
  const disk = new SimDisk(seeded(5));
  const first = await open(disk);
  put(first.storage, "k1");
  const end = first.storage.written;
  const second = await open(disk);
  put(second.storage, "k2");
  const [, file] = journals(disk);
  assert.deepEqual([file!.base, file!.epoch], [end, 2]);
  for (const base of [end, second.storage.written, second.storage.written + 1000]) {
    const copy = disk.copy(seeded(6));
    const path = `${directory}/journal/${String(base).padStart(16, "0")}-1.journal`;
    copy.plant(
      path,
      Buffer.concat([journalHeader({ base, epoch: 1 }), disk.files().get(file!.path)!.subarray(48)]),
    );
    const { ok, lines } = await finish(copy, checkDataDirectory(directory, copy));
    assert.ok(ok, lines.join("\n"));
    assert.match(
      lines.join("\n"),
      /of epoch 1 after another one had taken the directory over; the next start deletes it/,
    );
    assert.deepEqual(pairs(await open(copy.copy(seeded(7)))), ["k1", "k2"]);
    // Something to repair beside it.
    const hurt = copy.copy(seeded(8));
    const bytes = Buffer.from(hurt.files().get(file!.path)!);
    bytes[47]! ^= 1;
    hurt.plant(file!.path, bytes);
    const repaired = await finish(hurt, repairDataDirectory(directory, "now", hurt));
    assert.ok(repaired.ok, repaired.lines.join("\n"));
    assert.match(repaired.lines.join("\n"), /set aside: a broker of epoch 1 wrote it after/);
    assert.deepEqual(pairs(await open(hurt)), ["k1", "k2"]);
  }
});

test("a directory of an earlier version is refused with its version", async () => {
  const disk = new SimDisk(seeded(9));
  // Version 3: 40 bytes, its checksum of 32.
  const header = Buffer.alloc(40);
  header.write("TroikaMQ journal", "latin1");
  header.writeUInt32BE(3, 16);
  header.writeUInt32BE(crc32(header, 0, 32), 20);
  disk.plant(`${directory}/journal/0000000000000000.journal`, header);
  await assert.rejects(open(disk), {
    code: "CORRUPT",
    message: /journal version 3; this program reads version 4/,
  });
});

/** A source that keeps what was replayed. */
class Values implements StateSource {
  readonly sourceId = stateSourceId.keyspace;
  readonly changes = new ByteWriter();
  readonly liveBytes = 0;
  readonly found: string[] = [];

  replayed(buffer: Buffer, start: number, end: number): void {
    this.found.push(buffer.latin1Slice(start, end));
  }

  rewriteBelow(): boolean {
    return false;
  }
}

test("changes go to the source that wrote them; those of an unknown one are refused", async () => {
  const disk = new SimDisk(seeded(10));
  const source = new Values();
  const { storage } = await open(disk, { sources: [source] });
  source.changes.latin1("one");
  storage.flush();
  const again = new Values();
  const { storage: second } = await open(disk, { sources: [again] });
  assert.deepEqual(again.found, ["one"]);
  // Who has no owners passes over what is known.
  await open(disk.copy(seeded(11)));
  await assert.rejects(open(disk.copy(seeded(12)), { sources: [] }), {
    code: "CORRUPT",
    message: /values of source 1/,
  });
  second.journal!.appendSource(99, Object.assign(new ByteWriter(), { length: 0 }));
  second.flush();
  for (const sources of [[new Values()], undefined]) {
    const options = sources === undefined ? {} : { sources };
    await assert.rejects(open(disk.copy(seeded(13)), options), {
      code: "CORRUPT",
      message: /values of source 99, which this program does not know; start the version/,
    });
  }
});
