/**
 * Messages that come back, where the rules meet: that no combination of policy, producer and consumer is forgotten, and a sample of the cells
 * over a broker that is killed. All of them: comes-back.long.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cells,
  consumerNames,
  nameOf,
  producerNames,
  reasonAgainst,
} from "../../support/comes-back/cells.ts";
import { policyNames } from "../../support/comes-back/policies.ts";
import { runCells } from "../../support/comes-back/run.ts";

test("every combination of policy, producer and consumer is run, or there is a reason why not", () => {
  const run = new Set(
    cells.map(({ policy, producer, consumer }) => nameOf(policy.name, producer.name, consumer.name)),
  );
  assert.equal(run.size, cells.length);
  const forgotten: string[] = [];
  for (const policy of policyNames)
    for (const producer of producerNames)
      for (const consumer of consumerNames) {
        const isListed = reasonAgainst(policy, producer, consumer) !== undefined;
        if (run.has(nameOf(policy, producer, consumer)) === isListed)
          forgotten.push(nameOf(policy, producer, consumer));
      }
  assert.deepEqual(forgotten, []);
});

test("a sample of the cells, SIGKILL", async () => {
  const sample = cells.filter(({ policy, producer, consumer }) => {
    const sum = policyNames.indexOf(policy.name) + consumerNames.indexOf(consumer.name);
    // Each policy has every second consumer, each pair with one producer.
    return sum % 2 === 0 && producerNames.indexOf(producer.name) === (sum / 2) % producerNames.length;
  });
  const parts = (of: (cell: (typeof cells)[number]) => { name: string }, from: typeof cells): Set<string> =>
    new Set(from.map((cell) => of(cell).name));
  for (const of of [
    ({ policy }: (typeof cells)[number]) => policy,
    ({ producer }: (typeof cells)[number]) => producer,
    ({ consumer }: (typeof cells)[number]) => consumer,
  ])
    assert.deepEqual(parts(of, sample), parts(of, cells));
  assert.deepEqual(await runCells(sample, "SIGKILL"), []);
});
