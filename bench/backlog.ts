/**
 * A backlog of ten million records through the storage on a real disk: memory, restart, and how fast it drains.
 *
 *     bun bench/backlog.ts [--records 10000000] [--logs 1] [--directory DIR] [--journal-bytes-max 268435456]
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { envelope } from "../src/message/envelope.ts";
import { localDisk, type Log, LogReader, Storage } from "../src/storage/index.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "10000000" },
    logs: { type: "string", default: "1" },
    directory: { type: "string" },
    "journal-bytes-max": { type: "string", default: String(256 << 20) },
  },
});
const records = Number(options.records);
const logCount = Number(options.logs);
const recordBytes = 100;
const perTick = 1000;
const body = Buffer.alloc(recordBytes, "x");

let isFlushWanted = false;
/** The longest time that the event loop was held, ms, outside of what this program does itself. */
let longestPause = 0;

async function open(directory: string): Promise<Storage> {
  return Storage.open({
    disk: localDisk,
    directory,
    now: () => Date.now(),
    journalBytesMax: Number(options["journal-bytes-max"]),
    requestFlush: () => (isFlushWanted = true),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    onDurable: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
}

function memory(): string {
  return `${Math.round(process.memoryUsage.rss() / (1 << 20))} MiB RSS`;
}

function report(what: string, sinceMs: number, count: number): void {
  const ms = performance.now() - sinceMs;
  const each = count > 0 ? `, ${((ms * 1e6) / count).toFixed(0)} ns a record` : "";
  console.log(`${what}: ${(ms / 1000).toFixed(2)} s${each}, ${memory()}`);
}

const turn = async (): Promise<void> => {
  const start = performance.now();
  await new Promise<void>((resolve) => setImmediate(resolve));
  longestPause = Math.max(longestPause, performance.now() - start);
};

function append(log: Log): void {
  const { store } = log;
  const at = store.reserve(log.group, envelope.amqp, recordBytes);
  store.tail.set(body, at);
}

async function fill(storage: Storage, logs: Log[]): Promise<void> {
  let next = 0;
  for (let done = 0; done < records; done += perTick) {
    for (let i = 0; i < perTick; i++) {
      append(logs[next]!);
      if (++next === logs.length) next = 0;
    }
    storage.flush();
    storage.startSync();
    await turn();
    // As the broker does: publishers wait while too much is not yet on the disk.
    while (storage.written - storage.durable > 64 << 20) await turn();
  }
}

/** Lets the cleaner do what is due. */
async function settle(storage: Storage): Promise<void> {
  const cleaner = storage.cleaner!;
  for (let idle = 0; idle < 200; idle++) {
    if (isFlushWanted || cleaner.isRunning || storage.durable < storage.written) idle = 0;
    isFlushWanted = false;
    storage.flush();
    storage.startSync();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function drain(storage: Storage, logs: Log[]): Promise<number> {
  let count = 0;
  let sum = 0;
  const readers = logs.map((log) => new LogReader(log));
  let isMore = true;
  let atTurn = 0;
  while (isMore) {
    isMore = false;
    for (const reader of readers) {
      const { log } = reader;
      let left = perTick;
      while (left-- > 0 && reader.next()) {
        sum += reader.buffer[reader.start]!;
        count++;
      }
      if (left < 0) isMore = true;
      log.removeBelow(reader.position);
      if (count - atTurn < perTick * 10) continue;
      atTurn = count;
      storage.flush();
      storage.startSync();
      await turn();
    }
  }
  if (sum !== count * body[0]!) throw new Error("the records read are not those written");
  return count;
}

/** Append and read at once, in memory all the time: what draining a backlog is measured against. */
async function follow(storage: Storage, logs: Log[], count: number): Promise<void> {
  const readers = logs.map((log) => new LogReader(log, log.nextOffset));
  let next = 0;
  for (let done = 0; done < count; done += perTick) {
    const first = next;
    for (let i = 0; i < perTick; i++) {
      append(logs[next]!);
      if (++next === logs.length) next = 0;
    }
    storage.seal();
    let got = 0;
    for (let i = 0; i < Math.min(perTick, logs.length); i++) {
      const reader = readers[(first + i) % logs.length]!;
      while (reader.next()) got++;
      reader.log.removeBelow(reader.position);
    }
    if (got !== perTick) throw new Error("records are missing");
    storage.flush();
    storage.startSync();
    await turn();
  }
}

const directory = options.directory ?? fs.mkdtempSync(path.join(os.tmpdir(), "backlog-"));
try {
  let storage = await open(directory);
  await storage.replay();
  let logs = Array.from({ length: logCount }, () => storage.createLog(true));
  for (const log of logs) storage.definitions.put(`log/${log.id}`, JSON.stringify({ log: log.id }));
  let start = performance.now();
  await fill(storage, logs);
  report("fill", start, records);
  start = performance.now();
  await settle(storage);
  report("cleaner done", start, 0);
  const { filesDeleted, segmentsMade, segmentBytesWritten, failures, lastFailure } = storage.cleaner!;
  console.log({ filesDeleted, segmentsMade, segmentBytesWritten, failures, lastFailure, longestPause });
  start = performance.now();
  await storage.close();
  report("close", start, 0);

  start = performance.now();
  storage = await open(directory);
  const ids = [...storage.definitions.entries("log/")].map(
    ([, value]) => JSON.parse(value.toString()).log as number,
  );
  logs = ids.map((id) => storage.restoreLog(id));
  await storage.replay();
  report("open and replay", start, 0);
  start = performance.now();
  longestPause = 0;
  const drained = await drain(storage, logs);
  report("drain", start, drained);
  if (drained !== records) throw new Error(`${records} records went in, ${drained} came out`);
  console.log({ longestPause });
  await settle(storage);
  console.log(
    `left on the disk: ${storage.journal!.bytes} bytes of journal, ${fs.readdirSync(`${directory}/segments`).length} segments`,
  );
  start = performance.now();
  await follow(storage, logs, Math.min(records, 2_000_000));
  report("append and read, nothing behind", start, Math.min(records, 2_000_000));
  await storage.close();
} finally {
  if (options.directory === undefined) fs.rmSync(directory, { recursive: true, force: true });
}
