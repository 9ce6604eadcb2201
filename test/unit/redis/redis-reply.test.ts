/** Reply writer and reply parser: golden vectors both ways, every split, aggregates, refusals; numbers' spelling. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import {
  formatDouble,
  parseFloatLoose,
  parseFloatStrict,
  parseInteger,
} from "../../../src/protocols/redis/wire/numbers.ts";
import { ReplyParser, type Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import {
  decimalSize,
  ReplyWriter,
  type RespVersion,
} from "../../../src/protocols/redis/wire/reply-writer.ts";

interface ReplyVector {
  name: string;
  version: RespVersion;
  call: [string, ...unknown[]];
  bytes: string;
  reply: unknown;
}

const replyVectors = JSON.parse(
  readFileSync(new URL("../../vectors/redis/replies.json", import.meta.url), "utf8"),
) as ReplyVector[];

function newWriter(version: RespVersion): ReplyWriter {
  const reply = new ReplyWriter(new ByteWriter());
  reply.version = version;
  return reply;
}

/** The tree in JSON's means: bytes as Latin-1 text, big integers as text. */
function plain(reply: Reply): unknown {
  if ("items" in reply) return { type: reply.type, items: reply.items.map(plain) };
  if ("bytes" in reply) return { ...reply, bytes: reply.bytes.toString("latin1") };
  if ("value" in reply && typeof reply.value === "bigint")
    return { type: reply.type, value: String(reply.value) };
  return reply;
}

/** Writes a parsed reply again. */
function write(reply: Reply, writer: ReplyWriter): void {
  switch (reply.type) {
    case "simple":
      return writer.simple(reply.text);
    case "error":
      return writer.error(reply.text);
    case "integer":
      return writer.bigInteger(reply.value);
    case "bigNumber":
      return writer.bigNumber(reply.value);
    case "bulk":
      return writer.bulk(reply.bytes);
    case "verbatim":
      return writer.verbatim(reply.format as "txt", reply.bytes.toString());
    case "null":
    case "nullBulk":
      return writer.null();
    case "nullArray":
      return writer.nullArray();
    case "double":
      return writer.double(reply.value);
    case "boolean":
      return writer.boolean(reply.value);
    case "map":
      writer.map(reply.items.length / 2);
      break;
    case "array":
    case "set":
    case "push":
      writer[reply.type](reply.items.length);
      break;
  }
  for (const item of reply.items) write(item, writer);
}

function parseChunks(chunks: readonly Uint8Array[]): Reply[] {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const chunk of chunks) {
    parser.feed(chunk);
    replies.push(...parser.all());
  }
  assert.equal(parser.pendingBytes, 0);
  return replies;
}

for (const vector of replyVectors) {
  const bytes = Buffer.from(vector.bytes, "latin1");
  test(`reply vector "${vector.name}": encode, decode, round trip`, () => {
    const writer = newWriter(vector.version);
    const [method, ...values] = vector.call;
    (writer as unknown as Record<string, (...values: unknown[]) => void>)[method]!(...values);
    assert.equal(writer.out.view().toString("latin1"), vector.bytes);
    for (let cut = 0; cut < bytes.length; cut++) {
      const replies = parseChunks([bytes.subarray(0, cut), bytes.subarray(cut)]);
      assert.deepEqual(replies.map(plain), [vector.reply]);
      const again = newWriter(vector.version);
      write(replies[0]!, again);
      assert.equal(again.out.view().toString("latin1"), vector.bytes);
    }
  });
}

test("aggregates nest, and RESP2 flattens what it lacks", () => {
  const writeAll = (writer: ReplyWriter): void => {
    writer.map(2);
    writer.bulkLatin1("a");
    writer.set(1);
    writer.integer(1);
    writer.bulkText("é");
    writer.push(2);
    writer.null();
    writer.array(0);
    writer.bigNumber(12345678901234567890n);
  };
  const three = newWriter(3);
  writeAll(three);
  assert.equal(
    three.out.view().toString(),
    "%2\r\n$1\r\na\r\n~1\r\n:1\r\n$2\r\né\r\n>2\r\n_\r\n*0\r\n(12345678901234567890\r\n",
  );
  const two = newWriter(2);
  writeAll(two);
  assert.equal(
    two.out.view().toString(),
    "*4\r\n$1\r\na\r\n*1\r\n:1\r\n$2\r\né\r\n*2\r\n$-1\r\n*0\r\n$20\r\n12345678901234567890\r\n",
  );
  const bytes = three.out.copy();
  for (let cut = 0; cut < bytes.length; cut++) {
    const replies = parseChunks([bytes.subarray(0, cut), bytes.subarray(cut)]);
    assert.equal(replies.length, 2);
    const again = newWriter(3);
    for (const reply of replies) write(reply, again);
    assert.deepEqual(again.out.view(), bytes);
  }
});

test("an attribute is dropped", () => {
  const replies = parseChunks([Buffer.from("|1\r\n+ttl\r\n:3\r\n*2\r\n|0\r\n:1\r\n:2\r\n")]);
  assert.deepEqual(replies.map(plain), [
    {
      type: "array",
      items: [
        { type: "integer", value: "1" },
        { type: "integer", value: "2" },
      ],
    },
  ]);
});

test("what is no reply is refused", () => {
  for (const bytes of [
    ":x\r\n",
    "$-2\r\n",
    "$1\r\nabc",
    "*x\r\n",
    "%-1\r\n",
    "#x\r\n",
    "!\r\n",
    "=3\r\ntxt\r\n",
    "$?\r\n",
  ]) {
    const parser = new ReplyParser();
    parser.feed(Buffer.from(bytes));
    assert.throws(() => parser.next(), { code: "MALFORMED" }, JSON.stringify(bytes));
  }
});

test("raw bytes and a bulk written in pieces", () => {
  const writer = newWriter(2);
  writer.raw(Buffer.from("x:1\r\ny"), 1, 5);
  writer.bulkStart(3);
  writer.out.latin1("abc");
  writer.bulkEnd();
  assert.equal(writer.out.view().toString(), ":1\r\n$3\r\nabc\r\n");
});

test("property: safe integers, and their sizes", () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -200, max: 200 })), (value) => {
      const writer = newWriter(2);
      writer.integer(value);
      assert.equal(writer.out.view().toString(), `:${value}\r\n`);
      assert.equal(decimalSize(value), String(value).length);
      const bytes = Buffer.from(String(value));
      assert.equal(parseInteger(bytes, 0, bytes.length), value);
    }),
  );
});

test("property: bulks of any bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (values) => {
      const writer = newWriter(2);
      for (const value of values) writer.bulk(value);
      assert.deepEqual(
        parseChunks([writer.out.copy()]),
        values.map((value) => ({ type: "bulk", bytes: Buffer.from(value) })),
      );
    }),
  );
});

function integerOf(text: string): number {
  const bytes = Buffer.from(text);
  return parseInteger(bytes, 0, bytes.length);
}

test("integers have one spelling, in 64 bits", () => {
  for (const text of [
    "",
    "-",
    "+1",
    "01",
    "-0",
    "-01",
    " 1",
    "1 ",
    "1.0",
    "1e3",
    "0x1",
    "9223372036854775808",
  ]) {
    assert.equal(integerOf(text), NaN, text);
  }
  assert.equal(integerOf("-9223372036854775809"), NaN);
  assert.equal(integerOf("99999999999999999999"), NaN);
  assert.equal(integerOf("0"), 0);
  assert.equal(integerOf("9223372036854775807"), 2 ** 63);
  assert.equal(integerOf("-9223372036854775808"), -(2 ** 63));
});

test("floats as strtod takes them, without blanks, NaN, overflow and underflow", () => {
  const floatOf = (text: string): number => {
    const bytes = Buffer.from(text);
    return parseFloatStrict(bytes, 0, bytes.length);
  };
  const taken: Record<string, number> = {
    "1": 1,
    "+1": 1,
    "-1.5": -1.5,
    ".5": 0.5,
    "1.": 1,
    "1e3": 1000,
    "1E-2": 0.01,
    "0x10": 16,
    "-0xA": -10,
    inf: Infinity,
    "-Infinity": -Infinity,
    "+INF": Infinity,
    "0e999": 0,
  };
  for (const [text, value] of Object.entries(taken)) assert.equal(floatOf(text), value, text);
  for (const text of [
    "",
    " 1",
    "1 ",
    "nan",
    "e1",
    ".",
    "1e",
    "1e+",
    "--1",
    "1e400",
    "1e-400",
    "0x",
    "0b1",
    "1_0",
    "in",
  ]) {
    assert.equal(floatOf(text), NaN, text);
  }
});

test("plain decimals of any length are rounded as JavaScript reads them", () => {
  const digits = fc.stringMatching(/^[0-9]{0,25}$/);
  fc.assert(
    fc.property(
      fc.constantFrom("", "-"),
      digits,
      fc.constantFrom("", "."),
      digits,
      (sign, whole, point, part) => {
        const text = sign + whole + point + part;
        fc.pre(/[0-9]/.test(text));
        const bytes = Buffer.from(`<${text}>`);
        const expected = Number(text);
        assert.ok(Object.is(parseFloatStrict(bytes, 1, bytes.length - 1), expected), text);
        assert.ok(Object.is(parseFloatLoose(bytes, 1, bytes.length - 1), expected), text);
      },
    ),
  );
});

test("doubles as %.17g prints them", () => {
  const printed: [number, string][] = [
    [0, "0"],
    [-0, "-0"],
    [3, "3"],
    [3.2, "3.2000000000000002"],
    [0.1, "0.10000000000000001"],
    [0.5, "0.5"],
    [1e-5, "1.0000000000000001e-05"],
    [1e16, "10000000000000000"],
    [99999999999999984, "99999999999999984"],
    [1e17, "1e+17"],
    [1e20, "1e+20"],
    [1.2345678901234568e17, "1.2345678901234568e+17"],
    [1e300, "1.0000000000000001e+300"],
    [-2.5e-7, "-2.4999999999999999e-07"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    [NaN, "nan"],
  ];
  for (const [value, text] of printed) assert.equal(formatDouble(value), text);
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (value) => Number(formatDouble(value)) === value,
    ),
  );
});

test("what is no number is refused as malformed", () => {
  for (const line of ["($-1", "(0.5", "(", "(0x10", ",abc", ","]) {
    const parser = new ReplyParser();
    parser.feed(Buffer.from(`${line}\r\n`));
    assert.throws(() => parser.next(), { code: "MALFORMED" }, line);
  }
});

test("plain decimals whose digits are a safe integer are rounded once, however far behind the point they stand", () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: 30 }), (value, decimals) => {
      const digits = String(value).padStart(decimals + 1, "0");
      const whole = digits.slice(0, digits.length - decimals);
      const text = decimals === 0 ? whole : `${whole}.${digits.slice(-decimals)}`;
      const bytes = Buffer.from(text);
      assert.equal(parseFloatStrict(bytes, 0, bytes.length), Number(text), text);
    }),
    // Of each number of decimals some.
    { numRuns: 1000 },
  );
  // The first power of ten that no double is: 1 by it is not the nearest to its inverse.
  for (let decimals = 15; decimals <= 30; decimals++) {
    const text = `0.${"1".padStart(decimals, "0")}`;
    assert.equal(parseFloatStrict(Buffer.from(text), 0, text.length), Number(text), text);
  }
});
