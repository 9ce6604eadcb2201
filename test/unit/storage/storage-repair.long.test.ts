/**
 * Repair of damaged directories: what a broker opens afterwards is only what was stored, and of one fault little is lost.
 *
 * Every repaired directory passes `check`, takes new records under offsets of their own, and opens again. What was taken
 * out is in `set-aside` with its reason.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
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
const logCount = 3;

async function open(disk: SimDisk): Promise<{ storage: Storage; logs: Map<string, Log> }> {
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
    const logs = new Map<string, Log>();
    for (const [key, value] of storage.definitions.entries("log/"))
      logs.set(key, storage.restoreLog(JSON.parse(value.toString()).log));
    await storage.replay();
    return { storage, logs };
  };
  return finish(disk, work());
}

function append(log: Log, text: string): void {
  const at = log.store.reserve(log.group, envelope.amqp, text.length);
  log.store.tail.latin1Write(text, at, text.length);
}

async function flush(disk: SimDisk, storage: Storage): Promise<void> {
  storage.flush();
  storage.startSync();
  let steps = 0;
  while (disk.waiting > 0 && steps++ < 10_000) {
    await disk.step();
    storage.flush();
    storage.startSync();
  }
}

/** Three logs, segments, several journal files, some records gone. */
async function makeDirectory(isClean: boolean): Promise<SimDisk> {
  const disk = new SimDisk(seeded(1));
  const { storage } = await open(disk);
  const logs = Array.from({ length: logCount }, () => storage.createLog(true));
  for (const [i, log] of logs.entries()) storage.definitions.put(`log/${i}`, JSON.stringify({ log: log.id }));
  for (let round = 0; round < 60; round++) {
    for (const [i, log] of logs.entries()) {
      for (let each = 0; each < 8; each++) {
        append(log, `${i}:${log.nextOffset + each}:`.padEnd(100 + each * 60, "m"));
      }
    }
    storage.seal();
    if (round % 7 === 0) logs[1]!.remove(round);
    await flush(disk, storage);
  }
  logs[2]!.removeBelow(200);
  await flush(disk, storage);
  assert.ok(storage.cleaner!.segmentsMade > 3);
  if (isClean) await finish(disk, storage.close());
  else disk.crash("kill");
  return disk;
}

/** Every record, by the log's name and its offset. Throws on what cannot be read. */
async function readAll(disk: SimDisk): Promise<Map<string, string>> {
  const { storage, logs } = await open(disk);
  const all = new Map<string, string>();
  for (const [name, log] of logs) {
    const reader = new LogReader(log, log.firstOffset);
    while (reader.next()) {
      const text = reader.buffer.latin1Slice(reader.start, reader.end);
      all.set(`${name}/${reader.offset}`, `${reader.id.toString()} ${text}`);
    }
  }
  for (const { file } of storage.journal!.files) file.close();
  await storage.cleaner!.closeFiles();
  return all;
}

interface Damage {
  what: string;
  hurt: (disk: SimDisk) => void;
}

function isData(path: string): boolean {
  return !path.includes("set-aside");
}

function flip(path: string, content: Buffer, at: number, bit: number): Damage {
  const damaged = Buffer.from(content);
  damaged[at]! ^= 1 << bit;
  return { what: `${path} byte ${at}`, hurt: (disk) => disk.plant(path, damaged) };
}

function cut(path: string, content: Buffer, size: number): Damage {
  return { what: `${path} cut at ${size}`, hurt: (disk) => disk.plant(path, content.subarray(0, size)) };
}

function missing(path: string): Damage {
  return { what: `${path} missing`, hurt: (disk) => disk.remove(path) };
}

function swap(files: Map<string, Buffer>, one: string, other: string): Damage {
  return {
    what: `${one} and ${other} swapped`,
    hurt: (disk) => {
      disk.plant(one, files.get(other)!);
      disk.plant(other, files.get(one)!);
    },
  };
}

/** Hurts a copy, repairs it and proves it sound; returns what it still has. */
async function repaired(
  whole: SimDisk,
  damage: Damage,
): Promise<{ kept: Map<string, string>; lines: string[] }> {
  const disk = whole.copy(seeded(11));
  const before = await readAll(whole.copy(seeded(12)));
  damage.hurt(disk);
  const { ok, lines } = await finish(disk, repairDataDirectory(directory, "now", disk));
  const told = `${damage.what}\n${lines.join("\n")}`;
  assert.ok(ok, told);
  const again = await finish(disk, checkDataDirectory(directory, disk));
  assert.ok(again.ok, `${told}\n${again.lines.join("\n")}`);
  const kept = await readAll(disk.copy(seeded(13)));
  let back = 0;
  for (const [place, text] of kept) {
    if (before.has(place)) assert.equal(text, before.get(place), `${told}: ${place}`);
    // A record that was consumed may come again, as it was written.
    else back++;
    const [, name, offset] = place.split("/") as [string, string, string];
    assert.ok(text.includes(` ${name}:${offset}:`), `${told}: ${place} holds ${text.slice(0, 60)}`);
  }
  assert.ok(back <= 210, told);
  await growsOn(disk, kept, told);
  return { kept, lines };
}

/** New records, also of a new log, are read back after a restart beside all that was kept. */
async function growsOn(disk: SimDisk, kept: Map<string, string>, told: string): Promise<void> {
  const { storage, logs } = await open(disk);
  const expected = new Map(kept);
  const fresh = storage.createLog(true);
  storage.definitions.put("log/fresh", JSON.stringify({ log: fresh.id }));
  logs.set("log/fresh", fresh);
  for (const [name, log] of logs) {
    const place = `${name}/${log.nextOffset}`;
    append(log, `new ${place}`);
    storage.seal();
    expected.set(place, `${log.lastId.toString()} new ${place}`);
  }
  await flush(disk, storage);
  await finish(disk, storage.close());
  assert.deepEqual(await readAll(disk), expected, told);
}

for (const isClean of [true, false]) {
  const end = isClean ? "a clean end" : "a kill";

  test(`one flipped bit after ${end} costs at most the records of what it hit`, async () => {
    const whole = await makeDirectory(isClean);
    const before = await readAll(whole.copy(seeded(2)));
    const files = [...whole.files()].filter(([path]) => isData(path));
    const random = seeded(3);
    for (let i = 0; i < 60 * thorough; i++) {
      const [path, content] = files[i % files.length]!;
      const span = i < files.length * 2 ? Math.min(48, content.length) : content.length;
      const at = Math.floor(random() * span);
      const { kept, lines } = await repaired(whole, flip(path, content, at, Math.floor(random() * 8)));
      const lost = [...before.keys()].filter((place) => !kept.has(place));
      // A group has 24 records. A definition or a log's state may be in it: then the log's name or its marks are lost.
      const isDefinitionLost = new Set(kept.keys().map((place) => place.split("/")[1])).size < logCount;
      if (!isDefinitionLost) assert.ok(lost.length <= 48, `${lines.join("\n")}: lost ${lost.length}`);
    }
  });

  test(`files cut, missing or swapped after ${end} cost what they held`, async () => {
    const whole = await makeDirectory(isClean);
    const before = await readAll(whole.copy(seeded(4)));
    const files = whole.files();
    const random = seeded(5);
    for (const kind of [".journal", ".segment"]) {
      const paths = [...files.keys()].filter((path) => path.endsWith(kind));
      for (const [i, path] of paths.entries()) {
        const content = files.get(path)!;
        for (const damage of [
          cut(path, content, 0),
          cut(path, content, Math.floor(random() * content.length)),
          missing(path),
        ]) {
          const isFound = !(await isSound(whole, damage));
          assert.ok(isFound || !damage.what.endsWith("missing"), damage.what);
          if (isFound) await repaired(whole, damage);
        }
        const { kept, lines } = await repaired(whole, swap(files, path, paths[(i + 1) % paths.length]!));
        assert.deepEqual([...kept.keys()].toSorted(), [...before.keys()].toSorted(), lines.join("\n"));
      }
    }
  });
}

/** After a kill nothing tells that the end of the last journal file is missing. */
async function isSound(whole: SimDisk, damage: Damage): Promise<boolean> {
  const disk = whole.copy(seeded(6));
  damage.hurt(disk);
  return (await finish(disk, checkDataDirectory(directory, disk))).ok;
}

test("several faults at once", async () => {
  const whole = await makeDirectory(true);
  const random = seeded(7);
  for (let round = 0; round < 40; round++) {
    const hurt = (disk: SimDisk): void => {
      for (let i = 0; i < 4; i++) {
        const files = [...disk.files()].filter(([path, content]) => isData(path) && content.length > 0);
        const journals = files.filter(([path]) => path.endsWith(".journal"));
        const [path, content] = files[Math.floor(random() * files.length)]!;
        const chance = random();
        if (chance < 0.6) flip(path, content, Math.floor(random() * content.length), 3).hurt(disk);
        else if (chance < 0.8) cut(path, content, Math.floor(random() * content.length)).hurt(disk);
        else if (journals.length > 1) disk.remove(path);
      }
    };
    await repaired(whole, { what: `round ${round}`, hurt });
  }
});

test("nothing is changed without damage, nor by check alone", async () => {
  const whole = await makeDirectory(true);
  const { ok, lines } = await finish(whole, repairDataDirectory(directory, "now", whole));
  assert.ok(ok);
  assert.match(lines.at(-1)!, /nothing to repair/);
  assert.ok([...whole.files().keys()].every(isData));
  const [path, content] = [...whole.files()].find(([name]) => name.endsWith(".journal"))!;
  flip(path, content, content.length >> 1, 1).hurt(whole);
  const before = whole.files();
  assert.equal((await finish(whole, checkDataDirectory(directory, whole))).ok, false);
  assert.deepEqual(whole.files(), before);
});

test("what is set aside is there as it was, with its reason", async () => {
  const whole = await makeDirectory(true);
  const files = whole.files();
  const journal = [...files.keys()].find((name) => name.endsWith(".journal"))!;
  const segment = [...files.keys()].find((name) => name.endsWith(".segment"))!;
  flip(journal, files.get(journal)!, 5000, 1).hurt(whole);
  flip(segment, files.get(segment)!, 5000, 1).hurt(whole);
  const hurt = whole.files();
  await finish(whole, repairDataDirectory(directory, "now", whole));
  const after = whole.files();
  for (const path of [journal, segment]) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    assert.deepEqual(after.get(`${directory}/set-aside/now/${name}`), hurt.get(path));
    assert.match(
      after.get(`${directory}/set-aside/now/WHY`)!.toString(),
      new RegExp(`^${name}: .*damaged`, "m"),
    );
  }
});

test("a repair that is killed, or finds the disk full, can be done again", async () => {
  const whole = await makeDirectory(true);
  const files = whole.files();
  const random = seeded(8);
  const journals = [...files.keys()].filter((name) => name.endsWith(".journal"));
  const segments = [...files.keys()].filter((name) => name.endsWith(".segment"));
  for (let round = 0; round < 30; round++) {
    const disk = whole.copy(seeded(round));
    const journal = journals[round % journals.length]!;
    flip(journal, files.get(journal)!, Math.floor(random() * files.get(journal)!.length), 2).hurt(disk);
    swap(files, segments[0]!, segments[1]!).hurt(disk);
    disk.remove(segments[2]!);
    if (round % 3 === 0) {
      disk.fullness = 0.1;
      await finish(disk, repairDataDirectory(directory, "first", disk)).catch((error: Error) => {
        assert.ok(!(error instanceof BrokerError) && /ENOSPC/.test(String(error)), String(error));
      });
      disk.fullness = 0;
    } else {
      repairDataDirectory(directory, "first", disk).catch(() => {});
      for (let steps = Math.floor(random() * 40); steps > 0; steps--) await disk.step();
      disk.crash(round % 2 === 0 ? "kill" : "power");
    }
    const { ok, lines } = await finish(disk, repairDataDirectory(directory, "second", disk));
    assert.ok(ok, `round ${round}\n${lines.join("\n")}`);
    for (const [place, text] of await readAll(disk)) {
      const [, name, offset] = place.split("/") as [string, string, string];
      assert.ok(text.includes(` ${name}:${offset}:`), `${place} holds ${text.slice(0, 60)}`);
    }
  }
});
