/** Glob patterns: redis's answers, also the surprising ones, and no pattern that takes long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob } from "../../src/base/glob.ts";

function matches(pattern: string, text: string, ignoreCase = false): boolean {
  return compileGlob(Buffer.from(pattern, "latin1"), { ignoreCase }).matches(Buffer.from(text, "latin1"));
}

const cases: [pattern: string, matching: string[], other: string[]][] = [
  ["", [""], ["a"]],
  ["*", ["a", "abc"], [""]],
  ["**", ["a", "abc"], [""]],
  ["a*", ["a", "ab", "abc"], ["", "ba"]],
  ["*a", ["a", "ba", "aa"], ["ab", ""]],
  ["a*b*c", ["abc", "axbxc", "abbcc"], ["ab", "acb", "abcd"]],
  ["h?llo", ["hello", "h\nllo"], ["hllo", "heello"]],
  ["h[ae]llo", ["hello", "hallo"], ["hillo"]],
  ["h[^e]llo", ["hallo"], ["hello"]],
  ["h[a-c]llo", ["hallo", "hcllo"], ["hdllo"]],
  ["[c-a]", ["a", "b", "c"], ["d", "-"]],
  ["[a-]", ["a", "]", "^", "_"], ["-", "b"]],
  ["[]a]", [], ["]", "a", "]a]"]],
  ["[^]a", ["xa", "]a"], ["a"]],
  ["[\\]a]", ["]", "a"], ["\\"]],
  ["[\\a-c]", ["a", "-", "c"], ["b"]],
  ["[abc", ["a", "c"], ["d", "[abc"]],
  ["[", [], ["", "["]],
  ["[^", ["a"], ["", "[^"]],
  ["[\\", ["\\"], ["["]],
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\", ["\\"], [""]],
  ["a\\", ["a\\"], ["a"]],
  ["\\a", ["a"], ["\\a"]],
  ["*?", ["a", "ab"], [""]],
  ["[\u0080-a]", ["a", "\u0080", "\u00ff", "\0"], ["b", "\u007f"]],
];

for (const [pattern, matching, other] of cases) {
  test(`glob ${JSON.stringify(pattern)}`, () => {
    for (const text of matching) assert.equal(matches(pattern, text), true, JSON.stringify(text));
    for (const text of other) assert.equal(matches(pattern, text), false, JSON.stringify(text));
  });
}

test("case is ignored on demand, but not behind a backslash in a class", () => {
  assert.equal(matches("MAX*", "maxmemory", true), true);
  assert.equal(matches("max*", "MAXMEMORY", true), true);
  assert.equal(matches("[A-C]x", "bX", true), true);
  assert.equal(matches("[\\A]", "a", true), false);
  assert.equal(matches("MAX*", "maxmemory"), false);
});

test("prefix and literal are told, unescaped", () => {
  const news = compileGlob(Buffer.from("news.\\**"));
  assert.equal(Buffer.from(news.prefix).toString(), "news.*");
  assert.equal(news.isLiteral, false);
  const literal = compileGlob(Buffer.from("a\\[b"));
  assert.equal(Buffer.from(literal.prefix).toString(), "a[b");
  assert.equal(literal.isLiteral, true);
});

test("a part of a buffer is matched in place", () => {
  assert.equal(compileGlob(Buffer.from("b*d")).matches(Buffer.from("abcde"), 1, 4), true);
});

test("more than 1000 stars match nothing, as in redis", () => {
  assert.equal(matches("*a".repeat(1000), "a".repeat(1000)), true);
  assert.equal(matches(`${"*a".repeat(1000)}*`, "a".repeat(1000)), true);
  assert.equal(matches("*a".repeat(1001), "a".repeat(1001)), false);
});

test("many stars over a long text end soon", () => {
  const started = process.hrtime.bigint();
  assert.equal(matches(`${"a*".repeat(500)}b`, "a".repeat(20000)), false);
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6;
  assert.ok(elapsedMs < 2000, `took ${elapsedMs} ms`);
});

/** The definition by recursion: right for patterns of stars, question marks and plain letters, and slow. */
function slowMatch(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*")
    return slowMatch(pattern.slice(1), text) || (text !== "" && slowMatch(pattern, text.slice(1)));
  return (
    text !== "" &&
    (pattern[0] === "?" || pattern[0] === text[0]) &&
    slowMatch(pattern.slice(1), text.slice(1))
  );
}

test("property: the same as the definition", () => {
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(pattern, text, (p, t) => assert.equal(matches(p, t), slowMatch(p, t))),
    { numRuns: 3000 },
  );
});
