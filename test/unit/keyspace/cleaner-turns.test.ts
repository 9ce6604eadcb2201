/** The turns that the cleaner and commands whose changes are kept back have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CleanerTurns } from "../../../src/keyspace/cleaner-turns.ts";

const turnsEach = 64;

function refusedOften(): CleanerTurns {
  const turns = new CleanerTurns();
  for (let i = 0; i < turnsEach; i++) {
    assert.equal(turns.isCleanersTurn, false);
    turns.wasRefused();
  }
  assert.ok(turns.isCleanersTurn);
  return turns;
}

test("who waits begins after as many turns of the cleaner as it was refused", () => {
  const turns = refusedOften();
  let begun = 0;
  turns.wait(() => begun++);
  turns.wait(() => begun++)();
  for (let i = 1; i < turnsEach; i++) turns.hadTurn();
  assert.equal(begun, 0);
  turns.hadTurn();
  assert.equal(begun, 1, "and who has left does not");
  assert.equal(turns.waitingCount, 0);
  assert.equal(turns.isCleanersTurn, false);
});

test("a cleaner that has nothing left to do lets all begin", () => {
  const turns = refusedOften();
  let begun = 0;
  turns.wait(() => begun++);
  turns.hadTurn();
  turns.isDone();
  assert.equal(begun, 1);
  assert.equal(turns.isCleanersTurn, false);
});

test("refusals with a turn in between are not counted together", () => {
  const turns = new CleanerTurns();
  for (let i = 0; i < 10 * turnsEach; i++) {
    turns.wasRefused();
    if (i % 8 === 0) turns.hadTurn();
  }
  assert.equal(turns.isCleanersTurn, false);
});
