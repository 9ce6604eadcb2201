/** Which known name a mistyped one is taken for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/base/text/nearest.ts";

test("a name is taken for a known one up to two letters off, or a quarter of its letters", () => {
  const known = ["monitoring", "management", "policymaker"];
  assert.equal(nearest("monitoring", known), "monitoring");
  assert.equal(nearest("MONITORINGxx", known), "monitoring", "upper and lower case are alike");
  assert.equal(nearest("xxxitoring", known), undefined, "three letters of ten");
  assert.equal(nearest("abcx", ["abcd"]), "abcd");
  assert.equal(nearest("abyx", ["abcd"]), "abcd");
  assert.equal(nearest("axyz", ["abcd"]), undefined, "three letters of four");
  // A quarter of twelve letters is three.
  assert.equal(nearest("xxxdefghijkl", ["abcdefghijkl"]), "abcdefghijkl");
  assert.equal(nearest("xxxxefghijkl", ["abcdefghijkl"]), undefined);
});

test("letters that are left out or put in count as those that are changed", () => {
  assert.equal(nearest("ag", ["tag"]), "tag");
  assert.equal(nearest("ttag", ["tag"]), "tag");
  assert.equal(nearest("", ["tag"]), undefined);
  assert.equal(nearest("", ["ab"]), "ab");
  assert.equal(nearest("tag", []), undefined);
});

test("of several equally near names the first is taken", () => {
  assert.equal(nearest("cat", ["bat", "rat", "cut"]), "bat");
  assert.equal(nearest("cat", ["dot", "rat", "bat"]), "rat", "the nearest, wherever it stands");
});
