/**
 * AMQP's two string types and its 64-bit integers as JavaScript values that lose nothing.
 *
 *   shortstr = length:u8  bytes      (spec 4.2.5.3: at most 255 bytes)
 *   longstr  = length:u32 bytes
 *
 * Neither type promises UTF-8: the spec says it of shortstr, yet RabbitMQ checks only method arguments and lets
 * properties, header names and header values pass as they are. So one rule for all of them: bytes that are UTF-8
 * become a string, others stay a Buffer; a 64-bit integer is a number when it is safe, else a bigint.
 *
 * Invariant: encoding what was decoded gives the same bytes.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";

/** Text, or bytes where they are not UTF-8. */
export type AmqpText = string | Buffer;

/** A number when it is a safe integer, else a bigint. */
export type AmqpInteger64 = number | bigint;

export const shortStringBytesMax = 255;

const replacementCharacter = "\ufffd";

/** Text if `[start, end)` is UTF-8, else undefined. */
export function utf8OrUndefined(buffer: Buffer, start: number, end: number): string | undefined {
  const text = buffer.utf8Slice(start, end);
  if (!text.includes(replacementCharacter)) return text;
  // The replacement character may have been sent as such: then the text encodes to the same bytes.
  if (Buffer.from(text).compare(buffer, start, end) === 0) return text;
  return undefined;
}

/** A text for people: bytes that are not UTF-8 are replaced. Do not use it as a key. */
export function displayText(text: AmqpText): string {
  return typeof text === "string" ? text : text.toString("utf8");
}

function readText(reader: ByteReader, size: number): AmqpText {
  const start = reader.skip(size);
  const end = start + size;
  // A copy, because a decoded value outlives the input it was read from.
  return utf8OrUndefined(reader.buffer, start, end) ?? Buffer.from(reader.buffer.subarray(start, end));
}

export function readShortString(reader: ByteReader): AmqpText {
  return readText(reader, reader.uint8());
}

export function readLongString(reader: ByteReader): AmqpText {
  return readText(reader, reader.uint32());
}

export function writeShortString(writer: ByteWriter, text: AmqpText): void {
  const size = typeof text === "string" ? Buffer.byteLength(text) : text.length;
  if (size > shortStringBytesMax) {
    throw new BrokerError("INVALID", `short string of ${size} bytes; use at most ${shortStringBytesMax}`);
  }
  writer.uint8(size);
  if (typeof text === "string") writer.utf8(text);
  else writer.bytes(text);
}

export function writeLongString(writer: ByteWriter, text: AmqpText): void {
  if (typeof text === "string") {
    writer.uint32(Buffer.byteLength(text));
    writer.utf8(text);
  } else {
    writer.uint32(text.length);
    writer.bytes(text);
  }
}

/** The longest beginning of `text` that fits a shortstr, ended by "..." where cut, as RabbitMQ cuts reply texts. */
export function fitShortString(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= shortStringBytesMax) return text;
  const mark = "...";
  let end = shortStringBytesMax - mark.length;
  while ((bytes[end]! & 0xc0) === 0x80) end--; // not inside a character
  return bytes.toString("utf8", 0, end) + mark;
}

export function readInteger64(reader: ByteReader, signed: boolean): AmqpInteger64 {
  const exact = signed ? reader.bigInt64() : reader.bigUint64();
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}

export function writeInteger64(writer: ByteWriter, value: AmqpInteger64): void {
  writer.bigInt64(typeof value === "bigint" ? value : BigInt(Math.trunc(value)));
}
