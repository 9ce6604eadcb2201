/** The actions of a tick's end: order, those that come meanwhile, and one that throws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TickEnd } from "../../../src/net/tick-end.ts";

function rig() {
  const immediates: (() => void)[] = [];
  const tickEnd = new TickEnd((run) => void immediates.push(run));
  const seen: string[] = [];
  return { tickEnd, immediates, seen, note: (name: string) => tickEnd.add(() => void seen.push(name)) };
}

test("the actions of a tick share one immediate and run in their order", () => {
  const { immediates, seen, note } = rig();
  for (const name of ["a", "b", "c"]) note(name);
  assert.equal(immediates.length, 1);
  immediates.shift()!();
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.equal(immediates.length, 0);
});

test("an action that is given while others run is the next tick's", () => {
  const { tickEnd, immediates, seen, note } = rig();
  tickEnd.add(() => note("later"));
  note("now");
  immediates.shift()!();
  assert.deepEqual(seen, ["now"]);
  assert.equal(immediates.length, 1);
  immediates.shift()!();
  assert.deepEqual(seen, ["now", "later"]);
});

test("an action that throws keeps no other from running, and those behind it stay in front", () => {
  for (const isAdding of [false, true]) {
    const { tickEnd, immediates, seen, note } = rig();
    note("a");
    tickEnd.add(() => {
      if (isAdding) note("later");
      throw new Error("broken");
    });
    note("b");
    assert.throws(() => immediates.shift()!(), /broken/);
    assert.equal(immediates.length, 1);
    immediates.shift()!();
    assert.deepEqual(seen, isAdding ? ["a", "b", "later"] : ["a", "b"]);
    assert.equal(immediates.length, 0);
  }
});
