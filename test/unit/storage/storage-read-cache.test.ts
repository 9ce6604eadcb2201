/** The cache of file blocks: what is read from the file for whom, and how much is kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiskFile } from "../../../src/base/disk.ts";
import { type FrameLocation, newFrameLocation } from "../../../src/storage/journal/frame-store.ts";
import { SegmentFiles } from "../../../src/storage/segment/segment-files.ts";
import { ReadCache } from "../../../src/storage/log/read-cache.ts";

const blockBytes = 256 * 1024;
const frameBytes = 16 * 1024;
/** Between two frames of one of a hundred logs that were written in turn. */
const stride = 100 * frameBytes;

/** A file of which each byte tells its 64-byte line; counts what is read of it. */
class PatternFile implements DiskFile {
  readonly bytes: number;
  bytesRead = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  read(target: Uint8Array, targetAt: number, size: number, at: number): number {
    const got = Math.max(Math.min(size, this.bytes - at), 0);
    for (let i = 0; i < got; i++) target[targetAt + i] = byteAt(at + i);
    this.bytesRead += got;
    return got;
  }

  write(): void {}
  writeLater(): Promise<void> {
    return Promise.resolve();
  }
  sync(): Promise<void> {
    return Promise.resolve();
  }
  size(): number {
    return this.bytes;
  }
  truncate(): void {}
  close(): void {}
}

function byteAt(position: number): number {
  return (position >>> 6) & 0xff;
}

function read(cache: ReadCache, file: DiskFile, at: number, length = frameBytes) {
  const into = newFrameLocation();
  assert.ok(cache.peek(file, at, length, into), `${at} is not there`);
  assertBytes(into.chunk.buffer, into.at, at, length);
  return into;
}

function assertBytes(buffer: Buffer, start: number, at: number, length: number): void {
  for (const i of [0, 1, length >> 1, length - 1]) assert.equal(buffer[start + i], byteAt(at + i));
}

test("a reader that goes on gets blocks: each byte of the file is read once", () => {
  const file = new PatternFile(4 * blockBytes);
  const cache = new ReadCache();
  read(cache, file, 0);
  const alone = file.bytesRead;
  assert.equal(alone, frameBytes, "the first read has nothing to go on from");
  for (let at = frameBytes; at < file.bytes; at += frameBytes) read(cache, file, at);
  assert.equal(file.bytesRead - alone, file.bytes);
});

test("a reader that jumps gets its frames and nothing around them", () => {
  const file = new PatternFile(64 * stride);
  const cache = new ReadCache();
  for (let frame = 0; frame < 64; frame++) read(cache, file, frame * stride);
  assert.equal(file.bytesRead, 64 * frameBytes);
});

test("some readers far apart, in turn, are each seen to go on", () => {
  const file = new PatternFile(8 * stride);
  const cache = new ReadCache();
  for (let step = 0; step < 8; step++) {
    for (let reader = 0; reader < 4; reader++) read(cache, file, reader * 2 * stride + step * frameBytes);
    cache.turnEnded();
  }
  assert.ok(file.bytesRead <= 4 * (frameBytes + 2 * blockBytes), `${file.bytesRead} bytes`);
});

test("what was read alone is as it was until the turn ends, and is noticed to be gone afterwards", () => {
  const file = new PatternFile(8 * stride);
  const cache = new ReadCache();
  const found = [0, 1, 2, 3].map((frame) => read(cache, file, frame * stride));
  const generations = found.map(({ chunk }) => chunk.generation);
  for (const [frame, { chunk, at }] of found.entries())
    assertBytes(chunk.buffer, at, frame * stride, frameBytes);
  cache.turnEnded();
  for (const [frame, { chunk }] of found.entries()) assert.notEqual(chunk.generation, generations[frame]);
});

test("a turn that jumps through a whole file keeps a bounded part of it, and overwrites nothing", () => {
  const frames = 2000;
  const file = new PatternFile(frames * stride);
  const cache = new ReadCache();
  const found = Array.from({ length: frames }, (_, frame) => read(cache, file, frame * stride));
  const kept = new Set(found.filter(({ chunk }) => chunk.generation === 0).map(({ chunk }) => chunk));
  assert.ok(kept.size <= 64, `${kept.size} buffers are kept`);
  assert.ok(kept.has(found.at(-1)!.chunk));
  for (const [frame, { chunk, at }] of found.entries())
    assertBytes(chunk.buffer, at, frame * stride, frameBytes);
});

test("a frame that many look at in one turn is read once, and they share its bytes", () => {
  const file = new PatternFile(4 << 20);
  for (const [length, at] of [
    [2 << 20, 1 << 20],
    // Fits into a block, but lies across two.
    [frameBytes, 3 * blockBytes - 1000],
  ] as const) {
    const cache = new ReadCache();
    file.bytesRead = 0;
    const found = Array.from({ length: 200 }, () => read(cache, file, at, length));
    assert.ok(file.bytesRead <= length + 2 * blockBytes, `${file.bytesRead} bytes are read`);
    assert.ok(new Set(found.map(({ chunk }) => chunk.buffer)).size <= 2);
  }
});

test("who looks at a part of a frame first gets all of it later, and two files are told apart", () => {
  const file = new PatternFile(8 << 20);
  const cache = new ReadCache();
  const at = 1 << 20;
  read(cache, file, at, 100);
  read(cache, file, at, 2 << 20);
  read(cache, file, at, 100);
  assert.equal(file.bytesRead, 100 + (2 << 20));
  const other = new PatternFile(8 << 20);
  read(cache, other, at, 2 << 20);
  assert.equal(other.bytesRead, 2 << 20);
});

test("readers that sleep hold blocks that are kept, and nothing else", () => {
  const file = new PatternFile(400 * blockBytes);
  const cache = new ReadCache();
  const found: FrameLocation[] = [];
  for (let turn = 0; turn < 4; turn++) {
    // Of each hundred blocks every frame: more than are kept. Then frames that are larger than a block, and frames far apart.
    const from = turn * 100 * blockBytes;
    for (let at = from; at < from + 100 * blockBytes; at += blockBytes / 2)
      found.push(read(cache, file, at, blockBytes / 2));
    for (let i = 0; i < 30; i++) found.push(read(cache, file, i * 3 * blockBytes, 2 * blockBytes));
    for (let i = 0; i < 60; i++) found.push(read(cache, file, i * stride + frameBytes));
    cache.turnEnded();
  }
  const held = new Set(found.map(({ chunk }) => chunk.buffer).filter(({ length }) => length > 0));
  // Those that wait to be used again are counted, too.
  assert.ok(held.size <= 2 * 64, `${held.size} buffers are held`);
  for (const { length } of held) assert.equal(length, blockBytes);
});

test("one turn keeps a bounded number of bytes of frames that are larger than a block", () => {
  const file = new PatternFile(100 << 20);
  const cache = new ReadCache();
  const found = Array.from({ length: 24 }, (_, i) => read(cache, file, i * (4 << 20), 2 << 20));
  const kept = found.filter(({ chunk }) => chunk.generation === 0);
  assert.ok(kept.length <= 8, `${kept.length} frames of 2 MiB are kept`);
});

test("a block that was read before its file grew is read again", () => {
  const file = new PatternFile(2 * frameBytes);
  const cache = new ReadCache();
  read(cache, file, 0);
  read(cache, file, frameBytes);
  const grown = new PatternFile(4 * frameBytes);
  file.read = (target, targetAt, size, at) => grown.read(target, targetAt, size, at);
  read(cache, file, 3 * frameBytes);
  assert.equal(cache.peek(file, 4 * frameBytes, frameBytes, newFrameLocation()), false);
});

test("what comes next is read ahead, once, and only where a reader went on", () => {
  const file = new PatternFile(8 * blockBytes);
  const cache = new ReadCache();
  cache.readAhead();
  read(cache, file, 0);
  read(cache, file, frameBytes);
  cache.turnEnded();
  const before = file.bytesRead;
  cache.readAhead();
  const ahead = file.bytesRead - before;
  assert.ok(ahead >= blockBytes && ahead <= 4 * blockBytes, `${ahead} bytes ahead`);
  cache.readAhead();
  for (let at = 2 * frameBytes; at < blockBytes + ahead; at += frameBytes) read(cache, file, at);
  assert.equal(file.bytesRead, before + ahead, "all of that was there");
  const jumping = new PatternFile(8 * stride);
  const other = new ReadCache();
  for (let at = 0; at < 4 * stride; at += stride) read(other, jumping, at);
  other.readAhead();
  assert.equal(jumping.bytesRead, 4 * frameBytes);
});

test("an error while reading ahead is for whoever asks for those bytes", () => {
  const file = new PatternFile(8 * blockBytes);
  const cache = new ReadCache();
  read(cache, file, 0);
  read(cache, file, frameBytes);
  cache.turnEnded();
  const works = file.read.bind(file);
  file.read = () => {
    throw new Error("EIO");
  };
  cache.readAhead();
  assert.throws(() => read(cache, file, blockBytes), /EIO/);
  file.read = works;
  read(cache, file, blockBytes);
});

test("no more blocks are kept than the bound says, and none of a file that is closed", () => {
  const file = new PatternFile(100 * blockBytes);
  const cache = new ReadCache();
  for (let at = 0; at < file.bytes; at += frameBytes) {
    read(cache, file, at);
    if (at % blockBytes === 0) cache.turnEnded();
  }
  assert.equal(cache.blockCount, 64);
  const other = new PatternFile(blockBytes);
  for (let at = 0; at < other.bytes; at += frameBytes) read(cache, other, at);
  cache.forget(file);
  assert.equal(cache.blockCount, 1);
});

test("of segments so many files are open, the ones used last, and a closed one has no block left", () => {
  const opened = new Map<string, PatternFile & { isClosed?: boolean }>();
  const disk = {
    open: (path: string) => {
      const file = new PatternFile(2 * blockBytes) as PatternFile & { isClosed?: boolean };
      file.close = () => (file.isClosed = true);
      opened.set(path, file);
      return file;
    },
  };
  const cache = new ReadCache();
  const files = new SegmentFiles(disk as never, "d", cache);
  for (let i = 0; i < 300; i++) {
    const file = files.open({ path: `${i}` } as never);
    for (let at = 0; at < blockBytes; at += frameBytes) read(cache, file, at);
    cache.turnEnded();
  }
  assert.equal(files.openCount, 256);
  const closed = [...opened].filter(([, file]) => file.isClosed === true).map(([path]) => Number(path));
  assert.deepEqual(
    closed,
    Array.from({ length: 300 - 256 }, (_, i) => i),
  );
  const before = cache.blockCount;
  const last = { path: "last" } as never;
  const file = files.open(last);
  for (let at = 0; at < blockBytes; at += frameBytes) read(cache, file, at);
  files.close(last);
  assert.ok(cache.blockCount < before + 1);
  assert.equal(cache.blockCount, before - 1);
});
