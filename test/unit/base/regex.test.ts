/** Regular expressions of permissions: the answers of a matcher that goes back, without going back; the rest is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../src/base/limits.ts";
import { Regex } from "../../../src/base/patterns/regex.ts";

const cases: [pattern: string, matching: string[], other: string[]][] = [
  ["^$", [""], ["a"]],
  ["", ["", "a"], []],
  ["a", ["a", "xax"], ["", "b"]],
  ["^(amq\\.gen.*|amq\\.default)$", ["amq.gen-1", "amq.default"], ["amqxgen", "amq.default1"]],
  ["^app[-_.][a-z0-9]{2,3}$", ["app-ab", "app.a1c"], ["app-a", "app-abcd", "appxab"]],
  ["^a{2}$", ["aa"], ["a", "aaa"]],
  ["^a{2,}?$", ["aa", "aaaa"], ["a"]],
  ["^(?:a|b)+?c??$", ["ab", "abc"], ["c", "abcc"]],
  ["^a{,3}$", ["a{,3}"], ["aa"]],
  ["^x{1$", ["x{1"], ["x"]],
  ["(?i)^Queue", ["queue1", "QUEUE"], ["aqueue"]],
  ["^a(?i)b|c$", ["aB", "C"], ["AB"]],
  ["^(?i:a)b$", ["Ab"], ["aB"]],
  ["^a(?-i)b$", ["ab"], ["aB"]],
  ["^[^a-c]$", ["d", "-"], ["a", "b"]],
  ["^[]a]+$", ["]a"], ["b"]],
  ["^[^]a]$", ["b"], ["]"]],
  ["^[a-]$", ["a", "-"], ["b"]],
  ["^[\\w-.]+$", ["a-b.c_1"], ["a b"]],
  ["^[[:alpha:][:digit:]]+$", ["aB9"], ["a-"]],
  ["(?i)^[^a]$", ["b"], ["a", "A"]],
  ["^\\d\\D\\w\\W\\s\\S$", ["1a_- x"], ["aa_- x"]],
  ["^\\x61\\x{62}\\t$", ["ab\t"], ["ab"]],
  ["^\\Qa.b*\\E+$", ["a.b*", "a.b***"], ["axb*"]],
  ["\\bfoo\\b", ["a foo b", "foo"], ["afoo", "foo_"]],
  ["\\Aa\\z", ["a"], ["a\n", "ba"]],
  ["^a$", ["a", "a\n"], ["a\nb"]],
  ["^.$", ["a", "\u00e9"], ["\n"]],
  ["(?s)^.$", ["\n"], [""]],
  ["^(?<name>a)(?P<other>b)$", ["ab"], ["a"]],
  ["^(?!amq\\.).*", ["", "amq", "a"], ["amq.gen"]],
  ["^(?!amq\\.|sys)(?=.*x)[a-z]+$", ["fox"], ["sysx", "fob"]],
  ["(?i)^(?!AMQ).", ["b"], ["amq"]],
  ["^(|a)b$", ["b", "ab"], ["aab"]],
  ["^(a*)*$", ["", "aaa"], ["b"]],
  ["^(a?){5}$", ["", "aaaaa"], ["aaaaaa"]],
  ["^(){3}a$", ["a"], [""]],
];

for (const [pattern, matching, other] of cases) {
  test(`regex ${JSON.stringify(pattern)}`, () => {
    const regex = new Regex(pattern);
    for (const name of matching) assert.equal(regex.test(name), true, JSON.stringify(name));
    for (const name of other) assert.equal(regex.test(name), false, JSON.stringify(name));
  });
}

test("what cannot be matched in bounded time, or is wrong, is refused with what to do", () => {
  for (const [pattern, text] of [
    ["(a)\\1", /back-reference .* at character 4, .*write the names/],
    ["a(?=b)", /look-ahead that does not stand right behind the first \^/],
    ["(?!a).*", /look-ahead/],
    ["^(?!a)b|c", /look-ahead for one of several/],
    ["(?<!a)b", /\(\?</],
    ["(?>a)", /\(\?>/],
    ["a++", /possessive/],
    ["\\p{L}", /\\p/],
    ["(?x)a", /\(\?x/],
    ["^*", /repeated anchor/],
    ["*a", /\* with nothing before it/],
    ["(?i){2}a", /nothing before it/],
    ["a**", /quantifier behind a quantifier/],
    ["(a", /without its \)/],
    ["a)", /without its \(/],
    ["[a", /without its \]/],
    ["[b-a]", /range/],
    ["[[:foo:]]", /class/],
    ["a{3,2}", /bounds/],
    ["a\\", /at the end/],
    ["(a{100}){100}", /too large: 750 steps/],
    [`^${"(?=a{200})".repeat(4)}`, /too large: 750 steps/],
    ["(){60000}", /too large/],
  ] as const) {
    assert.throws(() => new Regex(pattern), { code: "INVALID", message: text }, pattern);
  }
});

/** What both dialects say alike; JavaScript's engine is the judge. */
const alike = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\w", "^", "$", "\\b", "(?:)"),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => a + b),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"))
      .map(([a, quantifier]) => `(${a})${quantifier}`),
  ),
})).node;

test("property: the same as an engine that goes back", () => {
  const names = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c", "-"), maxLength: 6 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(alike, names, (pattern, each) => {
      const ours = new Regex(pattern);
      const theirs = new RegExp(pattern);
      for (const name of each) assert.equal(ours.test(name), theirs.test(name), `${pattern} on ${name}`);
    }),
    { numRuns: 2000 },
  );
});

test("steps are bounded by the name's length times the pattern's", () => {
  for (const pattern of [
    "^(a+)+$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "^(.*a){12}$",
    "(x+x+)+y",
    "(a*)*b",
    "^(a{0,15}){20}$",
  ]) {
    const regex = new Regex(pattern);
    const name = `${"a".repeat(limits.nameBytesMax - 1)}!`;
    assert.equal(regex.test(name), false);
    // Each instruction is reached once, and takes a byte once, for each byte of the name.
    assert.ok(regex.steps <= 2 * (name.length + 1) * limits.regexStepsMax, `${pattern}: ${regex.steps}`);
    if (pattern.length < 15) assert.ok(regex.steps < 300 * name.length, `${pattern}: ${regex.steps}`);
  }
});

test("usual patterns are far below the bound of instructions, names of any length among them", () => {
  for (const pattern of [
    "^.{1,255}$",
    "^(?!amq\\.).*",
    "^(orders|invoices|payments|shipments)\\.(eu|us|asia)\\.[a-z0-9-]{1,64}\\.(v[0-9]+)$",
    "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    `^(${Array.from({ length: 40 }, (_, i) => `tenant-${i}`).join("|")})\\.`,
  ])
    assert.doesNotThrow(() => new Regex(pattern), pattern);
});

test("of a very long name the beginning may decide, and what it does not decide is no match", () => {
  const long = `user:${"a".repeat(10_000)}`;
  assert.equal(new Regex("^user:").test(long), true);
  assert.equal(new Regex("^user:.*").test(long), true);
  assert.equal(new Regex("a$").test(long), false);
  assert.equal(new Regex("^(?!b)").test(long), true);
  assert.equal(new Regex("^(?!.*b)").test(long), false);
  const regex = new Regex("a$");
  regex.test(long);
  assert.ok(regex.steps < 5 * limits.regexNameBytesMax);
});
