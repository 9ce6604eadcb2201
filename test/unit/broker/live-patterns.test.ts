/** Which patterns a channel is held against: the same answers as trying all of them, by few comparisons. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob } from "../../../src/base/patterns/glob.ts";
import { type LivePattern, LivePatterns } from "../../../src/broker/live/patterns.ts";

function matching(patterns: LivePatterns<string>, channel: string): string[] {
  const found: LivePattern<string>[] = [];
  patterns.collect(Buffer.from(channel, "latin1"), found);
  return found.map(({ bytes }) => bytes.toString("latin1")).toSorted();
}

test("property: the same patterns as by trying each, also after some are gone", () => {
  const text = (characters: string) =>
    fc.string({ unit: fc.constantFrom(...characters.split("")), maxLength: 9 });
  fc.assert(
    fc.property(
      fc.uniqueArray(text("aab*?\\"), { maxLength: 20 }),
      fc.array(text("aab*")),
      fc.nat(3),
      (names, channels, kept) => {
        const patterns = new LivePatterns<string>();
        for (const name of names) patterns.add(name, "s");
        const gone = names.filter((_, i) => i % 4 === kept);
        for (const name of gone) patterns.remove(name, "s");
        const left = names.filter((name) => !gone.includes(name));
        assert.equal(patterns.size, left.length);
        for (const channel of channels) {
          const expected = left.filter((name) =>
            compileGlob(Buffer.from(name)).matches(Buffer.from(channel)),
          );
          assert.deepEqual(matching(patterns, channel), expected.toSorted());
        }
      },
    ),
  );
});

test("a channel is held against the patterns that begin like it, and those that begin with a wildcard", () => {
  const patterns = new LivePatterns<string>();
  for (let i = 0; i < 10_000; i++) patterns.add(`room:${i}:*`, "s");
  for (let i = 0; i < 10; i++) patterns.add(`*:${i}`, "s");
  assert.deepEqual(matching(patterns, "room:1234:7"), ["*:7", "room:1234:*"]);
  // The first eight bytes are shared with room:1230 to room:1239 and room:123.
  assert.ok(patterns.comparisons <= 10 + 130, `${patterns.comparisons} comparisons`);
});

test("a pattern is there while somebody listens, and a file goes with its last pattern", () => {
  const patterns = new LivePatterns<string>();
  patterns.add("a*", "s");
  patterns.add("a*", "t");
  patterns.remove("a*", "s");
  assert.deepEqual(matching(patterns, "ab"), ["a*"]);
  patterns.remove("a*", "u");
  patterns.remove("a*", "t");
  assert.deepEqual([patterns.size, matching(patterns, "ab")], [0, []]);
  assert.equal(patterns.comparisons, 1);
});
