/**
 * What the AMQP codec's tests share: vectors from files, arbitrary values, and amqplib's encoders as the real
 * implementation to compare with. amqplib's tables are plain objects, so `amqplibTable` translates ours.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import type { AmqpProperties } from "../../../src/message/amqp/properties.ts";
import type { Field, FieldTable, FieldValue } from "../../../src/message/amqp/table.ts";
import { type ArgumentType, type MethodName, methods } from "../../../src/protocols/amqp/wire/methods.ts";

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/[ |]/g, ""), "hex");
}

/** Reads a vector file; `{"$hex": …}` stands for bytes, `{"$bigint": …}` for a bigint. */
export function vectors<Vector>(file: string): (Vector & { name: string; hex: string })[] {
  const text = readFileSync(new URL(`../../vectors/amqp/${file}`, import.meta.url), "utf8");
  const list = JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$hex" in value) return hex(String(value.$hex));
    if ("$bigint" in value) return BigInt(String(value.$bigint));
    return value;
  }) as (Vector & { name: string; hex: string })[];
  if (list.length === 0) throw new Error(`${file} holds no vector`);
  return list;
}

interface AmqplibDefinitions {
  encodeMethod(id: number, channel: number, fields: object): Buffer;
  encodeProperties(classId: number, channel: number, size: number, fields: object): Buffer;
  info(id: number): { name: string };
}

/** amqplib's generated encoders, which its package does not export by name. */
export const amqplib = createRequire(import.meta.url)(
  "../../../node_modules/amqplib/lib/defs.js",
) as AmqplibDefinitions;

const amqplibTypes = {
  b: "int8",
  B: "uint8",
  s: "int16",
  u: "uint16",
  I: "int32",
  i: "uint32",
  l: "int64",
  f: "float",
  d: "double",
  T: "timestamp",
} as const;

export function amqplibTable(table: FieldTable): object {
  const plain: Record<string, unknown> = {};
  for (const { name, field } of table) plain[String(name)] = amqplibValue(field);
  return plain;
}

function amqplibValue(field: FieldValue): unknown {
  switch (field.type) {
    case "t":
    case "x":
    case "S":
      return field.value;
    case "V":
      return null;
    case "A":
      return field.value.map(amqplibValue);
    case "F":
      return amqplibTable(field.value);
    case "D":
      return { "!": "decimal", value: { places: field.scale, digits: field.value } };
    case "L":
      throw new Error("amqplib does not write L");
    default:
      return { "!": amqplibTypes[field.type], value: field.value };
  }
}

export function amqplibFields(values: Record<string, unknown>): object {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    fields[name === "noWait" ? "nowait" : name] = Array.isArray(value)
      ? amqplibTable(value as FieldTable)
      : value;
  }
  return fields;
}

/** As decoders make objects: with a prototype, which deepEqual looks at. */
function record<Value>(model: { [Key in keyof Value]: fc.Arbitrary<Value[Key]> }): fc.Arbitrary<Value> {
  return fc.record(model, { noNullPrototype: true });
}

const anyText = fc.string({ unit: "grapheme", maxLength: 40 });
export const shortText = anyText.filter((text) => Buffer.byteLength(text) <= 255);
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
const notUtf8 = bytes.map((tail) => Buffer.concat([Buffer.from([0xff]), tail]));
/** Integers of 64 bits, as numbers where they are safe. */
const integer64 = (min: bigint, max: bigint) =>
  fc.oneof(
    fc
      .maxSafeInteger()
      .map((value) => (min < 0n ? value : Math.abs(value)))
      .map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.bigInt({ min, max }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
  );

/** Field values of every type; `peer` keeps to what amqplib can write. */
function fieldArbitraries(peer: boolean) {
  const text = peer ? anyText : fc.oneof(anyText, notUtf8);
  // amqplib keeps tables as objects: names are unique, and neither integers (an object reorders them) nor "!".
  const name = peer
    ? fc.string({ minLength: 1, maxLength: 20 }).map((tail) => `n${tail}`)
    : fc.oneof(shortText, notUtf8);
  const number = (type: "b" | "B" | "s" | "u" | "I" | "i", min: number, max: number) =>
    record({ type: fc.constant(type), value: fc.integer({ min, max }) });
  return fc.letrec<{ value: FieldValue; table: FieldTable }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constant<FieldValue>({ type: "V" }),
      record({ type: fc.constant("t" as const), value: fc.boolean() }),
      number("b", -0x80, 0x7f),
      number("B", 0, 0xff),
      number("s", -0x8000, 0x7fff),
      number("u", 0, 0xffff),
      number("I", -0x8000_0000, 0x7fff_ffff),
      number("i", 0, 0xffff_ffff),
      record({
        type: peer ? fc.constant("l" as const) : fc.constantFrom("l" as const, "L" as const),
        value: integer64(-(2n ** 63n), 2n ** 63n - 1n),
      }),
      record({ type: fc.constant("T" as const), value: integer64(0n, 2n ** 64n - 1n) }),
      record({ type: fc.constant("f" as const), value: fc.float() }),
      record({ type: fc.constant("d" as const), value: fc.double() }),
      record({
        type: fc.constant("D" as const),
        scale: fc.integer({ min: 0, max: 255 }),
        value: fc.integer({ min: 0, max: 0xffff_ffff }),
      }),
      record({ type: fc.constant("S" as const), value: text }),
      record({ type: fc.constant("x" as const), value: bytes }),
      record({ type: fc.constant("A" as const), value: fc.array(tie("value"), { maxLength: 6 }) }),
      record({ type: fc.constant("F" as const), value: tie("table") }),
    ),
    table: fc
      .array(record<Field>({ name, field: tie("value") }), { maxLength: 6 })
      .map((table) => (peer ? withoutRepeats(table) : table)),
  }));
}

export const anyFieldTable: fc.Arbitrary<FieldTable> = fieldArbitraries(false).table;
export const amqplibFieldTable: fc.Arbitrary<FieldTable> = fieldArbitraries(true).table;

function withoutRepeats(table: FieldTable): FieldTable {
  return Array.from(new Map(table.map((field) => [field.name, field])).values());
}

/** The type tags that a table holds. */
export function typesIn(table: FieldTable, found = new Set<string>()): Set<string> {
  const visit = (field: FieldValue): void => {
    found.add(field.type);
    if (field.type === "A") for (const value of field.value) visit(value);
    if (field.type === "F") typesIn(field.value, found);
  };
  for (const { field } of table) visit(field);
  return found;
}

/** Every type tag: the tests assert that the arbitraries reach each. */
export const allTypes: readonly string[] = "tbBsuIilLfdTDSxAFV".split("").toSorted();

export const methodNames = Object.keys(methods) as MethodName[];

const argumentArbitraries: Record<ArgumentType, fc.Arbitrary<unknown>> = {
  bit: fc.boolean(),
  octet: fc.integer({ min: 0, max: 0xff }),
  short: fc.integer({ min: 0, max: 0xffff }),
  long: fc.integer({ min: 0, max: 0xffff_ffff }),
  longlong: fc.maxSafeInteger().map((value) => Math.abs(value)),
  shortstr: shortText,
  longstr: bytes,
  table: amqplibFieldTable,
};

/** Arbitrary arguments of one method, which amqplib can write too. */
export function anyArguments(name: MethodName): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [argument, type] of Object.entries<ArgumentType>(methods[name].arguments)) {
    model[argument] = argumentArbitraries[type];
  }
  return record(model);
}

export function anyProperties(peer: boolean): fc.Arbitrary<AmqpProperties> {
  const text = peer ? shortText : fc.oneof(shortText, notUtf8);
  const octet = fc.integer({ min: 0, max: 255 });
  return fc.record(
    {
      contentType: text,
      contentEncoding: text,
      headers: peer ? amqplibFieldTable : anyFieldTable,
      deliveryMode: octet,
      priority: octet,
      correlationId: text,
      replyTo: text,
      expiration: text,
      messageId: text,
      timestamp: peer ? fc.maxSafeInteger().map((value) => Math.abs(value)) : integer64(0n, 2n ** 64n - 1n),
      type: text,
      userId: text,
      appId: text,
      clusterId: text,
    },
    { requiredKeys: [], noNullPrototype: true },
  );
}

/** Runs `decode` on every beginning of `whole` but itself; each must throw `MALFORMED`. */
export function everyTruncation(
  whole: Buffer,
  decode: (bytes: Buffer) => void,
  fail: (size: number, error: unknown) => void,
): void {
  for (let size = 0; size < whole.length; size++) {
    let error: unknown = "accepted";
    try {
      decode(Buffer.from(whole.subarray(0, size)));
    } catch (thrown) {
      error = thrown;
    }
    if ((error as { code?: string }).code !== "MALFORMED") fail(size, error);
  }
}
