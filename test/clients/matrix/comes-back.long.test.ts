/** Messages that come back, where the rules meet: the whole matrix of policy, protocol of the producer, protocol of the consumer and restart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells } from "../../support/comes-back/cells.ts";
import { runCells } from "../../support/comes-back/run.ts";
import { restarts } from "../../support/comes-back/world.ts";

for (const restart of restarts)
  test(`all cells, ${restart}`, async () => {
    assert.deepEqual(await runCells(cells, restart), []);
  });

test("all cells with policies beside their own that do not concern them, SIGKILL", async () => {
  const beside = { "delay-allowed": true, "dedup-window-ms": 600_000 };
  assert.deepEqual(await runCells(cells, "SIGKILL", beside), []);
});
