import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { envelope } from "../../../src/message/envelope.ts";
import {
  checkDataDirectory,
  localDisk,
  lockDirectory,
  LogGroup,
  LogReader,
  Storage,
} from "../../../src/storage/index.ts";

function options(directory: string) {
  return {
    disk: localDisk,
    directory,
    now: () => 1000,
    journalBytesMax: 1 << 20,
    requestFlush: () => {},
    pause: () => new Promise<void>((resolve) => setImmediate(resolve)),
    onDurable: () => {},
    onFatal: (error: Error) => {
      throw error;
    },
  };
}

function append(group: LogGroup, text: string): void {
  const store = group.logs[0]!.store;
  const at = store.reserve(group, envelope.amqp, text.length);
  store.tail.latin1Write(text, at, text.length);
}

function readAll(reader: LogReader): string[] {
  const texts: string[] = [];
  while (reader.next()) {
    texts.push(
      `${reader.offset}:${reader.id.toString()}:${reader.buffer.latin1Slice(reader.start, reader.end)}`,
    );
  }
  return texts;
}

test("what was appended is there after a restart, what was removed is not", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  let storage = await Storage.open(options(directory));
  await storage.replay();
  let log = storage.createLog(true);
  storage.definitions.put("queue/a", JSON.stringify({ log: log.id }));
  for (const text of ["a", "bb", "ccc"]) append(log.group, text);
  storage.seal();
  assert.deepEqual(readAll(new LogReader(log)), ["0:1000-0:a", "1:1000-1:bb", "2:1000-2:ccc"]);
  log.remove(1);
  storage.flush();
  append(log.group, "dddd");
  storage.flush();
  log.remove(0);
  await storage.close();

  storage = await Storage.open(options(directory));
  const [, value] = [...storage.definitions.entries("queue/")][0]!;
  log = storage.restoreLog(JSON.parse(value.toString()).log);
  await storage.replay();
  assert.deepEqual(readAll(new LogReader(log)), ["2:1000-2:ccc", "3:1000-3:dddd"]);
  assert.equal(log.length, 2);
  append(log.group, "e");
  storage.seal();
  assert.deepEqual(readAll(new LogReader(log, 4)), ["4:1000-4:e"]);
  await storage.close();
  fs.rmSync(directory, { recursive: true });
});

test("after a restart a frame of many logs is read once a turn, and readers that sleep do not hold it", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  let storage = await Storage.open(options(directory));
  await storage.replay();
  const logs = Array.from({ length: 200 }, () => storage.createLog(true));
  for (const { id } of logs) storage.definitions.put(`queue/${id}`, "");
  const message = "m".repeat(1 << 20);
  append(new LogGroup(logs), message);
  storage.flush();
  await storage.close();

  let bytesRead = 0;
  const disk = {
    ...localDisk,
    open: (name: string, mode: "create" | "existing" | "read") => {
      const file = localDisk.open(name, mode);
      const read = file.read.bind(file);
      file.read = (target, targetAt, size, at) => {
        const got = read(target, targetAt, size, at);
        bytesRead += got;
        return got;
      };
      return file;
    },
  };
  storage = await Storage.open({ ...options(directory), disk });
  const readers = logs.map(({ id }) => new LogReader(storage.restoreLog(id)));
  await storage.replay();
  for (let turn = 0; turn < 2; turn++) {
    bytesRead = 0;
    for (const reader of readers) {
      reader.seek(0);
      assert.ok(reader.next());
      assert.equal(reader.end - reader.start, message.length);
      assert.equal(reader.buffer[reader.end - 1], message.charCodeAt(0));
    }
    assert.ok(bytesRead < 2 * message.length, `turn ${turn}: ${bytesRead} bytes are read`);
    storage.flush();
    const held = new Set(readers.map(({ buffer }) => buffer));
    let bytes = 0;
    for (const { length } of held) bytes += length;
    assert.ok(bytes < message.length, `turn ${turn}: ${bytes} bytes are held`);
  }
  await storage.close();
  fs.rmSync(directory, { recursive: true });
});

async function settled(storage: Storage, isDone: () => boolean): Promise<void> {
  for (let i = 0; i < 5000 && !isDone(); i++) {
    storage.flush();
    storage.startSync();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(isDone(), "the cleaner does not come to an end");
}

test("a log over segments and journal keeps by size exactly what fits", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  const storage = await Storage.open(options(directory));
  await storage.replay();
  const log = storage.createLog(true);
  storage.definitions.put("queue/a", JSON.stringify({ log: log.id }));
  for (let i = 0; i < 3000; i++) {
    append(log.group, "m".repeat(i % 1000));
    storage.flush();
  }
  await settled(storage, () => log.segments.length > 0 && !storage.cleaner!.isRunning);
  assert.ok(log.index.length > 0);
  const frames: { offset: number; bytes: number }[] = [];
  const reader = new LogReader(log);
  while (reader.nextFrame()) {
    frames.push({ offset: reader.frameOffset, bytes: 56 + reader.recordsEnd - reader.recordsStart });
  }
  const total = frames.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.equal(total, log.bytes);
  let left = total;
  for (const { offset, bytes } of frames) {
    if (offset % 17 === 0) {
      assert.equal(log.offsetForBytes(left), offset);
      assert.equal(log.offsetForBytes(left - 1), offset + 1);
    }
    left -= bytes;
  }
  assert.equal(log.offsetForBytes(0), log.nextOffset);
  log.removeBelow(log.offsetForBytes(100_000));
  assert.equal(log.offsetForBytes(100_000), log.firstOffset);
  log.removeBelow(log.nextOffset);
  assert.equal(log.bytes, 0);
  await settled(storage, () => fs.readdirSync(`${directory}/segments`).length === 0);
  await storage.close();
  const { ok, lines } = await checkDataDirectory(directory);
  assert.ok(ok, lines.join("\n"));
  assert.match(lines.at(-1)!, /: ok: \d+ files, \d+ frames, 1 logs, \d+ records$/);
  fs.rmSync(directory, { recursive: true });
});

test("a queue that is consumed as fast as it fills keeps little on the disk", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  const storage = await Storage.open(options(directory));
  await storage.replay();
  const log = storage.createLog(true);
  for (let i = 0; i < 400; i++) {
    append(log.group, "m".repeat(5000));
    storage.seal();
    log.remove(log.firstOffset);
    storage.flush();
  }
  await settled(storage, () => !storage.cleaner!.isRunning && storage.journal!.files.length === 1);
  assert.ok(storage.journal!.bytes < 200_000);
  assert.equal(storage.cleaner!.segmentsMade, 0);
  await storage.close();
  fs.rmSync(directory, { recursive: true });
});

test("check refuses a directory in use, and one without a journal, and changes neither", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  const empty = await checkDataDirectory(directory);
  assert.equal(empty.ok, false);
  assert.match(empty.lines.join(), /holds no journal/);
  const absent = path.join(directory, "absent");
  assert.deepEqual(await checkDataDirectory(absent), {
    ok: false,
    lines: [`data directory ${absent} does not exist; give the --data-dir of a broker; nothing was checked`],
  });
  const file = path.join(directory, "file/data");
  fs.writeFileSync(path.dirname(file), "");
  assert.throws(
    () => lockDirectory(file),
    /^StartError: data directory .* cannot be made: ENOTDIR.*choose another --data-dir$/,
  );
  fs.rmSync(path.dirname(file));
  assert.deepEqual(fs.readdirSync(directory), []);
  const lock = lockDirectory(directory);
  const storage = await Storage.open(options(directory));
  const used = await checkDataDirectory(directory);
  assert.equal(used.ok, false);
  assert.match(used.lines.join(), /in use/);
  await storage.replay();
  await storage.close();
  lock.release();
  assert.equal((await checkDataDirectory(directory)).ok, true);
  fs.rmSync(directory, { recursive: true });
});
