/** The times of a hash's fields: the least of them is known after each change. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Arena } from "../../../src/keyspace/arena.ts";
import { FieldExpiries } from "../../../src/keyspace/values/field-expiries.ts";

test("property: the least time and its field, whatever is set, put off and taken away", () => {
  const field = fc.constantFrom("a", "bb", "c", "dd");
  const at = fc.constantFrom(0, 5, 10, 10, 20, 30);
  fc.assert(
    fc.property(fc.array(fc.tuple(field, at), { maxLength: 40 }), (changes) => {
      const expiries = new FieldExpiries({ arena: new Arena(), seed: 1, segmentBytesMax: 1 << 16 });
      const known = new Map<string, number>();
      for (const [name, time] of changes) {
        const bytes = Buffer.from(name);
        expiries.set(time, bytes, 0, bytes.length);
        if (time === 0) known.delete(name);
        else known.set(name, time);
        assert.equal(expiries.count, known.size);
        assert.equal(expiries.earliest, Math.min(...known.values()));
        assert.equal(expiries.of(bytes, 0, bytes.length), time);
        if (known.size === 0) continue;
        expiries.first();
        const first = expiries.bytes.toString("latin1", expiries.start, expiries.end);
        assert.equal(known.get(first), expiries.earliest);
      }
    }),
  );
});
