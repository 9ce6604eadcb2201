/** A violation that is planted in each room of the broker is caught by its assertion. */
import assert from "node:assert/strict";
import { createGroup } from "../../../src/broker/groups/stream-groups.ts";
import { test } from "node:test";

// Before the modules load which ask for it.
process.env["TROIKAMQ_ASSERTS"] = "1";
const { openBareBroker, publishTo } = await import("../../support/bare-broker.ts");
const { takeOnce } = await import("../../../src/broker/queue/delivery.ts");

const violation = { name: "InvariantError" };

test("queue: a held record leaves the log behind its cursor's back", async () => {
  const { declare } = await openBareBroker();
  const queue = declare("q");
  publishTo(queue, "a");
  publishTo(queue, "b");
  assert.equal(takeOnce(queue, 1), "taken");
  queue.log.remove(queue.cursor!.record.offset);
  queue.log.store.seal();
  assert.throws(() => queue.atTickEnd(), violation);
});

test("queue: bytes are taken twice", async () => {
  const { declare } = await openBareBroker();
  const queue = declare("q", { "x-max-length-bytes": 100 });
  publishTo(queue, "a");
  assert.equal(takeOnce(queue, 1), "taken");
  queue.drop(queue.cursor!.record.offset);
  queue.readyBytes!.taken(queue.cursor!.record);
  assert.throws(() => queue.atTickEnd(), violation);
});

test("cursor: a record that is new is held already", async () => {
  const { declare } = await openBareBroker();
  const queue = declare("q");
  publishTo(queue, "a");
  queue.cursor!.pending.set(0, 5, 1, 0);
  assert.throws(() => queue.cursor!.acquire(1, 0), violation);
});

test("groups: a consumer holds fewer entries than are pending", async () => {
  const { declare } = await openBareBroker();
  const queue = declare("q");
  publishTo(queue, "a");
  const group = createGroup(queue, "g");
  const owner = group.addOwner("o", 0);
  assert.ok(group.peek());
  group.give(owner.id, 0);
  owner.pending = 0;
  assert.throws(() => group.settle(0), violation);
});

test("exchange: a remembered route leads to a deleted queue", async () => {
  const { broker, declare } = await openBareBroker();
  const queue = declare("q");
  publishTo(queue, "a");
  queue.isDeleted = true;
  const { exchanges, routes } = broker.defaultVhost;
  assert.throws(() => routes.find(exchanges.get("")!, "q"), violation);
});

test("log: a transaction hides what was shown", async () => {
  const { declare } = await openBareBroker();
  const queue = declare("q");
  publishTo(queue, "a");
  assert.throws(() => queue.log.openTransaction(1, 0), violation);
});
