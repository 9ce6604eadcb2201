/** Entry ids: parsed, compared, stepped and written; and the pending table that finds entries by them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { PendingTable } from "../../src/broker/pending-table.ts";
import {
  idPartMax,
  rangeEndArgument,
  rangeStartArgument,
  StreamId,
  strictIdArgument,
  writeStreamId,
} from "../../src/protocols/redis/stream-id.ts";
import { RequestParser } from "../../src/protocols/redis/wire/request-parser.ts";

function argument(text: string) {
  const parser = new RequestParser();
  parser.feed(Buffer.from(`*2\r\n$1\r\nX\r\n$${text.length}\r\n${text}\r\n`));
  assert.ok(parser.next());
  return parser.request;
}

const part = fc.oneof(fc.nat(20), fc.maxSafeNat());

test("what is written is parsed again", () => {
  fc.assert(
    fc.property(part, part, (ms, sequence) => {
      const out = new ByteWriter();
      writeStreamId(out, ms, sequence);
      const text = `${ms}-${sequence}`;
      assert.equal(out.view().toString(), `$${text.length}\r\n${text}\r\n`);
      const id = strictIdArgument(argument(text), 1, new StreamId());
      assert.deepEqual([id.ms, id.sequence], [ms, sequence]);
    }),
  );
});

test("next and previous id are each other's inverse, and increase", () => {
  fc.assert(
    fc.property(part, part, (ms, sequence) => {
      const id = new StreamId().set(ms, sequence);
      if (!id.increment()) return assert.deepEqual([ms, sequence], [idPartMax, idPartMax]);
      assert.ok(id.compare(ms, sequence) > 0);
      assert.ok(id.decrement());
      assert.equal(id.compare(ms, sequence), 0);
    }),
  );
});

test("missing parts, ends of ranges, and parts beyond 2^53", () => {
  const start = (text: string) => rangeStartArgument(argument(text), 1, new StreamId()).toString();
  const end = (text: string) => rangeEndArgument(argument(text), 1, new StreamId()).toString();
  assert.equal(start("5"), "5-0");
  assert.equal(end("5"), `5-${idPartMax}`);
  assert.equal(start("-"), "0-0");
  assert.equal(end("+"), `${idPartMax}-${idPartMax}`);
  assert.equal(start("(5-3"), "5-4");
  assert.equal(end("(5-0"), `4-${idPartMax}`);
  assert.equal(end("18446744073709551615-1"), `${idPartMax}-1`);
  for (const text of ["", "-", "+", "5-", "-5", "5-x", "x", "5-5-5", "5-*", " 5"]) {
    assert.throws(() => strictIdArgument(argument(text), 1, new StreamId()), /Invalid stream ID/, text);
  }
  assert.ok(strictIdArgument(argument("5-*"), 1, new StreamId(), 0, true).isSequenceOpen);
});

test("the pending table finds entries by id", () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 700 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(2200), (steps, asked) => {
      const table = new PendingTable(true);
      const model = new Map<number, number>();
      for (const [offset, isNoted] of steps) {
        if (isNoted) {
          table.set(offset, 1, 1, 0);
          table.setId(offset, offset * 3, offset);
          model.set(offset * 3, offset);
        } else {
          table.clear(offset);
          model.delete(offset * 3);
        }
      }
      const ids = [...model.keys()].toSorted((a, b) => a - b);
      const above = ids.find((ms) => ms >= asked);
      assert.equal(table.atOrAboveId(asked, 0), above === undefined ? -1 : model.get(above));
      for (const ms of ids) assert.equal(table.findId(ms, model.get(ms)!), model.get(ms));
      assert.equal(table.findId(asked, 99_999), -1);
      assert.equal(table.highest, ids.length === 0 ? -1 : model.get(ids.at(-1)!));
    }),
  );
});
