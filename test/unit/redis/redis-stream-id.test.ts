/** Entry ids as commands and replies have them; and the pending table that finds entries by them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { PendingTable } from "../../../src/broker/cursor/pending-table.ts";
import {
  openIdArgument,
  rangeEndArgument,
  rangeStartArgument,
  strictIdArgument,
  writeStreamId,
} from "../../../src/protocols/redis/stream/id.ts";
import { RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";
import { anyIdNumber, entryId, idText, numberOf, partMax } from "../../support/entry-ids.ts";

function argument(text: string) {
  const parser = new RequestParser();
  parser.feed(Buffer.from(`*2\r\n$1\r\nX\r\n$${text.length}\r\n${text}\r\n`));
  assert.ok(parser.next());
  return parser.request;
}

test("what is written is parsed again, exactly", () => {
  fc.assert(
    fc.property(anyIdNumber, (number) => {
      const out = new ByteWriter();
      writeStreamId(out, entryId(number));
      const text = idText(number);
      assert.equal(out.view().toString(), `$${text.length}\r\n${text}\r\n`);
      assert.equal(numberOf(strictIdArgument(argument(text), 1, new EntryId())), number);
      assert.equal(entryId(number).toString(), text);
    }),
    { numRuns: 2000 },
  );
});

test("a number is what C's strtoull makes of it", () => {
  const signs = fc.constantFrom("", "+", "-");
  const spelt = fc.tuple(fc.constantFrom("", " ", "\t\n"), signs, fc.nat(25), fc.bigInt(0n, 1n << 66n));
  fc.assert(
    fc.property(spelt, ([blanks, sign, zeros, value]) => {
      const digits = "0".repeat(zeros) + String(value);
      const read = numberOrNothing(`1-${blanks}${sign}${digits}`);
      // What redis reads as a signed integer it does not give to strtoull.
      const isSigned = sign === "-" && blanks === "" && zeros === 0 && value > 0n && value <= 1n << 63n;
      if (value > partMax || isSigned) assert.equal(read, undefined);
      else assert.equal(read, (1n << 64n) | BigInt.asUintN(64, sign === "-" ? -value : value));
    }),
    { numRuns: 2000 },
  );
});

function numberOrNothing(text: string): bigint | undefined {
  try {
    return numberOf(strictIdArgument(argument(text), 1, new EntryId()));
  } catch {
    return undefined;
  }
}

test("missing parts, ends of ranges, and the last id of all", () => {
  const start = (text: string) => rangeStartArgument(argument(text), 1, new EntryId()).toString();
  const end = (text: string) => rangeEndArgument(argument(text), 1, new EntryId()).toString();
  assert.equal(start("5"), "5-0");
  assert.equal(end("5"), `5-${partMax}`);
  assert.equal(start("-"), "0-0");
  assert.equal(end("+"), `${partMax}-${partMax}`);
  assert.equal(start("(5-3"), "5-4");
  assert.equal(start(`(5-${partMax}`), "6-0");
  assert.equal(end("(5-0"), `4-${partMax}`);
  assert.equal(end(`${partMax}-1`), `${partMax}-1`);
  assert.throws(() => start(`(${partMax}-${partMax}`), /invalid start ID/);
  assert.throws(() => end("(0-0"), /invalid end ID/);
  const wrong = [
    "",
    "-",
    "+",
    "5-",
    "-5",
    "5--5",
    "5-x",
    "x",
    "5-5-5",
    "5-*",
    "5- ",
    "18446744073709551616-1",
  ];
  for (const text of wrong)
    assert.throws(() => strictIdArgument(argument(text), 1, new EntryId()), /Invalid stream ID/, text);
  assert.equal(openIdArgument(argument("5-*"), 1, new EntryId()), true);
  assert.equal(openIdArgument(argument("5-6"), 1, new EntryId()), false);
});

/** Ids that pass the end of the safe integers. */
function idOf(ms: number, sequence: number): EntryId {
  return entryId((((1n << 53n) - 1000n + BigInt(ms)) << 64n) + partMax - 100_000n + BigInt(sequence));
}

test("the pending table finds entries by id", () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 700 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), fc.nat(2200), (steps, asked) => {
      const table = new PendingTable(true);
      const model = new Map<number, number>();
      for (const [offset, isNoted] of steps) {
        if (isNoted) {
          table.give(offset, 1, 1, 0, idOf(offset * 3, offset));
          model.set(offset * 3, offset);
        } else {
          table.clear(offset);
          model.delete(offset * 3);
        }
      }
      const ids = [...model.keys()].toSorted((a, b) => a - b);
      const above = ids.find((ms) => ms >= asked);
      assert.equal(table.atOrAboveId(idOf(asked, 0)), above === undefined ? -1 : model.get(above));
      for (const ms of ids) assert.equal(table.findId(idOf(ms, model.get(ms)!)), model.get(ms));
      assert.equal(table.findId(idOf(asked, 99_999)), -1);
      assert.equal(table.highest, ids.length === 0 ? -1 : model.get(ids.at(-1)!));
    }),
  );
});
