/** Chunks in memory: who still reads one that was given up finds its bytes until the turn ends, and memory is used again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { envelope } from "../../../src/message/envelope.ts";
import { newFrameLocation } from "../../../src/storage/journal/frame-store.ts";
import { Log } from "../../../src/storage/log/log.ts";
import { VolatileStore } from "../../../src/storage/log/volatile-store.ts";

const recordBytes = 100 << 10;

function make() {
  const store = new VolatileStore(
    () => 1000,
    () => {},
  );
  const log = new Log(1, store, false, { logChanged: () => {}, segmentUnneeded: () => {} });
  const append = (mark: number): void => {
    const at = store.reserve(log.group, envelope.amqp, recordBytes);
    store.tail.fill(mark, at, at + recordBytes);
    store.seal();
  };
  return { store, log, append };
}

test("what a chunk held that was given up in this turn is as it was until the turn ends", () => {
  const { log, append } = make();
  // Fills a chunk and begins another.
  for (let i = 0; i < 12; i++) append(1);
  const location = newFrameLocation();
  log.locate(0, location);
  const { chunk, at } = location;
  const { buffer, generation } = chunk;
  log.removeBelow(12);
  assert.ok(chunk.generation > generation, "a reader that slept would not notice");
  for (let i = 0; i < 40; i++) append(2);
  assert.equal(buffer[at + 200], 1, "a reader of this turn reads what came later");
});

test("buffers go round: as many are made as are needed at once", () => {
  const { store, log, append } = make();
  const buffers = new Set<Buffer>();
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 12; i++) {
      append(round);
      buffers.add(store.tail);
    }
    log.removeBelow(log.nextOffset);
    store.turnEnded();
  }
  assert.ok(buffers.size <= 6, `${buffers.size} buffers`);
  assert.ok(store.bytes <= 2 << 20, `${store.bytes} bytes are held`);
});

test("a frame of which nothing is left goes from memory, wherever it stands", () => {
  const { log, append } = make();
  for (let i = 0; i < 30; i++) append(i);
  const { bytes } = log;
  for (let offset = 1; offset < 30; offset++) log.remove(offset);
  assert.equal(log.bytes, bytes / 30);
  assert.equal(log.index.length, 1);
  log.remove(0);
  assert.equal(log.bytes, 0);
});

test("a bound by bytes that is just met keeps everything; one byte less drops one frame", () => {
  const { log, append } = make();
  for (let i = 0; i < 5; i++) append(i);
  assert.equal(log.offsetForBytes(log.bytes), 0);
  assert.equal(log.offsetForBytes(log.bytes - 1), 1);
  assert.equal(log.offsetForBytes((log.bytes / 5) * 2), 3);
  assert.equal(log.offsetForBytes(0), 5);
});
