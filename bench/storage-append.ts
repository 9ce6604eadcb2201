/**
 * What a message costs in the storage alone: append, flush and read of 100-byte records, 1,000 in a tick.
 *
 *     bun bench/storage-append.ts [--ticks 3000] [--rounds 5]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { envelope } from "../src/message/envelope.ts";
import { localDisk, type Log, LogGroup, LogReader, Storage } from "../src/storage/index.ts";

const { values: options } = parseArgs({
  options: { ticks: { type: "string", default: "3000" }, rounds: { type: "string", default: "5" } },
});
const ticks = Number(options.ticks);
const recordBytes = 100;
const perTick = 1000;
const body = Buffer.alloc(recordBytes, "x");

/** Runs one workload on a new directory; returns ns for each record appended (and for each read). */
async function measure(
  logCount: number,
  groupsOf: (logs: Log[]) => LogGroup[],
  durable: boolean,
): Promise<string> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "append-"));
  const storage = await Storage.open({
    disk: localDisk,
    directory,
    now: () => Date.now(),
    journalBytesMax: 256 << 20,
    requestFlush: () => {},
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    onDurable: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  await storage.replay();
  const logs = Array.from({ length: logCount }, () => storage.createLog(durable));
  const groups = groupsOf(logs);
  const readers = logs.map((log) => new LogReader(log));
  const times = { append: 0, flush: 0, read: 0, remove: 0 };
  let reads = 0;
  let next = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const start = performance.now();
    for (let i = 0; i < perTick; i++) {
      const group = groups[next]!;
      if (++next === groups.length) next = 0;
      const { store } = group.logs[0]!;
      const at = store.reserve(group, envelope.amqp, recordBytes);
      store.tail.set(body, at);
    }
    storage.seal();
    const appended = performance.now();
    for (const reader of readers) while (reader.next()) reads++;
    const read = performance.now();
    for (const reader of readers) reader.log.removeBelow(reader.position);
    const removed = performance.now();
    storage.flush();
    storage.startSync();
    times.append += appended - start;
    times.read += read - appended;
    times.remove += removed - read;
    times.flush += performance.now() - removed;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await storage.close();
  fs.rmSync(directory, { recursive: true });
  const records = ticks * perTick;
  const ns = (ms: number, count: number) => ((ms * 1e6) / count).toFixed(0);
  return `append ${ns(times.append, records)}, flush ${ns(times.flush, records)}, read ${ns(times.read, reads)}, remove ${ns(times.remove, reads)} ns`;
}

for (let round = 0; round < Number(options.rounds); round++) {
  console.log("one log:        ", await measure(1, (logs) => [logs[0]!.group], true));
  console.log("50-log group:   ", await measure(50, (logs) => [new LogGroup(logs)], true));
  console.log("1,000 logs:     ", await measure(1000, (logs) => logs.map((log) => log.group), true));
  console.log("1,000 volatile: ", await measure(1000, (logs) => logs.map((log) => log.group), false));
}
