/** Where a reader may start at the front of a log whose first records were aborted, against a model that knows what each offset was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OpenTransactions } from "../../../src/storage/log/open-transactions.ts";

test("a reader may start before records that were aborted one after the other, and not before others that are gone", () => {
  const step = fc.record({ what: fc.constantFrom("abort", "delete"), count: fc.nat({ max: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const transactions = new OpenTransactions();
      let first = 0;
      /** Behind it nothing but aborted records is gone. */
      let start = 0;
      for (const { what, count } of steps) {
        const next = first + count;
        // An abort may also leave the front where it is.
        if (what === "abort") transactions.aborted(first, next);
        else if (count > 0) start = next;
        first = next;
        assert.equal(transactions.readableFrom(first), start);
      }
    }),
  );
});
