/** JSON that is parsed in slices is what JSON.parse makes of it, or is refused with it, and nests no deeper than its bound. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BrokerError } from "../../../src/base/errors.ts";
import { checkDepth, parseJson, parsing } from "../../../src/base/definitions/json.ts";

const depthMax = 34;
/** So long that its items are parsed one by one. */
const filler = "x".repeat(20_000);

function outcome(act: () => unknown): unknown {
  try {
    return { value: act() };
  } catch {
    return "refused";
  }
}

test("a document, whole or damaged, is what JSON.parse makes of it", () => {
  const value = fc.jsonValue({ maxDepth: 4, noUnicodeString: false });
  const document = fc.dictionary(
    fc.constantFrom("a", "queues", "__proto__", '"\\'),
    fc.oneof(value, fc.array(value)),
  );
  const damage = fc.record({
    at: fc.nat(),
    by: fc.constantFrom("", '"', "\\", "[", "]", "{", "}", ",", "0"),
  });
  fc.assert(
    fc.property(
      fc.oneof(value, document),
      fc.array(damage, { maxLength: 2 }),
      fc.boolean(),
      (of, damages, isTold) => {
        let text = JSON.stringify(isTold ? { of, filler } : of).padEnd(17_000);
        for (const { at, by } of damages) {
          const place = at % (text.trimEnd().length + 1);
          text = text.slice(0, place) + by + text.slice(place + (at % 2));
        }
        assert.deepEqual(
          outcome(() => parseJson(text, depthMax)),
          outcome(() => JSON.parse(text)),
        );
      },
    ),
    { numRuns: 150 },
  );
});

test("a document of many items is parsed in many pieces", () => {
  const queues = Array.from({ length: 5000 }, (_, i) => ({
    name: `q${i}`,
    arguments: { "x-max-length": i },
  }));
  const text = JSON.stringify({ queues });
  let pieces = 0;
  const job = parsing(text, depthMax);
  for (let step = job.next(); ; step = job.next()) {
    if (step.done === true) {
      assert.deepEqual(step.value, { queues });
      break;
    }
    assert.ok(step.value <= 1000, `a piece of ${step.value} units`);
    pieces++;
  }
  assert.ok(pieces > text.length / 20_000, `${pieces} pieces`);
});

test("what nests deeper than the bound is refused, lists and objects, but brackets in texts are not counted", () => {
  const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  const objects = (depth: number): string => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
  for (const nested of [lists, objects]) {
    assert.deepEqual(parseJson(nested(depthMax), depthMax), JSON.parse(nested(depthMax)));
    for (const depth of [depthMax + 1, 30_000, 4_000_000])
      assert.throws(
        () => parseJson(nested(depth), depthMax),
        (error) => error instanceof BrokerError && /deeper than 34/.test(error.message),
      );
  }
  const quoted = JSON.stringify([`\\"${lists(100)}`, "\\", lists(50)]);
  assert.deepEqual(parseJson(quoted, depthMax), JSON.parse(quoted));
});

test("a value that was no JSON is held against the same bound", () => {
  const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  checkDepth(nested(depthMax), depthMax);
  assert.throws(() => checkDepth(nested(depthMax + 1), depthMax), BrokerError);
});
