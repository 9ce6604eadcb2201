/** Glob patterns: redis's answers, also the surprising ones, and no pattern that takes long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob } from "../../../src/base/patterns/glob.ts";
import { compileSteps, firstClass } from "../../../src/base/patterns/glob-steps.ts";
import { limits } from "../../../src/base/limits.ts";

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

/** How often bytes of the text were looked at to match it. */
function looksOf(pattern: string, text: string): number {
  const bytes = Buffer.from(text, "latin1");
  let looks = 0;
  const counted = new Proxy(bytes, {
    get(target, name) {
      looks++;
      return Reflect.get(target, name, target);
    },
  });
  compileGlob(Buffer.from(pattern, "latin1")).matches(counted, 0, bytes.length);
  return looks;
}

const aThousand = "a".repeat(1000);
for (const [what, pattern] of [
  ["many stars", `${"a*".repeat(500)}b*`],
  ["a long part between two stars", `*${"a".repeat(500)}b*`],
  ["a part that begins like itself", `*${"aab".repeat(100)}c*`],
  ["a part of any bytes and classes", `*${"?a[ab]".repeat(80)}b*`],
  ["many parts of classes", `*${"[ab]b*".repeat(100)}`],
] as const) {
  test(`each byte of the text is looked at once: ${what}`, () => {
    for (const text of [aThousand, "aab".repeat(333)]) {
      const looks = looksOf(pattern, text);
      // The tail's steps, and the head's, are compared in place.
      assert.ok(looks <= 2 * text.length, `${looks} looks at ${text.length} bytes`);
    }
  });
}

test("patterns that would cost too much are refused, and told what is too much", () => {
  const compile = (pattern: string) => () => compileGlob(Buffer.from(pattern));
  const { globBytesMax, globWildStepsMax } = limits;
  compile("a".repeat(globBytesMax))();
  assert.throws(compile("[a]".repeat(1_000_000)), {
    code: "LIMIT",
    message: /3000000 bytes; the most is 131072/,
  });
  compile(`*${"?".repeat(globWildStepsMax)}*`)();
  assert.throws(compile(`*${"?".repeat(globWildStepsMax + 1)}*`), { code: "LIMIT", message: /too complex/ });
  compile("?".repeat(globBytesMax))();
});

test("a class of one byte is that byte, and equal classes are kept once", () => {
  assert.equal(compileGlob(Buffer.from("[a][b]")).isLiteral, true);
  const { codes, classes } = compileSteps(Buffer.from("[ab][ba][a-b][^a]"), false);
  assert.deepEqual([...codes], [firstClass, firstClass, firstClass, firstClass + 1]);
  assert.equal(classes.length, 2 * 8);
});

/** The definition by recursion: right for patterns of stars, question marks, plain letters and whole classes, and slow. */
function slowMatch(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "[") {
    const end = pattern.indexOf("]");
    return (
      text !== "" &&
      pattern.slice(1, end).includes(text[0]!) &&
      slowMatch(pattern.slice(end + 1), text.slice(1))
    );
  }
  if (pattern[0] === "*")
    return slowMatch(pattern.slice(1), text) || (text !== "" && slowMatch(pattern, text.slice(1)));
  return (
    text !== "" &&
    (pattern[0] === "?" || pattern[0] === text[0]) &&
    slowMatch(pattern.slice(1), text.slice(1))
  );
}

test("property: the same as the definition", () => {
  const step = fc.constantFrom("a", "b", "*", "?", "[ab]", "[bc]");
  const pattern = fc.string({ unit: step, maxLength: 12 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(pattern, text, (p, t) => assert.equal(matches(p, t), slowMatch(p, t))),
    { numRuns: 5000 },
  );
});

test("property: parts of more than 32 steps too", () => {
  const part = fc
    .array(fc.constantFrom("a", "b", "?", "[ab]"), { minLength: 30, maxLength: 70 })
    .map((steps) => steps.join(""));
  const text = fc
    .array(fc.constantFrom("a", "b"), { minLength: 70, maxLength: 140 })
    .map((each) => each.join(""));
  fc.assert(
    fc.property(part, text, fc.nat(60), (wild, around, at) => {
      const fitting = wild.replaceAll("[ab]", "b").replaceAll("?", "a");
      assert.equal(matches(`*${wild}*`, around.slice(0, at) + fitting + around.slice(at)), true);
      assert.equal(matches(`*${wild}*`, around), slowMatch(`*${wild}*`, around));
    }),
  );
});
