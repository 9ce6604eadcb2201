/**
 * Typed AMQP values as the text that other protocols carry: numbers and booleans in their usual spelling, tables and
 * arrays as JSON, void as nothing. Types do not come back: what was a number is text for who reads it from there.
 *
 * In JSON, bytes are base64, integers beyond 2^53 keep their digits, and numbers that JSON lacks are null.
 */
import { ByteReader, type ByteWriter } from "../../base/bytes.ts";
import { displayText, utf8OrUndefined } from "../amqp/text.ts";
import { type FieldTable, type FieldValue, readFieldValue } from "../amqp/table.ts";

/** Tags of values that are a run of bytes, or nothing. */
export const fieldTag = { text: 0x53, bytes: 0x78, nothing: 0x56 } as const;

const smallIntegerMax = 0x7fff_ffff;
const reader = new ByteReader(Buffer.alloc(0));

/** Writes the text of the value whose tag is at `at`. */
export function writeFieldText(writer: ByteWriter, buffer: Buffer, at: number, end: number): void {
  const field = readFieldValue(reader.reuse(buffer, at, end));
  switch (field.type) {
    case "S":
    case "x":
      if (typeof field.value === "string") writer.utf8(field.value);
      else writer.bytes(field.value);
      return;
    case "V":
      return;
    case "A":
    case "F":
      writer.utf8(jsonOf(field));
      return;
    default:
      writer.latin1(scalarText(field));
  }
}

type Scalar = Exclude<FieldValue, { readonly type: "S" | "x" | "V" | "A" | "F" }>;

function scalarText(field: Scalar): string {
  return field.type === "D" ? String(field.value / 10 ** field.scale) : String(field.value);
}

/** A value inside a table or an array. */
function jsonOf(field: FieldValue): string {
  switch (field.type) {
    case "S":
      return JSON.stringify(displayText(field.value));
    case "x":
      return JSON.stringify(field.value.toString("base64"));
    case "V":
      return "null";
    case "A":
      return `[${field.value.map(jsonOf).join(",")}]`;
    case "F":
      return jsonOfTable(field.value);
    case "f":
    case "d":
      return Number.isFinite(field.value) ? String(field.value) : "null";
    default:
      return scalarText(field);
  }
}

/** Of a repeated name the first counts, as in AMQP. */
function jsonOfTable(table: FieldTable): string {
  const members = new Map<string, string>();
  for (const { name, field } of table) {
    const text = displayText(name);
    if (!members.has(text)) members.set(text, jsonOf(field));
  }
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

/** Digits of an integer that is not negative. */
export function writeDecimal(writer: ByteWriter, value: number): void {
  if (value > smallIntegerMax) {
    writer.latin1(String(value));
    return;
  }
  let size = 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) size++;
  const start = writer.reserve(size);
  const buffer = writer.buffer;
  let rest = value;
  for (let at = start + size - 1; at >= start; at--) {
    const tenth = (rest / 10) | 0;
    buffer[at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
}

/** The number that the digits in `[start, end)` spell; -1 where they are not plain digits or too many. */
export function parseDecimal(buffer: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

export function isUtf8(buffer: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (buffer[at]! >= 0x80) return utf8OrUndefined(buffer, at, end) !== undefined;
  }
  return true;
}
