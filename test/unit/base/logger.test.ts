import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogLevel } from "../../../src/base/config/config.ts";
import { Logger } from "../../../src/base/logger.ts";
import type { LogFields } from "../../../src/base/logger.ts";

/** The lines that a logger of this level writes in `act`. */
function linesOf(level: LogLevel, act: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), monotonic: () => 0 };
  act(new Logger({ level, clock, sink: (line) => lines.push(line) }));
  return lines;
}

function lineOf(message: string, fields?: LogFields): string {
  return linesOf("info", (logger) => logger.info(message, fields)).join("");
}

test("a line has the clock's time, the level, the message and the fields", () => {
  const fields = { port: 6379, host: "::1", on: true, big: 5n, unset: undefined };
  const line = lineOf("redis listens", fields);
  assert.equal(line, "2026-01-02T03:04:05.006Z info redis listens port=6379 host=::1 on=true big=5\n");
});

test("values with spaces, quotes or nothing are quoted", () => {
  const line = lineOf("x", { a: "b c", d: 'e"f', g: "", h: "i=j", error: new Error("no\nway") });
  assert.ok(line.endsWith(String.raw`info x a="b c" d="e\"f" g="" h="i=j" error="no\nway"` + "\n"), line);
});

test("a level shows itself and worse", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [index, level] of levels.entries()) {
    const lines = linesOf(level, (logger) => levels.forEach((each) => logger[each]("m")));
    assert.deepEqual(
      lines.map((line) => line.split(" ")[1]),
      levels.slice(index),
    );
  }
  assert.deepEqual(
    linesOf("silent", (logger) => logger.error("m")),
    [],
  );
});

test("nothing makes a second line or reaches a terminal as a control character", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\u001B[2J", "a\r\nb", "\u2028", "\u0085"),
  );
  fc.assert(
    fc.property(text, text, (message, value) => {
      assert.match(lineOf(message, { value }), /^[^\p{C}\p{Zl}\p{Zp}]+\n$/u);
    }),
  );
});
