import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import {
  type FieldTable,
  type FieldValue,
  fieldCountMax,
  fieldDepthMax,
  findField,
  readFieldTable,
  writeFieldTable,
} from "../../../src/message/amqp/table.ts";
import { fromPlain, type PlainTable, toPlain } from "../../../src/message/amqp/table-plain.ts";
import { checkFieldTableBody, findFieldAt, skipFieldValue } from "../../../src/message/amqp/table-scan.ts";
import { fitShortString } from "../../../src/message/amqp/text.ts";
import { methodNumber } from "../../../src/protocols/amqp/wire/methods.ts";
import {
  allTypes,
  amqplib,
  amqplibFieldTable,
  amqplibTable,
  anyFieldTable,
  everyTruncation,
  hex,
  typesIn,
  vectors,
} from "./amqp-support.ts";

function encode(table: FieldTable): Buffer {
  const writer = new ByteWriter(1);
  writeFieldTable(writer, table);
  return writer.copy();
}

function decode(bytes: Buffer): FieldTable {
  const reader = new ByteReader(bytes);
  const table = readFieldTable(reader);
  assert.equal(reader.remaining, 0);
  return table;
}

for (const vector of vectors<{ table: FieldTable }>("tables.json")) {
  test(`${vector.name}: bytes checked by hand`, () => {
    const bytes = hex(vector.hex);
    assert.deepEqual(decode(bytes), vector.table);
    assert.deepEqual(encode(vector.table), bytes);
    assert.deepEqual(encode(decode(bytes)), bytes);
    checkFieldTableBody(bytes, 4, bytes.length);
    everyTruncation(bytes, decode, (size, error) => assert.fail(`cut to ${size}: ${String(error)}`));
  });
}

test("tables of every type come back as they were", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyFieldTable, (table) => {
      typesIn(table, seen);
      const bytes = encode(table);
      assert.deepEqual(decode(bytes), table);
      assert.deepEqual(encode(decode(bytes)), bytes);
      checkFieldTableBody(bytes, 4, bytes.length);
    }),
    { numRuns: 500 },
  );
  assert.deepEqual([...seen].toSorted(), allTypes);
});

test("amqplib writes the same bytes", () => {
  const head = 7 + 4 + 2 + 1 + 1 + 1; // queue.declare up to its arguments
  fc.assert(
    fc.property(amqplibFieldTable, (table) => {
      const frame = amqplib.encodeMethod(methodNumber("queue.declare"), 1, {
        arguments: amqplibTable(table),
      });
      assert.deepEqual(encode(table), Buffer.from(frame.subarray(head - 1, -1)));
    }),
    { numRuns: 300 },
  );
});

test("a broken table throws, and the scan agrees with the decoder", () => {
  const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
  let broken = 0;
  fc.assert(
    fc.property(anyFieldTable, fc.array(mutation, { minLength: 1, maxLength: 3 }), (table, mutations) => {
      const bytes = encode(table);
      for (const { at, value } of mutations)
        if (bytes.length > 4) bytes[4 + (at % (bytes.length - 4))] = value;
      const outcome = (action: () => unknown): string => {
        try {
          action();
          return "fine";
        } catch (error) {
          return String((error as { code?: string }).code);
        }
      };
      const decoded = outcome(() => decode(bytes));
      assert.equal(
        outcome(() => checkFieldTableBody(bytes, 4, bytes.length)),
        decoded,
      );
      assert.match(decoded, /^(fine|MALFORMED|LIMIT)$/);
      if (decoded !== "fine") broken++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(broken > 50, `only ${broken} tables broke`);
});

/** A table whose arrays (or tables) nest `depth` deep, the table itself counted. */
function nested(depth: number, kind: "A" | "F"): FieldTable {
  let field: FieldValue = { type: "V" };
  for (let i = 1; i < depth; i++) {
    field = kind === "A" ? { type: "A", value: [field] } : { type: "F", value: [{ name: "n", field }] };
  }
  return [{ name: "n", field }];
}

/** Bytes of arrays inside arrays, made without the encoder, which has the same bound. */
function nestedArrayBytes(depth: number): Buffer {
  let body = Buffer.alloc(0);
  for (let i = 1; i < depth; i++) {
    const head = Buffer.alloc(5);
    head.write("A");
    head.writeUInt32BE(body.length, 1);
    body = Buffer.concat([head, body]);
  }
  const head = Buffer.alloc(6);
  head.writeUInt32BE(body.length + 2, 0);
  head.write("\x01n", 4);
  return Buffer.concat([head, body]);
}

test("nesting and count are bounded", () => {
  for (const kind of ["A", "F"] as const) {
    const deepest = nested(fieldDepthMax, kind);
    assert.deepEqual(decode(encode(deepest)), deepest);
    assert.throws(() => encode(nested(fieldDepthMax + 1, kind)), { code: "LIMIT" });
  }
  decode(nestedArrayBytes(fieldDepthMax));
  for (const depth of [fieldDepthMax + 1, 2_000]) {
    const bytes = nestedArrayBytes(depth);
    assert.throws(() => decode(bytes), { code: "LIMIT" });
    assert.throws(() => checkFieldTableBody(bytes, 4, bytes.length), { code: "LIMIT" });
  }
  const many = (count: number): Buffer => {
    const table: FieldTable = [
      {
        name: "n",
        field: { type: "A", value: Array.from({ length: count }, () => ({ type: "V" as const })) },
      },
    ];
    return encode(table);
  };
  const most = many(fieldCountMax - 1);
  decode(most);
  checkFieldTableBody(most, 4, most.length);
  const tooMany = many(fieldCountMax);
  assert.throws(() => decode(tooMany), { code: "LIMIT" });
  assert.throws(() => checkFieldTableBody(tooMany, 4, tooMany.length), { code: "LIMIT" });
});

test("a field is found in place, the first of its name", () => {
  fc.assert(
    fc.property(anyFieldTable, fc.nat(), (table, pick) => {
      const bytes = encode(table);
      const absent = Buffer.from("no such name");
      if (!table.some(({ name }) => name === "no such name")) {
        assert.equal(findFieldAt(bytes, 4, bytes.length, absent), -1);
      }
      if (table.length === 0) return;
      const { name } = table[pick % table.length]!;
      const at = findFieldAt(bytes, 4, bytes.length, Buffer.from(name as string));
      const end = skipFieldValue(bytes, at, bytes.length);
      const first = table.find((field) =>
        Buffer.from(field.name as string).equals(Buffer.from(name as string)),
      );
      const alone = encode([{ name: "", field: first!.field }]);
      assert.deepEqual(Buffer.from(bytes.subarray(at, end)), alone.subarray(5));
    }),
  );
  const table: FieldTable = [
    { name: "a", field: { type: "B", value: 1 } },
    { name: "a", field: { type: "B", value: 2 } },
  ];
  assert.deepEqual(findField(table, "a"), { type: "B", value: 1 });
  assert.equal(findField(table, "b"), undefined);
  assert.deepEqual({ ...toPlain(table) }, { a: 1 });
});

test("plain values come back from a table", () => {
  const plain = {
    text: "é",
    truth: false,
    small: -5,
    large: 2 ** 40,
    huge: 2n ** 62n,
    fraction: 1.5,
    bytes: Buffer.from([0, 255]),
    list: [1, "two", [null]],
    inner: { deep: null },
    nothing: null,
  };
  const back = toPlain(decode(encode(fromPlain(plain))));
  assert.deepEqual({ ...back, inner: { ...(back.inner as PlainTable) } }, plain);
  const types = fromPlain(plain).map(({ field }) => field.type);
  assert.equal(types.join(""), "StIlldxAFV");
  assert.equal(toPlain([{ name: "price", field: { type: "D", scale: 2, value: 123 } }]).price, 1.23);
  const hostile = toPlain([{ name: "__proto__", field: { type: "B", value: 1 } }]);
  assert.equal(hostile.__proto__, 1);
});

test("a reply text is cut between characters", () => {
  assert.equal(fitShortString("short"), "short");
  assert.equal(fitShortString("a".repeat(255)).length, 255);
  const cut = fitShortString("é".repeat(200));
  assert.equal(cut, `${"é".repeat(126)}...`);
  assert.equal(Buffer.byteLength(cut), 255);
});
