/** The real disk where the system writes and reads less than it was asked to: a signal, a quota, a network's file system. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { localDisk } from "../../../src/storage/local/disk.ts";

const most = 7;
const content = Buffer.from("abcdefghijklmnopqrstuvwxyz0123456789");

interface Patched {
  write: typeof fs.write;
  writeSync: typeof fs.writeSync;
  readSync: typeof fs.readSync;
}

/** While it runs each call of the system moves at most a few bytes. */
async function withShortCalls(run: () => Promise<void>): Promise<number> {
  const { write, writeSync, readSync } = fs;
  let calls = 0;
  const few = (length: number): number => (calls++, Math.min(length, most));
  const patched = fs as unknown as Record<keyof Patched, unknown>;
  patched.write = (fd: number, bytes: Uint8Array, from: number, length: number, at: number, done: never) =>
    write(fd, bytes, from, few(length), at, done);
  patched.writeSync = (fd: number, bytes: Uint8Array, from: number, length: number, at: number) =>
    writeSync(fd, bytes, from, few(length), at);
  patched.readSync = (fd: number, bytes: Uint8Array, from: number, length: number, at: number) =>
    readSync(fd, bytes, from, few(length), at);
  try {
    await run();
  } finally {
    Object.assign(fs, { write, writeSync, readSync });
  }
  return calls;
}

test("short writes and reads go on where they ended", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-short-"));
  try {
    for (const way of ["write", "writeLater"] as const) {
      const file = localDisk.open(path.join(directory, way), "create");
      const read = Buffer.alloc(content.length, ".");
      const calls = await withShortCalls(async () => {
        // A part of the bytes, to a place behind the beginning.
        await file[way](content, 2, content.length - 1, 10);
        assert.equal(file.read(read, 1, content.length - 3, 10), content.length - 3);
      });
      assert.ok(calls >= 10, `${calls} calls`);
      file.close();
      const expected = content.subarray(2, -1);
      assert.deepEqual(fs.readFileSync(path.join(directory, way)).subarray(10), expected, way);
      assert.equal(read.toString(), `.${expected.toString()}..`, way);
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

test("a read at the end of a file says how much there was", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-short-"));
  try {
    const file = localDisk.open(path.join(directory, "file"), "create");
    file.write(content, 0, content.length, 0);
    const read = Buffer.alloc(100);
    await withShortCalls(async () => assert.equal(file.read(read, 0, 100, 30), 6));
    assert.equal(read.toString("latin1", 0, 6), "456789");
    file.close();
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
