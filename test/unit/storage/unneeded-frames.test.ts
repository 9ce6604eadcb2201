/** Messages that are consumed before they are on the disk: what is written of them, and what may be confirmed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { envelope } from "../../../src/message/envelope.ts";
import { checkDataDirectory, type Log, LogGroup, LogReader, Storage } from "../../../src/storage/index.ts";
import { seeded, SimDisk } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";

const bodyBytes = 1000;

class Queues {
  readonly disk = new SimDisk(seeded(1));
  storage!: Storage;
  #names: string[] = [];

  async open(): Promise<void> {
    const fail = (error: Error) => {
      throw error;
    };
    this.storage = await finish(
      this.disk,
      Storage.open({
        disk: this.disk,
        directory: "data",
        now: () => 1,
        journalBytesMax: 1 << 20,
        requestFlush: () => {},
        pause: () => this.disk.wait(),
        onDurable: () => {},
        onFatal: fail,
      }),
    );
  }

  make(name: string): Log {
    const log = this.storage.createLog(true);
    log.forgetsConsumed = true;
    this.storage.definitions.put(name, String(log.id));
    this.#names.push(name);
    return log;
  }

  append({ group }: { group: LogGroup }, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.storage.journal!.reserve(group, envelope.amqp, bodyBytes);
      this.storage.journal!.tail.fill(i % 256, at, at + bodyBytes);
    }
    this.storage.seal();
  }

  async sync(): Promise<void> {
    this.storage.startSync();
    while (this.storage.journal!.isSyncing) await this.disk.step();
  }

  async crash(kind: "kill" | "power"): Promise<Log[]> {
    this.disk.crash(kind);
    const { ok, lines } = await checkDataDirectory("data", this.disk);
    assert.ok(ok, lines.join("\n"));
    await this.open();
    const logs = this.#names.map((name) =>
      this.storage.restoreLog(Number(this.storage.definitions.get(name)!.toString())),
    );
    await finish(this.disk, this.storage.replay());
    return logs;
  }
}

async function opened(): Promise<Queues> {
  const queues = new Queues();
  await queues.open();
  await finish(queues.disk, queues.storage.replay());
  return queues;
}

test("what was consumed before it was written is a hole, and what comes behind it is found", async () => {
  const queues = await opened();
  const log = queues.make("queue");
  queues.storage.flush();
  queues.append(log, 100);
  log.removeBelow(100);
  queues.append(log, 1);
  queues.storage.flush();
  assert.ok(queues.storage.journal!.unneeded.sparedBytes >= 100 * bodyBytes);
  const [found] = await queues.crash("kill");
  assert.deepEqual([found!.firstOffset, found!.nextOffset], [100, 101]);
  const reader = new LogReader(found!);
  assert.ok(reader.next());
  assert.equal(reader.offset, 100);
});

test("offsets go on behind records that were never written", async () => {
  const queues = await opened();
  const log = queues.make("queue");
  queues.append(log, 50);
  log.removeBelow(50);
  queues.storage.flush();
  const [found] = await queues.crash("kill");
  assert.deepEqual([found!.firstOffset, found!.nextOffset], [50, 50]);
});

test("a message is settled when it is consumed, before it is durable", async () => {
  const queues = await opened();
  const log = queues.make("queue");
  queues.storage.flush();
  await queues.sync();
  queues.append(log, 1);
  const position = queues.storage.pending;
  queues.storage.flush();
  assert.ok(queues.storage.settled < position);
  log.removeBelow(1);
  queues.storage.flush();
  assert.ok(queues.storage.settled >= position);
  assert.ok(queues.storage.durable < position);
});

test("a message that moves on to another queue is settled when the one or the other is durable", async () => {
  for (const isWritten of [true, false]) {
    const queues = await opened();
    const [from, to] = [queues.make("from"), queues.make("to")];
    queues.storage.flush();
    await queues.sync();
    queues.append(from, 1);
    const position = queues.storage.pending;
    if (isWritten) queues.storage.flush();
    queues.append(to, 1);
    from.movesOn(0);
    from.removeBelow(1);
    queues.storage.flush();
    assert.ok(queues.storage.settled < position);
    await queues.sync();
    assert.ok(queues.storage.settled >= position);
    const [before, after] = await queues.crash("power");
    assert.equal(before!.length + after!.length, 1);
  }
});

test("a message for two queues is settled when both have consumed it", async () => {
  const queues = await opened();
  const [one, other] = [queues.make("one"), queues.make("other")];
  queues.storage.flush();
  await queues.sync();
  queues.append({ group: new LogGroup([one, other]) }, 10);
  one.removeBelow(10);
  const position = queues.storage.pending;
  queues.storage.flush();
  assert.equal(queues.storage.journal!.unneeded.sparedBytes, 0);
  assert.ok(queues.storage.settled < position);
  other.removeBelow(10);
  queues.storage.flush();
  assert.ok(queues.storage.settled >= position);
});

test("a stream's records are written, though they are deleted at once: its last id is in them", async () => {
  const queues = await opened();
  const log = queues.make("stream");
  log.forgetsConsumed = false;
  queues.append(log, 10);
  const lastId = log.lastId.toString();
  log.removeBelow(10);
  queues.storage.flush();
  const [found] = await queues.crash("kill");
  assert.equal(found!.lastId.toString(), lastId);
});
