/** Lines that others can cause: the first at once, the rest of a second as one, and every event in a line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SparseLog } from "../../../src/base/sparse-log.ts";

test("every event is counted in a line, and there is one line a second at most", () => {
  const due: (() => void)[] = [];
  const lines: unknown[] = [];
  const timers = {
    after: (_ms: number, action: () => void) => (due.push(action), { cancel: () => {} }),
    atTickEnd: () => {},
  };
  const log = new SparseLog(timers, (fields) => lines.push(fields));
  for (const who of ["a", "b", "c"]) log.add({ who });
  assert.deepEqual(lines, [{ who: "a", count: 1 }]);
  due.shift()!();
  assert.deepEqual(lines.slice(1), [{ who: "c", count: 2 }]);
  assert.equal(due.length, 1);
  due.shift()!();
  assert.equal(lines.length, 2);
  log.add({ who: "d" });
  assert.deepEqual(lines.slice(2), [{ who: "d", count: 1 }]);
});
