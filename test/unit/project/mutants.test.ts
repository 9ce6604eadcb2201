/** The lists of planted faults: each still has its place in the sources. Whether it is found is `npm run mutants`. */
import assert from "node:assert/strict";
import module from "node:module";
import { test } from "node:test";
import { type Mutant, withFault } from "../../../mutants/mutant.ts";
import { roomMutants } from "../../../mutants/rooms/index.ts";
import { simulatorMutants } from "../../../sim/mutants.ts";

const all: readonly Mutant[] = [...roomMutants, ...simulatorMutants];
const isNode = process.versions.bun === undefined;

test("each planted fault has its place, once, and leaves a module that can be read", () => {
  assert.ok(all.length > 100);
  for (const mutant of all) {
    const source = withFault(mutant);
    // Bun has no such function; Node's word is enough.
    if (isNode) assert.doesNotThrow(() => module.stripTypeScriptTypes(source), mutant.name);
  }
});

test("each planted fault has a name of its own", () => {
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});
