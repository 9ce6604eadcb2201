/**
 * A sync that fails leaves pages that the system takes for clean: it shows them, and no later sync brings them to the disk.
 * Nothing is told durable from then on, and the next start writes them again before it takes them for durable.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { envelope } from "../../../src/message/envelope.ts";
import { type Log, Storage } from "../../../src/storage/index.ts";
import { journalHeaderBytes } from "../../../src/storage/journal/journal-file.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";

interface Opened {
  readonly storage: Storage;
  readonly logs: readonly Log[];
  readonly failures: readonly Error[];
}

async function open(disk: SimDisk): Promise<Opened> {
  const failures: Error[] = [];
  const work = async () => {
    const storage = await Storage.open({
      disk,
      directory: "data",
      now: () => 1000,
      journalBytesMax: 1 << 16,
      requestFlush: () => {},
      pause: () => disk.wait(),
      onDurable: () => {},
      onFatal: (error) => failures.push(error),
    });
    const logs: Log[] = [];
    for (const [, value] of storage.definitions.entries("log/"))
      logs.push(storage.restoreLog(JSON.parse(value.toString()).log));
    await storage.replay();
    return { storage, logs, failures };
  };
  return finish(disk, work());
}

function append(log: Log, text: string): void {
  const at = log.store.reserve(log.group, envelope.amqp, text.length);
  log.store.tail.latin1Write(text, at, text.length);
}

async function sync(disk: SimDisk, storage: Storage): Promise<void> {
  storage.flush();
  storage.startSync();
  while (disk.waiting > 0) await disk.step();
}

/** Of so many records, some before the failed sync and some after: small ones, and ones that begin new files. */
const sizes = { "in one file": 20, "over several files": 3000 } as const;

for (const [name, size] of Object.entries(sizes)) {
  test(`what a failed sync dropped is durable after the next start, and not before (${name})`, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new SimDisk(seeded(seed));
      const { storage, failures } = await open(disk);
      const log = storage.createLog(true);
      storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
      for (let i = 0; i < 3; i++) append(log, "d".repeat(size));
      await sync(disk, storage);
      const { durable } = storage;
      assert.equal(durable, storage.written);
      disk.syncErrors = 1;
      for (let i = 0; i < 3; i++) {
        append(log, "x".repeat(size));
        storage.flush();
      }
      await sync(disk, storage);
      assert.equal(failures.length, 1);
      // The system reports the error once; the next sync succeeds and proves nothing.
      disk.syncErrors = 0;
      append(log, "late");
      await sync(disk, storage);
      assert.equal(storage.durable, durable, "told durable after a failed sync");

      disk.crash("kill");
      const again = await open(disk);
      const found = again.logs[0]!.nextOffset;
      assert.equal(found, 7, "a killed process loses nothing that was written");
      assert.equal(again.storage.durable, again.storage.written);
      disk.crash("power");
      const { logs } = await open(disk);
      assert.equal(logs[0]!.nextOffset, found, `seed ${seed}: told durable, and gone`);
    }
  });
}

test("a full disk does not keep a start from writing again what it must", async () => {
  const disk = new SimDisk(seeded(3));
  const { storage } = await open(disk);
  const log = storage.createLog(true);
  storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
  for (let i = 0; i < 10; i++) append(log, "m".repeat(100));
  storage.flush();
  disk.crash("kill");
  disk.fill(0);
  await assert.rejects(open(disk), { code: "UNAVAILABLE", message: /free some space, then start again/ });
  // What is written again takes no room; the file of a new owner begins with its header.
  disk.fill(journalHeaderBytes);
  const { logs } = await open(disk);
  assert.equal(logs[0]!.nextOffset, 10);
});
