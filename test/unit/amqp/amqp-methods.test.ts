import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import {
  decodeMethod,
  encodeMethod,
  methodNameAt,
  writeMethodFrame,
} from "../../../src/protocols/amqp/wire/method-codec.ts";
import {
  type MethodArguments,
  type MethodName,
  methodNumber,
} from "../../../src/protocols/amqp/wire/methods.ts";
import {
  amqplib,
  amqplibFields,
  anyArguments,
  everyTruncation,
  hex,
  methodNames,
  vectors,
} from "./amqp-support.ts";

function encode(name: MethodName, values: Record<string, unknown>): Buffer {
  const writer = new ByteWriter();
  encodeMethod(writer, name, values as never);
  return writer.copy();
}

for (const vector of vectors<{ name: MethodName; arguments: Record<string, unknown> }>("methods.json")) {
  test(`${vector.name}: bytes checked by hand`, () => {
    const bytes = hex(vector.hex);
    const method = decodeMethod(new ByteReader(bytes));
    assert.deepEqual(method, { name: vector.name, arguments: vector.arguments });
    assert.deepEqual(encode(vector.name, vector.arguments), bytes);
    assert.deepEqual(encode(method.name, method.arguments), bytes);
    assert.equal(methodNameAt(bytes, 0, bytes.length), vector.name);
  });
}

test("every method is written as amqplib writes it, and read back", () => {
  assert.equal(methodNames.length, 66);
  for (const name of methodNames) {
    fc.assert(
      fc.property(anyArguments(name), fc.integer({ min: 0, max: 0xffff }), (values, channel) => {
        const frame = amqplib.encodeMethod(methodNumber(name), channel, amqplibFields(values));
        const writer = new ByteWriter(1);
        writeMethodFrame(writer, channel, name, values as never);
        assert.deepEqual(writer.copy(), Buffer.from(frame), name);
        const payload = frame.subarray(7, -1);
        assert.deepEqual(decodeMethod(new ByteReader(payload)), { name, arguments: values });
      }),
      { numRuns: 30 },
    );
  }
});

test("the description knows every method that amqplib knows", () => {
  const numbers = new Set(methodNames.map(methodNumber));
  assert.equal(numbers.size, methodNames.length);
  let known = 0;
  for (let classId = 10; classId <= 90; classId += 5) {
    for (let methodId = 10; methodId <= 120; methodId++) {
      const number = classId * 0x1_0000 + methodId;
      let isKnown = true;
      try {
        amqplib.info(number);
      } catch {
        isKnown = false;
      }
      if (isKnown) known++;
      assert.equal(numbers.has(number), isKnown, `${classId}.${methodId}`);
    }
  }
  assert.equal(known, methodNames.length);
});

test("short, long and unknown payloads are malformed", () => {
  for (const vector of vectors<{ name: MethodName }>("methods.json")) {
    const bytes = hex(vector.hex);
    everyTruncation(
      bytes,
      (part) => decodeMethod(new ByteReader(part)),
      (size, error) => assert.fail(`${vector.name} cut to ${size}: ${String(error)}`),
    );
    const longer = Buffer.concat([bytes, Buffer.from([0])]);
    assert.throws(() => decodeMethod(new ByteReader(longer)), { code: "MALFORMED" }, vector.name);
  }
  assert.throws(() => decodeMethod(new ByteReader(hex("003c 00ff"))), { code: "MALFORMED" });
  assert.equal(methodNameAt(hex("003c 00ff"), 0, 4), undefined);
  assert.equal(methodNameAt(hex("003c 0028"), 0, 3), undefined);
});

test("a short string must be UTF-8", () => {
  assert.throws(() => decodeMethod(new ByteReader(hex("003c 0015 01 ff"))), { code: "MALFORMED" });
});

test("arbitrary bytes decode or throw a BrokerError, and never hang", () => {
  fc.assert(
    fc.property(fc.constantFrom(...methodNames), fc.uint8Array({ maxLength: 200 }), (name, tail) => {
      const writer = new ByteWriter();
      writer.uint32(methodNumber(name)).bytes(tail);
      try {
        decodeMethod(new ByteReader(writer.view()));
      } catch (error) {
        assert.match(String((error as { code?: string }).code), /^(MALFORMED|LIMIT)$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a text too long for its frame leaves the writer as it was", () => {
  const writer = new ByteWriter();
  writeMethodFrame(writer, 1, "channel.close-ok", {});
  const before = writer.copy();
  const reason: MethodArguments["connection.blocked"] = { reason: "é".repeat(128) };
  assert.throws(() => writeMethodFrame(writer, 0, "connection.blocked", reason), { code: "INVALID" });
  assert.deepEqual(writer.copy(), before);
});

test("types follow the description", () => {
  const declare: MethodArguments["queue.declare"] = {
    ticket: 0,
    queue: "q",
    passive: false,
    durable: true,
    exclusive: false,
    autoDelete: false,
    noWait: false,
    arguments: [],
  };
  const writer = new ByteWriter();
  encodeMethod(writer, "queue.declare", declare);
  const method = decodeMethod(new ByteReader(writer.view()));
  assert.equal(method.name, "queue.declare");
  if (method.name === "queue.declare") assert.equal(method.arguments.durable satisfies boolean, true);
  // @ts-expect-error a queue name is a string
  const wrong: MethodArguments["queue.declare"]["queue"] = 1;
  assert.equal(wrong, 1);
});
