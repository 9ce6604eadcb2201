/**
 * Mutated inputs, shared out over all fuzz targets by fixed seeds, and every input that ever broke a promise.
 * FUZZ_INPUTS says how many on each runtime (CI: 200,000); `npm run fuzz` takes minutes and other seeds instead.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keptChains, replay, Runner } from "../../../fuzz/runner.ts";
import { targets } from "../../../fuzz/targets/index.ts";

const inputsTotal = Number(process.env["FUZZ_INPUTS"] ?? 10_000);
const weightTotal = targets.reduce((sum, { weight }) => sum + weight, 0);
const seed = 20_251_124;
/** Spread over two seeds, so that a session does not always meet the same broker. */
const seeds = [seed, seed + 1];

let inputs = 0;

describe("mutated inputs", () => {
  for (const target of targets) {
    test(target.name, async () => {
      for (const [name, chain] of keptChains(target.name)) {
        assert.equal(await replay(target, chain), null, `test/vectors/fuzz/${target.name}/${name}`);
      }
      for (const each of seeds) {
        const runner = new Runner(target, each);
        const count = Math.ceil((inputsTotal * target.weight) / weightTotal / seeds.length);
        const failure = await runner.run(count);
        runner.close();
        inputs += runner.inputs;
        const bytes = failure?.chain.map((input) => input.toString("hex")).join(" | ");
        assert.equal(failure, null, `${failure?.problem}\nseed ${each}, input ${bytes}`);
      }
    });
  }

  test("so many were run", () => {
    assert.ok(inputs >= inputsTotal, `${inputs} inputs`);
  });
});
