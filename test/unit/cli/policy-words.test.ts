/** The words of `troikamq policy set`: which are numbers, and which are texts; and that what is listed reads the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { definitionIn, wordsOf } from "../../../cli/client/definitions/words.ts";
import { CliFault } from "../../../cli/client/fault.ts";

const values: readonly (readonly [word: string, value: unknown])[] = [
  ["1000", 1000],
  ["-1", -1],
  ["0.1", 0.1],
  ["1.0", 1],
  ["true", true],
  ["false", false],
  ["True", "True"],
  ["reject-publish", "reject-publish"],
  ["", ""],
  ["1.", "1."],
  ["1e3", "1e3"],
  ["1234567890123456", "1234567890123456"],
  ['"5"', "5"],
  ['"true"', "true"],
  [String.raw`"\"5\""`, '"5"'],
  ['"', '"'],
  ["a=b", "a=b"],
  ["7D", "7D"],
];

test("a value is a number, true or false where it looks like one, and a text in quotes", () => {
  for (const [word, value] of values) assert.deepEqual(definitionIn([`key=${word}`]), { key: value }, word);
});

test("what is listed reads as the same definition", () => {
  for (const [, value] of values) {
    const definition = { key: value };
    assert.deepEqual(definitionIn([wordsOf(definition)]), definition, String(value));
  }
});

test("an object is read whole, and what is neither is told", () => {
  assert.deepEqual(definitionIn(['{"max-length": 5}']), { "max-length": 5 });
  for (const words of [["{", "}"], ["{5"], ["=5"], ["max-length"], [String.raw`key="\"`]])
    assert.throws(() => definitionIn(words), CliFault, words.join(" "));
});
