/** Scripts are found by their text, without its SHA-1, and never one for another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  notCompiled,
  type Script,
  ScriptCache,
  scriptSha,
} from "../../../src/protocols/redis/script/run/script-cache.ts";

function scriptOf(source: string): Script {
  const text = Buffer.from(source);
  return {
    sha: scriptSha(text),
    text,
    body: text,
    flags: null,
    machine: notCompiled,
    reference: 0,
    isLoaded: false,
  };
}

/** `text` as it lies in a request. */
function find(cache: ScriptCache, text: string): Script | undefined {
  const request = Buffer.from(`--${text}--`);
  return cache.findText(request, 2, request.length - 2);
}

test("a script is found by its whole text, until it is forgotten", () => {
  const cache = new ScriptCache(() => {});
  const script = scriptOf("return 1");
  assert.equal(find(cache, "return 1"), undefined);
  cache.add(script);
  assert.equal(find(cache, "return 1"), script);
  for (const other of ["return 2", "return 1 ", "return", ""]) assert.equal(find(cache, other), undefined);
  cache.clear();
  assert.equal(find(cache, "return 1"), undefined);
});

test("of two texts with the same place in the index, each is found or not, never the other", () => {
  const cache = new ScriptCache(() => {});
  // They differ between the bytes that are looked at for the index.
  const one = scriptOf(`return '${"a".repeat(400)}'`);
  const other = scriptOf(`return '${"a".repeat(105)}b${"a".repeat(294)}'`);
  cache.add(one);
  cache.add(other);
  assert.equal(find(cache, String(other.text)), other);
  assert.equal(find(cache, String(one.text)), undefined);
  assert.equal(cache.find(one.sha), one);
  cache.rememberText(one);
  assert.equal(find(cache, String(one.text)), one);
});
