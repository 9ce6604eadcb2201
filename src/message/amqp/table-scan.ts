/**
 * Field tables in place: check one, or find a field in it, without making an object for each value.
 *
 * Positions are absolute in `buffer`. A table body is what follows the table's size: `*( name:shortstr value )`,
 * grammar in table.ts. Not here: decoding.
 * Invariant: `checkFieldTableBody` accepts exactly what `readFieldTable` accepts. So what was checked when it was
 * published cannot fail when it is read.
 */
import { BrokerError } from "../../base/errors.ts";
import { checkFieldDepth, FieldCount, fieldCountMax } from "./table.ts";

/** Bytes after the tag for each tag; absent: unknown tag; `sized`: a u32 length leads. */
const sized = -1;
const absent = -2;
const payloadSizes = new Int8Array(256).fill(absent);
for (const tag of "tbB") payloadSizes[tag.charCodeAt(0)] = 1;
for (const tag of "su") payloadSizes[tag.charCodeAt(0)] = 2;
for (const tag of "Iif") payloadSizes[tag.charCodeAt(0)] = 4;
for (const tag of "lLdT") payloadSizes[tag.charCodeAt(0)] = 8;
for (const tag of "SxAF") payloadSizes[tag.charCodeAt(0)] = sized;
payloadSizes["D".charCodeAt(0)] = 5;
payloadSizes["V".charCodeAt(0)] = 0;

const arrayTag = "A".charCodeAt(0);
const tableTag = "F".charCodeAt(0);

/** Reused, since a check runs to its end at once. */
const count = new FieldCount();

/** Throws `MALFORMED` or `LIMIT` unless `[start, end)` is a whole, valid table body. */
export function checkFieldTableBody(buffer: Buffer, start: number, end: number): void {
  count.left = fieldCountMax;
  checkTable(buffer, start, end, 1);
}

function checkTable(buffer: Buffer, start: number, end: number, depth: number): void {
  checkFieldDepth(depth);
  let at = start;
  while (at < end) at = checkValue(buffer, skipName(buffer, at, end), end, depth);
}

function checkArray(buffer: Buffer, start: number, end: number, depth: number): void {
  checkFieldDepth(depth);
  let at = start;
  while (at < end) at = checkValue(buffer, at, end, depth);
}

function checkValue(buffer: Buffer, at: number, end: number, depth: number): number {
  count.take();
  const next = skipFieldValue(buffer, at, end);
  const tag = buffer[at];
  if (tag === tableTag) checkTable(buffer, at + 5, next, depth + 1);
  else if (tag === arrayTag) checkArray(buffer, at + 5, next, depth + 1);
  return next;
}

function skipName(buffer: Buffer, at: number, end: number): number {
  const next = at + 1 + buffer[at]!;
  if (next > end) throw truncated(at);
  return next;
}

/** The position after the value whose tag is at `at`. */
export function skipFieldValue(buffer: Buffer, at: number, end: number): number {
  if (at >= end) throw truncated(at);
  const size = payloadSizes[buffer[at]!]!;
  if (size === absent) {
    throw new BrokerError("MALFORMED", `field type ${buffer[at]} is unknown; check the sender's encoder`);
  }
  let next = at + 1 + size;
  if (size === sized) {
    if (at + 5 > end) throw truncated(at);
    next = at + 5 + buffer.readUInt32BE(at + 1);
  }
  if (next > end) throw truncated(at);
  return next;
}

/** The position of the tag of the first field called `name` in a table body, or -1. Reads top-level fields only. */
export function findFieldAt(buffer: Buffer, start: number, end: number, name: Uint8Array): number {
  let at = start;
  while (at < end) {
    const valueAt = skipName(buffer, at, end);
    if (sameBytes(buffer, at + 1, valueAt, name)) {
      skipFieldValue(buffer, valueAt, end);
      return valueAt;
    }
    at = skipFieldValue(buffer, valueAt, end);
  }
  return -1;
}

const upperB = 0x42;
const upperC = 0x43;

/** Whether a checked table body has a top-level field `CC` or `BCC`: RabbitMQ's further routing keys. */
export function hasRoutingField(buffer: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const size = buffer[at]!;
    const isRouting =
      (size === 2 && buffer[at + 1] === upperC && buffer[at + 2] === upperC) ||
      (size === 3 && buffer[at + 1] === upperB && buffer[at + 2] === upperC && buffer[at + 3] === upperC);
    if (isRouting) return true;
    at = skipFieldValue(buffer, at + 1 + size, end);
  }
  return false;
}

function sameBytes(buffer: Buffer, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (buffer[start + i] !== name[i]) return false;
  return true;
}

function truncated(at: number): BrokerError {
  return new BrokerError("MALFORMED", `field table ends inside the value at ${at}; check the sender's sizes`);
}
