/**
 * Field tables as plain JavaScript values: for reading arguments such as x-message-ttl, for conversion to other
 * protocols, and for making tables of our own (server properties, x-death).
 *
 * Plain values forget AMQP's types: what must come back as it was stays a FieldTable (table.ts).
 * Invariant: `toPlainValue(fromPlainValue(value))` equals `value`.
 */
import { displayText } from "./text.ts";
import { checkFieldDepth, type Field, type FieldTable, type FieldValue } from "./table.ts";

export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue };

export type PlainTable = { readonly [name: string]: PlainValue };

const int32Max = 0x7fff_ffff;
const int32Min = -0x8000_0000;

/** Of a repeated name the first counts. The object has no prototype, so that a header named `__proto__` is data. */
export function toPlain(table: FieldTable): PlainTable {
  const plain: Record<string, PlainValue> = Object.create(null);
  for (const { name, field } of table) {
    const key = displayText(name);
    if (!(key in plain)) plain[key] = toPlainValue(field);
  }
  return plain;
}

function toPlainValue(field: FieldValue): PlainValue {
  switch (field.type) {
    case "S":
      return displayText(field.value);
    case "D":
      return field.value / 10 ** field.scale;
    case "A":
      return field.value.map(toPlainValue);
    case "F":
      return toPlain(field.value);
    case "V":
      return null;
    default:
      return field.value;
  }
}

/** The types that clients of RabbitMQ choose for these values: longstr, int32, else int64, double. */
export function fromPlain(plain: PlainTable): FieldTable {
  return tableOf(plain, 1);
}

function tableOf(plain: PlainTable, depth: number): FieldTable {
  checkFieldDepth(depth);
  const table: Field[] = [];
  for (const [name, value] of Object.entries(plain)) table.push({ name, field: valueOf(value, depth) });
  return table;
}

function valueOf(value: PlainValue, depth: number): FieldValue {
  switch (typeof value) {
    case "string":
      return { type: "S", value };
    case "boolean":
      return { type: "t", value };
    case "bigint":
      return { type: "l", value };
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { type: "d", value };
      return { type: value >= int32Min && value <= int32Max ? "I" : "l", value };
    default:
  }
  if (value === null) return { type: "V" };
  if (Buffer.isBuffer(value)) return { type: "x", value };
  if (isArray(value)) {
    checkFieldDepth(depth + 1);
    return { type: "A", value: value.map((item) => valueOf(item, depth + 1)) };
  }
  return { type: "F", value: tableOf(value, depth + 1) };
}

/** The type that `fromPlain` gives such a value. */
export function usualType(value: PlainValue): FieldValue["type"] {
  return valueOf(value, 1).type;
}

function isArray(value: PlainValue): value is readonly PlainValue[] {
  return Array.isArray(value);
}
