/**
 * Unsigned varints of the flexible versions (KIP-482): seven bits a byte, least significant first, at most 32 bits.
 */
import type { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";

export function readUnsignedVarint(reader: ByteReader): number {
  let byte = reader.uint8();
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  for (let shift = 7; shift < 35; shift += 7) {
    byte = reader.uint8();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw new BrokerError("MALFORMED", `varint at ${reader.position - 5} is longer than 5 bytes`);
}

export function writeUnsignedVarint(writer: ByteWriter, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    writer.uint8((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  writer.uint8(rest);
}

export function unsignedVarintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}
