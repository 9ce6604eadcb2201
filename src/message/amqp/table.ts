/**
 * AMQP 0-9-1 field tables: the typed values of message headers and method arguments.
 *
 *   table = size:u32 *( name:shortstr value )
 *   value = tag:u8 payload
 *
 *   t bool:u8      b i8   B u8   s i16   u u16   I i32   i u32   l i64   L i64   f f32   d f64
 *   D scale:u8 value:u32   S longstr   x longstr (bytes)   T seconds:u64   A size:u32 *value   F table   V nothing
 *
 * The tags are RabbitMQ's, which differ from the spec's (4.2.1): `s` is a signed short instead of a short string,
 * `l` and `L` are both signed, `x` is added, `U` is unknown.
 *
 * Not here: lookups in bytes without decoding (table-scan.ts), plain values (table-plain.ts).
 * Invariant: `encode(decode(bytes))` is `bytes`, order and repeated names included; except that a bool is
 * written as 0 or 1, and a NaN as the runtime's NaN.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import {
  type AmqpInteger64,
  type AmqpText,
  readInteger64,
  readLongString,
  readShortString,
  writeInteger64,
  writeLongString,
  writeShortString,
} from "./text.ts";

export type FieldValue =
  | { readonly type: "t"; readonly value: boolean }
  | { readonly type: "b" | "B" | "s" | "u" | "I" | "i" | "f" | "d"; readonly value: number }
  | { readonly type: "l" | "L" | "T"; readonly value: AmqpInteger64 }
  | { readonly type: "D"; readonly scale: number; readonly value: number }
  | { readonly type: "S"; readonly value: AmqpText }
  | { readonly type: "x"; readonly value: Buffer }
  | { readonly type: "A"; readonly value: readonly FieldValue[] }
  | { readonly type: "F"; readonly value: FieldTable }
  | { readonly type: "V" };

/** RabbitMQ's names for them, as its error texts show them. */
export const fieldTypeNames: Readonly<Record<FieldValue["type"], string>> = {
  t: "bool",
  b: "byte",
  B: "unsignedbyte",
  s: "short",
  u: "unsignedshort",
  I: "signedint",
  i: "unsignedint",
  l: "long",
  L: "long",
  f: "float",
  d: "double",
  D: "decimal",
  S: "longstr",
  x: "binary",
  T: "timestamp",
  A: "array",
  F: "table",
  V: "void",
};

export interface Field {
  readonly name: AmqpText;
  readonly field: FieldValue;
}

/** In the order of the wire; a name may repeat, and the first one counts, as in RabbitMQ. */
export type FieldTable = readonly Field[];

/** Tables and arrays inside each other; bounds the recursion of every reader and writer. */
export const fieldDepthMax = 32;
/** Values in one table, nested ones included; an array of `V` costs its sender one byte an object. */
export const fieldCountMax = 16_384;

/** Throws `LIMIT` when a table nests deeper than `fieldDepthMax`. */
export function checkFieldDepth(depth: number): void {
  if (depth > fieldDepthMax) {
    throw new BrokerError("LIMIT", `field table nests deeper than ${fieldDepthMax}; send a flatter one`);
  }
}

/** Counts the values of one table, and throws `LIMIT` when there are too many. */
export class FieldCount {
  left = fieldCountMax;

  take(): void {
    if (--this.left < 0) {
      throw new BrokerError("LIMIT", `field table has more than ${fieldCountMax} values; send fewer`);
    }
  }
}

export function readFieldTable(reader: ByteReader): FieldTable {
  return readTable(reader, 1, new FieldCount());
}

/** One value from its tag on, as it stands in a table. */
export function readFieldValue(reader: ByteReader): FieldValue {
  return readValue(reader, 1, new FieldCount());
}

function readTable(reader: ByteReader, depth: number, count: FieldCount): FieldTable {
  const outerEnd = enter(reader, depth);
  const table: Field[] = [];
  while (reader.remaining > 0) {
    const name = readShortString(reader);
    table.push({ name, field: readValue(reader, depth, count) });
  }
  reader.end = outerEnd;
  return table;
}

function readArray(reader: ByteReader, depth: number, count: FieldCount): FieldValue[] {
  const outerEnd = enter(reader, depth);
  const values: FieldValue[] = [];
  while (reader.remaining > 0) values.push(readValue(reader, depth, count));
  reader.end = outerEnd;
  return values;
}

/** Reads a size and narrows the reader to it, so that no value can reach past its table. Returns the end to restore. */
function enter(reader: ByteReader, depth: number): number {
  checkFieldDepth(depth);
  const size = reader.uint32();
  const start = reader.skip(size);
  const outerEnd = reader.end;
  reader.position = start;
  reader.end = start + size;
  return outerEnd;
}

function readValue(reader: ByteReader, depth: number, count: FieldCount): FieldValue {
  count.take();
  const type = String.fromCharCode(reader.uint8());
  switch (type) {
    case "t":
      return { type, value: reader.uint8() !== 0 };
    case "b":
      return { type, value: reader.int8() };
    case "B":
      return { type, value: reader.uint8() };
    case "s":
      return { type, value: reader.int16() };
    case "u":
      return { type, value: reader.uint16() };
    case "I":
      return { type, value: reader.int32() };
    case "i":
      return { type, value: reader.uint32() };
    case "l":
    case "L":
      return { type, value: readInteger64(reader, true) };
    case "f":
      return { type, value: reader.float32() };
    case "d":
      return { type, value: reader.float64() };
    case "D":
      return { type, scale: reader.uint8(), value: reader.uint32() };
    case "S":
      return { type, value: readLongString(reader) };
    case "x":
      return { type, value: Buffer.from(reader.view(reader.uint32())) };
    case "T":
      return { type, value: readInteger64(reader, false) };
    case "A":
      return { type, value: readArray(reader, depth + 1, count) };
    case "F":
      return { type, value: readTable(reader, depth + 1, count) };
    case "V":
      return { type };
    default:
      throw new BrokerError(
        "MALFORMED",
        `field type ${JSON.stringify(type)} is unknown; check the sender's encoder`,
      );
  }
}

export function writeFieldTable(writer: ByteWriter, table: FieldTable): void {
  writeTable(writer, table, 1);
}

function writeTable(writer: ByteWriter, table: FieldTable, depth: number): void {
  checkFieldDepth(depth);
  const sizeAt = writer.reserve(4);
  for (const { name, field } of table) {
    writeShortString(writer, name);
    writeValue(writer, field, depth);
  }
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
}

function writeArray(writer: ByteWriter, values: readonly FieldValue[], depth: number): void {
  checkFieldDepth(depth);
  const sizeAt = writer.reserve(4);
  for (const value of values) writeValue(writer, value, depth);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
}

function writeValue(writer: ByteWriter, field: FieldValue, depth: number): void {
  writer.uint8(field.type.charCodeAt(0));
  switch (field.type) {
    case "t":
      writer.uint8(field.value ? 1 : 0);
      break;
    case "b":
    case "B":
      writer.uint8(field.value & 0xff);
      break;
    case "s":
    case "u":
      writer.uint16(field.value & 0xffff);
      break;
    case "I":
    case "i":
      writer.uint32(field.value >>> 0);
      break;
    case "l":
    case "L":
    case "T":
      writeInteger64(writer, field.value);
      break;
    case "f":
      writer.float32(field.value);
      break;
    case "d":
      writer.float64(field.value);
      break;
    case "D":
      writer.uint8(field.scale).uint32(field.value);
      break;
    case "S":
    case "x":
      writeLongString(writer, field.value);
      break;
    case "A":
      writeArray(writer, field.value, depth + 1);
      break;
    case "F":
      writeTable(writer, field.value, depth + 1);
      break;
    case "V":
      break;
  }
}

/** The first field of that name, as RabbitMQ looks arguments up. */
export function findField(table: FieldTable, name: string): FieldValue | undefined {
  for (const entry of table) if (entry.name === name) return entry.field;
  return undefined;
}
