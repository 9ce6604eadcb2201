/**
 * Places in a log by entry id, time and size, while bits flip in what the disk reads: what is told is right, or CORRUPT. A place
 * that is not right is an entry that is not found, or a record that is removed too early.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "../../../src/base/errors.ts";
import { setSizes } from "../../../src/base/sizes.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { type Log, LogReader, Storage } from "../../../src/storage/index.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";
import { thorough } from "../../support/thorough.ts";

const rounds = 60;

async function filled(disk: SimDisk, hasSegments: boolean): Promise<{ storage: Storage; log: Log }> {
  const time = { now: 1000 };
  const storage = await finish(
    disk,
    Storage.open({
      disk,
      directory: "data",
      now: () => time.now,
      journalBytesMax: hasSegments ? 1 << 14 : 1 << 20,
      requestFlush: () => {},
      pause: () => disk.wait(),
      onDurable: () => {},
      onFatal: (error) => {
        throw error;
      },
    }),
  );
  const log = storage.createLog(true);
  const other = storage.createLog(true);
  await finish(disk, storage.replay());
  for (let round = 0; round < rounds; round++) {
    // The clock goes back at times.
    time.now += round % 11 === 0 ? -150 : 100;
    for (let each = 0; each <= round % 4; each++) append(log, 80 + ((round * 37) % 200));
    append(other, 300);
    storage.seal();
    // Of the frame that the log gets in this round no record is left, or some are gone.
    if (round % 5 === 0)
      for (let at = log.nextOffset - 1 - (round % 4); at < log.nextOffset; at++) log.remove(at);
    if (round % 7 === 0) log.remove(log.nextOffset - 1);
    storage.flush();
    storage.startSync();
    for (let steps = 0; disk.waiting > 0; steps++) {
      assert.ok(steps < 10_000);
      await disk.step();
      storage.flush();
      storage.startSync();
    }
  }
  assert.equal(log.segments.length > 0, hasSegments);
  assert.ok(log.index.length > 2);
  return { storage, log };
}

function append(log: Log, size: number): void {
  const at = log.store.reserve(log.group, envelope.amqp, size);
  log.store.tail.fill(0x6d, at, at + size);
}

/** All that can be asked for, with what a walk over the whole log says. */
function questionsOf(log: Log): (readonly [what: string, ask: () => number, right: number])[] {
  const questions: (readonly [string, () => number, number])[] = [];
  const reader = new LogReader(log);
  const records: { offset: number; id: EntryId; timestamp: number }[] = [];
  while (reader.next())
    records.push({
      offset: reader.offset,
      id: new EntryId().copyFrom(reader.id),
      timestamp: reader.timestamp,
    });
  for (const [i, { offset, id, timestamp }] of records.entries()) {
    questions.push([`entry ${offset}`, () => log.offsetOfEntryId(id), offset]);
    const next = new EntryId().copyFrom(id).add(1);
    const behind = records[i + 1]?.offset ?? log.stableEnd;
    questions.push([`behind entry ${offset}`, () => log.offsetOfEntryId(next), behind]);
    for (const time of [timestamp, timestamp + 1]) {
      const found = records.find((each) => each.timestamp >= time)?.offset ?? -1;
      questions.push([`time ${time}`, () => log.offsetOfTimestamp(time), found]);
    }
  }
  for (let bytes = 0; bytes < log.bytes; bytes += 97) {
    const right = log.offsetForBytes(bytes);
    questions.push([`the last ${bytes} bytes`, () => log.offsetForBytes(bytes), right]);
  }
  return questions;
}

for (const hasSegments of [false, true]) {
  const where = hasSegments ? "segments and journal" : "the journal";
  test(`places in ${where} are right or refused while bits flip`, async (t) => {
    setSizes({ chunkBytes: 512, journalCacheBytes: 512, readBlockBytes: 512, readBlocksMax: 2 });
    t.after(() => setSizes({}));
    const disk = new SimDisk(seeded(hasSegments ? 3 : 4));
    const { storage, log } = await filled(disk, hasSegments);
    const questions = questionsOf(log);
    for (const [what, ask, right] of questions) assert.equal(ask(), right, what);
    disk.readFlips = 0.5;
    let refused = 0;
    // Few bits of a segment's headers lead a walk astray unnoticed.
    const repeats = (hasSegments ? 100 : 20) * thorough;
    for (let again = 0; again < repeats; again++) {
      for (const [what, ask, right] of questions) {
        storage.journal!.turnEnded();
        try {
          assert.equal(ask(), right, what);
        } catch (error) {
          if (!(error instanceof BrokerError)) throw error;
          assert.equal(error.code, "CORRUPT");
          refused++;
        }
      }
    }
    assert.ok(refused > 0, "bits flip");
    disk.readFlips = 0;
    await finish(disk, storage.close());
  });
}
