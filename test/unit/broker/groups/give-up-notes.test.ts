/** What is kept of entries that were given up: bounded, forgotten with the last of them, the same in its durable form. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader, ByteWriter } from "../../../../src/base/bytes.ts";
import { limits } from "../../../../src/base/limits.ts";
import { GiveUpNotes } from "../../../../src/broker/groups/give-up-notes.ts";

const ofEntry = (n: number) => ({ reason: `reason ${n}`, consumer: `c${n % 3}`, deliveredAt: 1000 + n });

test("notes are kept through their durable form, and end one by one", () => {
  const notes = new GiveUpNotes();
  for (let n = 0; n < 500; n++) notes.set(n * 7, ofEntry(n));
  for (let n = 0; n < 500; n += 2) notes.clear(n * 7);
  const writer = new ByteWriter(64);
  notes.encode(writer);
  const restored = new GiveUpNotes();
  restored.set(3, ofEntry(9999));
  restored.decode(new ByteReader(writer.buffer, 0, writer.length));
  for (const each of [notes, restored]) {
    assert.equal(each.size, 250);
    for (let n = 0; n < 500; n++) assert.deepEqual(each.of(n * 7), n % 2 === 0 ? null : ofEntry(n));
    assert.equal(each.of(3), null);
    // A text that it knows, and a new one.
    each.set(4, { ...ofEntry(1), reason: "other" });
    assert.deepEqual(each.of(4), { ...ofEntry(1), reason: "other" });
  }
});

test("a group remembers so many texts, until nothing of it waits", () => {
  const notes = new GiveUpNotes();
  const count = limits.giveUpTextsMax + 10;
  for (let n = 0; n < count; n++) notes.set(n, { reason: `reason ${n}`, consumer: "c", deliveredAt: n });
  assert.equal(notes.of(0)!.reason, "reason 0");
  assert.deepEqual(notes.of(count - 1), { reason: "", consumer: "c", deliveredAt: count - 1 });
  for (let n = 0; n < count; n++) notes.clear(n);
  assert.equal(notes.size, 0);
  notes.set(1, ofEntry(count));
  assert.deepEqual(notes.of(1), ofEntry(count));
});

test("a long text is cut, and the texts of a group have so many bytes", () => {
  const notes = new GiveUpNotes();
  const long = (n: number): string => `${n}`.padEnd(limits.giveUpTextBytesMax + 50, "x");
  let taken = 0;
  while (notes.takes(long(taken), "")) {
    notes.set(taken, { reason: long(taken), consumer: "", deliveredAt: 0 });
    taken++;
  }
  assert.equal(notes.of(0)!.reason, long(0).slice(0, limits.giveUpTextBytesMax));
  assert.equal(taken, Math.floor(limits.giveUpTextsBytesMax / limits.giveUpTextBytesMax));
  const writer = new ByteWriter();
  notes.encode(writer);
  assert.ok(writer.length < limits.giveUpTextsBytesMax + 64 * (taken + 1), `${writer.length}`);
});
