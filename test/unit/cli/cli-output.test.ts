/** Tables and text as the command line prints them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { screenOf } from "../../../cli/client/output/printer.ts";
import { factsText, type Screen, tableText } from "../../../cli/client/output/table.ts";
import { bytesText, cutTo, visible, widthOf } from "../../../cli/client/output/text.ts";

const plain: Screen = { width: null, hasColours: false };

interface Row {
  readonly name: string;
  readonly count: number | null;
}

const columns = [
  { head: "NAME", cell: ({ name }: Row) => name },
  { head: "COUNT", cell: ({ count }: Row) => count },
];

test("text is aligned on the left, numbers on the right, by what a terminal shows", () => {
  const rows = [
    { name: "orders", count: 12_345 },
    { name: "注文", count: null },
    { name: "e\u0301", count: 7 },
  ];
  assert.equal(
    tableText(plain, columns, rows),
    ["NAME     COUNT", "orders  12,345", "注文         -", "e\u0301            7", ""].join("\n"),
  );
});

test("on a narrow terminal the widest text gives way, numbers stay whole", () => {
  const rows = [{ name: "a-very-long-name-of-a-queue", count: 1_000_000 }];
  const [, line = ""] = tableText({ width: 24, hasColours: false }, columns, rows).split("\n");
  assert.equal(line, "a-very-long-…  1,000,000");
  assert.equal(widthOf(line), 24);
  assert.ok(line.endsWith("1,000,000"), line);
  const [, tiny] = tableText({ width: 5, hasColours: false }, columns, rows).split("\n");
  assert.equal(tiny, "a-very-…  1,000,000");
});

test("what would move the cursor, colour or reorder is written out", () => {
  assert.equal(visible("a\u001B[31mb\nc\u202Ed\u009B"), String.raw`a\u001b[31mb\nc\u202ed\u009b`);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(visible(text), /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u);
    }),
  );
});

test("text is cut to its width, whatever the letters are", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const cut = cutTo(text, width);
      assert.ok(widthOf(cut) <= width, JSON.stringify([cut, width]));
      if (widthOf(text) <= width) assert.equal(cut, text);
    }),
  );
});

test("names and values: lines of a value stay in its column", () => {
  assert.equal(
    factsText(plain, [
      ["a", "1"],
      ["long", "2\n3"],
    ]),
    "a     1\nlong  2\n      3\n",
  );
});

test("sizes", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1024 ** 2 * 200, 1024 ** 5].map(bytesText), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "200 MiB",
    "1024 TiB",
  ]);
});

test("colours are for terminals, unless the environment says otherwise", () => {
  const terminal = { isTTY: true, columns: 90, write: () => true };
  const pipe = { write: () => true };
  assert.deepEqual(screenOf(terminal, {}), { width: 90, hasColours: true });
  assert.deepEqual(screenOf(terminal, { NO_COLOR: "1", FORCE_COLOR: "1" }), { width: 90, hasColours: false });
  assert.deepEqual(screenOf(terminal, { TERM: "dumb" }), { width: 90, hasColours: false });
  assert.deepEqual(screenOf(pipe, {}), { width: null, hasColours: false });
  assert.deepEqual(screenOf(pipe, { FORCE_COLOR: "1" }), { width: null, hasColours: true });
});
