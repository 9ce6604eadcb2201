/** Entries of a group that were given up, in a broker whose clock the test moves. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { appendRecord } from "../../../../src/broker/exchange/outgoing-message.ts";
import { giveUp } from "../../../../src/broker/groups/give-up.ts";
import type { GroupCursor } from "../../../../src/broker/groups/group-cursor.ts";
import { createGroup } from "../../../../src/broker/groups/stream-groups.ts";
import { implicitStream } from "../../../../src/broker/queue/lifecycle.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { EntryId } from "../../../../src/message/entry-id.ts";
import { envelope } from "../../../../src/message/envelope.ts";
import { type BareBroker, openBareBroker } from "../../../support/bare-broker.ts";

let bare: BareBroker;

before(async () => {
  bare = await openBareBroker();
});

after(() => bare.close());

const given = { group: "g", reason: "rejected" };

/** A stream with entries that `alice` of its group holds. */
function held(name: string, entries: number): { queue: Queue; cursor: GroupCursor; alice: number } {
  const queue = bare.broker.defaultVhost.declareQueue({ ...implicitStream, name });
  const cursor = createGroup(queue, "g");
  const bytes = Buffer.from([0]);
  for (let i = 0; i < entries; i++) appendRecord(queue.log.group, envelope.redis, bytes, 0, bytes.length);
  queue.log.store.seal();
  const alice = cursor.addOwner("alice", 0).id;
  for (let i = 0; i < entries; i++) {
    assert.ok(cursor.peek());
    cursor.give(alice, 0);
  }
  return { queue, cursor, alice };
}

function claim(cursor: GroupCursor, offset: number, owner: number): void {
  cursor.assign(offset, owner, 2, 0, cursor.pending.readId(offset, new EntryId()));
}

test("an entry that was due, claimed and given up again waits for its new time", async () => {
  const { queue, cursor, alice } = held("later", 2);
  const first = cursor.pending.next(0);
  giveUp(queue, cursor, first, { ...given, delayMs: 10 });
  bare.pass(20);
  await bare.turnsUntil(() => cursor.countAgain() === 1);
  claim(cursor, first, alice);
  giveUp(queue, cursor, first, { ...given, delayMs: 3_600_000 });
  assert.equal(cursor.peek(), false);
  bare.pass(3_599_999);
  assert.equal(cursor.peek(), false);
  bare.pass(1);
  await bare.turnsUntil(() => cursor.countAgain() === 1);
  assert.ok(cursor.peek());
  assert.equal(cursor.record.offset, first);
  cursor.give(alice, 0);
  assert.equal(cursor.peek(), false);
});

test("an entry that was claimed before its time and given up for a later one does not come at the earlier", async () => {
  const { queue, cursor, alice } = held("longer", 1);
  const offset = cursor.pending.next(0);
  giveUp(queue, cursor, offset, { ...given, delayMs: 1000 });
  bare.pass(500);
  claim(cursor, offset, alice);
  giveUp(queue, cursor, offset, { ...given, delayMs: 10_000 });
  bare.pass(600);
  let turns = 0;
  await bare.turnsUntil(() => ++turns > 20);
  assert.equal(cursor.countAgain(), 0);
  assert.equal(cursor.peek(), false);
  bare.pass(9_400);
  await bare.turnsUntil(() => cursor.countAgain() === 1);
  assert.ok(cursor.peek());
});

test("an entry that a group set back gives out as a new one does not come again beside that", async () => {
  const { queue, cursor, alice } = held("back", 2);
  const first = cursor.pending.next(0);
  const back = (): void => cursor.setGroupPosition(first, new EntryId(), 0);
  // Ready: a reader that wants new entries alone takes it.
  giveUp(queue, cursor, first, { ...given, delayMs: 0 });
  bare.pass(1);
  await bare.turnsUntil(() => cursor.countAgain() === 1);
  back();
  assert.ok(cursor.peekNew());
  assert.equal(cursor.record.offset, first);
  cursor.give(alice, 0);
  assert.equal(cursor.countAgain(), 0);
  assert.equal(cursor.pending.ownerOf(first), alice);
  // Waiting.
  giveUp(queue, cursor, first, { ...given, delayMs: 10 });
  back();
  assert.ok(cursor.peek());
  cursor.give(alice, 0);
  bare.pass(20);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(cursor.countAgain(), 0);
  assert.equal(cursor.pending.ownerOf(first), alice);
});

test("what is ready is counted once each, and is pending", async () => {
  const { queue, cursor, alice } = held("often", 3);
  const [first, second, third] = [0, 1, 2].map((i) => cursor.pending.next(0) + i) as [number, number, number];
  for (let i = 0; i < 100; i++) {
    giveUp(queue, cursor, first, { ...given, delayMs: 0 });
    bare.pass(1);
    await bare.turnsUntil(() => cursor.countAgain() > 0);
    assert.equal(cursor.countAgain(), 1);
    claim(cursor, first, alice);
  }
  assert.equal(cursor.countAgain(), 0);
  for (const offset of [third, second, first]) giveUp(queue, cursor, offset, { ...given, delayMs: 0 });
  bare.pass(1);
  await bare.turnsUntil(() => cursor.countAgain() === 3);
  cursor.settle(first);
  queue.log.remove(second);
  assert.equal(cursor.countAgain(), 1);
  assert.ok(cursor.peek());
  assert.equal(cursor.record.offset, third);
  cursor.take();
  assert.deepEqual([cursor.countAgain(), cursor.pending.size], [0, 0]);
});
