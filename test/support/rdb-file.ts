/** RDB files by hand: the encodings that no server writes any more, written from the description of the format. */
import { Crc64 } from "../../src/base/checksum/crc64.ts";

type Bytes = Buffer | readonly number[] | string;

export function bytesOf(...parts: readonly Bytes[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))),
  );
}

export function lengthOf(length: number): Buffer {
  if (length < 64) return Buffer.from([length]);
  if (length < 1 << 14) return Buffer.from([0x40 | (length >> 8), length & 0xff]);
  const bytes = Buffer.from([0x80, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** A string as it is. */
export function plain(text: Bytes): Buffer {
  const bytes = bytesOf(text);
  return bytesOf(lengthOf(bytes.length), bytes);
}

export function strings(...texts: readonly Bytes[]): Buffer {
  return bytesOf(lengthOf(texts.length), ...texts.map(plain));
}

/** LZF of literals only, which is right and no shorter. */
export function literalLzf(text: string): Buffer {
  const runs: Buffer[] = [];
  for (let at = 0; at < text.length; at += 32) {
    const run = Buffer.from(text.slice(at, at + 32), "latin1");
    runs.push(Buffer.from([run.length - 1]), run);
  }
  const packed = Buffer.concat(runs);
  return bytesOf([0xc3], lengthOf(packed.length), lengthOf(text.length), packed);
}

export function ziplist(...elements: readonly (string | number)[]): Buffer {
  const parts: Buffer[] = [];
  let before = 0;
  let tail = 10;
  for (const element of elements) {
    const size = before < 254 ? Buffer.from([before]) : Buffer.from([254, before & 255, before >> 8, 0, 0]);
    const part = bytesOf(size, typeof element === "number" ? ziplistInteger(element) : ziplistText(element));
    if (parts.length > 0) tail += before;
    before = part.length;
    parts.push(part);
  }
  const head = Buffer.alloc(10);
  const body = Buffer.concat(parts);
  head.writeUInt32LE(head.length + body.length + 1, 0);
  head.writeUInt32LE(tail, 4);
  head.writeUInt16LE(elements.length, 8);
  return bytesOf(head, body, [255]);
}

function ziplistText(text: string): Buffer {
  const { length } = text;
  if (length < 64) return bytesOf([length], text);
  return bytesOf([0x40 | (length >> 8), length & 255], text);
}

function ziplistInteger(value: number): Buffer {
  if (value >= 0 && value <= 12) return Buffer.from([0xf1 + value]);
  if (value >= -128 && value < 128) return Buffer.from([0xfe, value & 255]);
  const bytes = Buffer.alloc(5, 0xd0);
  bytes.writeInt32LE(value, 1);
  return bytes;
}

export function zipmap(...pairs: readonly (readonly [string, string])[]): Buffer {
  const parts = pairs.map(([field, value]) => bytesOf([field.length], field, [value.length, 0], value));
  return bytesOf([pairs.length], ...parts, [255]);
}

export function intset(size: 2 | 4, ...integers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + size * integers.length);
  bytes.writeUInt32LE(size, 0);
  bytes.writeUInt32LE(integers.length, 4);
  for (const [index, integer] of integers.entries()) bytes.writeIntLE(integer, 8 + size * index, size);
  return bytes;
}

export function keyOf(type: number, key: string, value: Buffer): Buffer {
  return bytesOf([type], plain(key), value);
}

export function expiresAtMs(ms: number): Buffer {
  const bytes = Buffer.alloc(9, 252);
  bytes.writeBigInt64LE(BigInt(ms), 1);
  return bytes;
}

export function expiresAtSeconds(seconds: number): Buffer {
  const bytes = Buffer.alloc(5, 253);
  bytes.writeInt32LE(seconds, 1);
  return bytes;
}

/** A file of these items; the sum is that of its bytes, or none before version 5. */
export function rdbFile(version: number, ...items: readonly Bytes[]): Buffer {
  const bytes = bytesOf(`REDIS${String(version).padStart(4, "0")}`, ...items, [255]);
  if (version < 5) return bytes;
  const sum = Buffer.alloc(8);
  new Crc64().update(bytes).write(sum, 0);
  return Buffer.concat([bytes, sum]);
}
