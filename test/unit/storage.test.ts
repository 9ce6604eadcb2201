import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { envelope } from "../../src/message/envelope.ts";
import { localDisk, type LogGroup, LogReader, Storage } from "../../src/storage/index.ts";

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
      `${reader.offset}:${reader.idMs}-${reader.idSequence}:${reader.buffer.latin1Slice(reader.start, reader.end)}`,
    );
  }
  return texts;
}

test("what was appended is there after a restart, what was removed is not", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "storage-"));
  let storage = await Storage.open(options(directory));
  await storage.replay();
  let log = storage.createLog(true);
  storage.table.put("queue/a", JSON.stringify({ log: log.id }));
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
  const [, value] = [...storage.table.entries("queue/")][0]!;
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
