/** Times that people write mean the same in every zone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { writtenTimeMs } from "../../../src/base/text/written-time.ts";

const noon = Date.UTC(2026, 0, 31, 12);

for (const [text, expected] of [
  ["2026-01-31T12:00Z", noon],
  ["2026-01-31T12:00", noon],
  ["2026-01-31 12:00", noon],
  ["2026-01-31 12:00:00.250", noon + 250],
  ["2026-01-31T14:00+02:00", noon],
  ["2026-01-31T14:00+0200", noon],
  ["2026-01-31t12:00z", noon],
  ["2026-01-31", noon - 12 * 3_600_000],
  ["2026-13-31", NaN],
  ["2026-01-31T25:00", NaN],
  ["31 January 2026", NaN],
  ["2026", NaN],
  ["soon", NaN],
] as const)
  test(`'${text}'`, () => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "America/New_York";
    try {
      assert.equal(writtenTimeMs(text), expected);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  });
