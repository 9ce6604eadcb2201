/** Damage to the files: what was stored is read as it was, or refused, or reported; other bytes are never served. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "../../../src/base/errors.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { journalHeaderBytes } from "../../../src/storage/journal/journal-file.ts";
import { checkDataDirectory, type Log, LogReader, Storage } from "../../../src/storage/index.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";
import { thorough } from "../../support/thorough.ts";

const directory = "data";

async function open(disk: SimDisk): Promise<{ storage: Storage; logs: Log[] }> {
  const work = async () => {
    const storage = await Storage.open({
      disk,
      directory,
      now: () => 1000,
      journalBytesMax: 1 << 17,
      requestFlush: () => {},
      pause: () => disk.wait(),
      onDurable: () => {},
      onFatal: (error) => {
        throw error;
      },
    });
    const logs: Log[] = [];
    for (const [, value] of storage.definitions.entries("log/")) {
      logs.push(storage.restoreLog(JSON.parse(value.toString()).log));
    }
    await storage.replay();
    return { storage, logs };
  };
  return finish(disk, work());
}

function append(log: Log, text: string): void {
  const at = log.store.reserve(log.group, envelope.amqp, text.length);
  log.store.tail.latin1Write(text, at, text.length);
}

async function flush(disk: SimDisk, storage: Storage, isBackgroundToRun = false): Promise<void> {
  storage.flush();
  storage.startSync();
  let steps = 0;
  while (disk.waiting > 0 && steps++ < 10_000) {
    await disk.step();
    if (isBackgroundToRun) storage.flush();
    storage.startSync();
  }
}

/** Three logs, segments, several journal files, some records gone. */
async function makeDirectory(): Promise<SimDisk> {
  const disk = new SimDisk(seeded(1));
  const { storage } = await open(disk);
  const logs = [0, 1, 2].map(() => storage.createLog(true));
  for (const log of logs) storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
  for (let round = 0; round < 60; round++) {
    for (const [i, log] of logs.entries()) {
      for (let each = 0; each < 8; each++)
        append(log, `${i}:${log.nextOffset + each}:`.padEnd(100 + each * 60, "m"));
    }
    storage.seal();
    if (round % 7 === 0) logs[1]!.remove(round);
    await flush(disk, storage, true);
  }
  logs[2]!.removeBelow(200);
  await flush(disk, storage, true);
  assert.ok(storage.cleaner!.segmentsMade > 3);
  await finish(disk, storage.close());
  return disk;
}

/** Everything that can be read; an entry for each record, or the error that stood in its place. */
async function readAll(disk: SimDisk): Promise<Map<string, string>> {
  const { storage, logs } = await open(disk);
  const all = new Map<string, string>();
  for (const log of logs) {
    const reader = new LogReader(log, log.firstOffset);
    for (;;) {
      try {
        if (!reader.next()) break;
        const text = reader.buffer.latin1Slice(reader.start, reader.end);
        all.set(`${log.id}/${reader.offset}`, `${reader.id.toString()} ${text}`);
      } catch (error) {
        assert.ok(error instanceof BrokerError && error.code === "CORRUPT", String(error));
        const next = log.nextPlaceAfter(log.removed.nextPresent(reader.position));
        all.set(`${log.id}/${reader.position}`, error.message);
        reader.seek(next);
      }
    }
  }
  for (const { file } of storage.journal!.files) file.close();
  await storage.cleaner!.closeFiles();
  return all;
}

test("a flipped byte anywhere is refused at start, or found when its record is read; never served", async () => {
  const disk = await makeDirectory();
  const whole = await readAll(disk.copy(seeded(2)));
  assert.ok(whole.size > 1000);
  const random = seeded(3);
  const outcomes = { refused: 0, reported: 0 };
  const files = [...disk.files()];
  for (let i = 0; i < 200 * thorough; i++) {
    const [path, content] = files[i % files.length]!;
    const at =
      i < files.length * 2
        ? Math.floor(random() * 48) % content.length
        : Math.floor(random() * content.length);
    const damaged = Buffer.from(content);
    damaged[at] = damaged[at]! ^ (1 << Math.floor(random() * 8));
    const copy = disk.copy(seeded(4));
    copy.plant(path, damaged);
    const what = `${path} byte ${at}`;
    const checked = await finish(copy, checkDataDirectory(directory, copy));
    assert.equal(checked.ok, false, `${what}: check finds nothing`);
    assert.ok(checked.lines.length > 1, what);
    try {
      const all = await readAll(copy);
      for (const [place, text] of all) {
        if (text.includes("fail") || text.includes("damaged") || text.includes("frame")) continue;
        assert.equal(text, whole.get(place), `${what}: ${place} is served wrong`);
      }
      outcomes.reported++;
    } catch (error) {
      assert.ok(error instanceof BrokerError && error.code === "CORRUPT", `${what}: ${String(error)}`);
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.refused > 25 && outcomes.reported > 25, JSON.stringify(outcomes));
});

test("a file that is cut or missing after a clean shutdown is refused", async () => {
  const disk = await makeDirectory();
  for (const [path, content] of disk.files()) {
    const changes: [string, (copy: SimDisk) => void][] = [
      ["missing", (copy) => copy.remove(path)],
      ["cut in half", (copy) => copy.plant(path, content.subarray(0, content.length >> 1))],
      ["empty", (copy) => copy.plant(path, Buffer.alloc(0))],
    ];
    for (const [what, change] of changes) {
      // Neither says what is stored, and nothing says that they were there.
      if (/CLEAN$|BEGUN$/.test(path) && what === "missing") continue;
      const copy = disk.copy(seeded(5));
      change(copy);
      await assert.rejects(open(copy), { code: "CORRUPT" }, `${path} ${what}`);
      assert.equal((await finish(copy, checkDataDirectory(directory, copy))).ok, false, `${path} ${what}`);
    }
  }
});

test("a journal cut at a frame's or group's end after a clean shutdown is refused", async () => {
  const disk = await makeDirectory();
  const journals = [...disk.files()].filter(([path]) => path.endsWith(".journal"));
  const [path, content] = journals.at(-1)!;
  for (let size = content.length - 1; size > Math.max(32, content.length - 3000); size -= 37) {
    const copy = disk.copy(seeded(6));
    copy.plant(path, content.subarray(0, size));
    await assert.rejects(open(copy), { code: "CORRUPT" }, `cut at ${size}`);
  }
});

test("the last group torn at any byte, by a cut or by zeros, never happened; all before it did", async () => {
  const disk = new SimDisk(seeded(7));
  const { storage } = await open(disk);
  const log = storage.createLog(true);
  storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
  for (let i = 0; i < 5; i++) {
    append(log, `before ${i}`);
    await flush(disk, storage);
  }
  const before = storage.written + journalHeaderBytes;
  append(log, "torn 1");
  append(log, "torn 2");
  storage.definitions.put("pair", "value");
  log.remove(2);
  storage.flush();
  const [path, content] = [...disk.files()].find(([name]) => name.endsWith(".journal"))!;
  assert.ok(content.length > before + 100);
  for (let size = before; size < content.length; size++) {
    for (const isZeroed of [false, true]) {
      const copy = new SimDisk(seeded(8));
      const torn = isZeroed
        ? Buffer.concat([content.subarray(0, size), Buffer.alloc(200)])
        : content.subarray(0, size);
      copy.plant(path, torn);
      const checked = await finish(copy, checkDataDirectory(directory, copy));
      assert.ok(checked.ok, checked.lines.join("\n"));
      const { storage: again, logs } = await open(copy);
      assert.equal(again.tornBytes, torn.length - before);
      assert.equal(logs[0]!.nextOffset, 5);
      assert.equal(logs[0]!.length, 5);
      assert.equal(again.definitions.get("pair"), undefined);
      append(logs[0]!, "after");
      await flush(copy, again);
      assert.equal(again.durable, again.written);
      const { logs: third } = await open(copy);
      assert.equal(third[0]!.length, 6);
    }
  }
});

test("damage in the middle is not a torn tail", async () => {
  const disk = new SimDisk(seeded(9));
  const { storage } = await open(disk);
  const log = storage.createLog(true);
  for (let i = 0; i < 20; i++) {
    append(log, `record ${i}`);
    await flush(disk, storage);
  }
  const [path, content] = [...disk.files()].find(([name]) => name.endsWith(".journal"))!;
  for (let at = 0; at < content.length - 200; at += 3) {
    const copy = new SimDisk(seeded(10));
    const damaged = Buffer.from(content);
    damaged[at] = damaged[at]! ^ 0x10;
    copy.plant(path, damaged);
    await assert.rejects(open(copy), { code: "CORRUPT" }, `byte ${at}`);
    const { ok, lines } = await finish(copy, checkDataDirectory(directory, copy));
    assert.equal(ok, false, `byte ${at}`);
    assert.match(lines.join("\n"), at < journalHeaderBytes ? /header|not a TroikaMQ|version/ : /affected: /);
  }
});

test("a new journal file whose header was torn never was, and one whose header is damaged is refused", async () => {
  const disk = new SimDisk(seeded(9));
  const { storage } = await open(disk);
  const log = storage.createLog(true);
  storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
  const journals = () => [...disk.files()].filter(([path]) => path.endsWith(".journal"));
  while (journals().length < 2) {
    append(log, "m".repeat(1000));
    storage.flush();
  }
  const records = log.nextOffset;
  const [path, header] = journals().at(-1)!;
  assert.equal(header.length, journalHeaderBytes);
  for (let size = 0; size < header.length; size++) {
    const torn = Buffer.concat([header.subarray(0, size), Buffer.alloc(200 - size)]);
    const copy = disk.copy(seeded(10));
    copy.plant(path, torn);
    const { logs } = await open(copy);
    assert.equal(logs[0]!.nextOffset, records, `torn at ${size}`);
    const damaged = Buffer.from(header);
    damaged[size] = damaged[size]! ^ 0x55;
    copy.plant(path, damaged);
    await assert.rejects(open(copy), { code: "CORRUPT" }, `byte ${size}`);
  }
});
