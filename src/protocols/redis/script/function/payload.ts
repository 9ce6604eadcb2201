/**
 * FUNCTION DUMP's payload: for each library opcode 245 and its code as a string of an RDB file, then the RDB version (2 bytes) and
 * a CRC-64 of all before it (8 bytes), little-endian.
 *
 * Strings are written as they are; compressed ones (LZF), as redis writes them, are read too. Invariant: what is read is checked
 * against its checksum and its bounds before anything is taken from it.
 */
import { ByteWriter } from "../../../../base/bytes.ts";
import { Crc64 } from "../../../../base/checksum/crc64.ts";
import { limits } from "../../../../base/limits.ts";
import { RedisError } from "../../core/errors.ts";

const functionOpcode = 245;
const rdbVersion = 10;
const footerBytes = 10;
const compressed = 3;

export function writePayload(codes: readonly Buffer[]): Buffer {
  const out = new ByteWriter();
  for (const code of codes) {
    out.uint8(functionOpcode);
    writeLength(out, code.length);
    out.bytes(code);
  }
  const footer = Buffer.alloc(footerBytes);
  footer.writeUInt16LE(rdbVersion);
  out.bytes(footer, 0, 2);
  new Crc64().update(out.view()).write(footer, 2);
  return out.bytes(footer, 2).copy();
}

function writeLength(out: ByteWriter, length: number): void {
  if (length < 1 << 6) out.uint8(length);
  else if (length < 1 << 14) out.uint16(0x4000 | length);
  else out.uint8(0x80).uint32(length);
}

/** The code of each library. Throws redis's error. */
export function readPayload(payload: Buffer): Buffer[] {
  const end = payload.length - footerBytes;
  if (
    end < 0 ||
    payload.readUInt16LE(end) > rdbVersion ||
    !new Crc64().update(payload, 0, end + 2).isAt(payload, end + 2)
  )
    throw new RedisError("ERR DUMP payload version or checksum are wrong");
  const reader = new Reader(payload, end);
  const codes: Buffer[] = [];
  while (!reader.isAtEnd) {
    if (reader.byte() !== functionOpcode) throw new RedisError("ERR given type is not a function");
    codes.push(reader.string());
  }
  return codes;
}

class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Moves past so many bytes, and returns where they are. */
  #take(size: number): number {
    const at = this.#at;
    if (size > this.#end - at) throw new RedisError("ERR Failed loading library data");
    this.#at = at + size;
    return at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** A length; of a string in another form its number, negative. */
  #length(): number {
    const first = this.byte();
    switch (first >> 6) {
      case 0:
        return first;
      case 1:
        return ((first & 0x3f) << 8) | this.byte();
      case 2:
        if (first === 0x80) return this.#bytes.readUInt32BE(this.#take(4));
        throw new RedisError("ERR Failed loading library data");
      default:
        return -(first & 0x3f) - 1;
    }
  }

  string(): Buffer {
    const length = this.#length();
    if (length >= 0) {
      const at = this.#take(length);
      return Buffer.from(this.#bytes.subarray(at, at + length));
    }
    if (-length - 1 !== compressed) throw new RedisError("ERR Failed loading library data");
    const packed = this.#length();
    const size = this.#length();
    if (packed < 0 || size < 0 || size > limits.luaLibrariesBytesMax)
      throw new RedisError("ERR Failed loading library data");
    const at = this.#take(packed);
    return inflate(this.#bytes.subarray(at, at + packed), size);
  }
}

/** LZF: runs of literal bytes, and copies of what was written before. */
function inflate(packed: Buffer, size: number): Buffer {
  const out = Buffer.alloc(size);
  let at = 0;
  let to = 0;
  const broken = (): RedisError => new RedisError("ERR Failed loading library data");
  while (at < packed.length) {
    const control = packed[at++]!;
    if (control < 32) {
      const count = control + 1;
      if (at + count > packed.length || to + count > size) throw broken();
      packed.copy(out, to, at, at + count);
      at += count;
      to += count;
      continue;
    }
    let count = control >> 5;
    if (count === 7) count += packed[at++] ?? 0;
    const back = ((control & 0x1f) << 8) + (packed[at++] ?? 0) + 1;
    count += 2;
    if (back > to || to + count > size) throw broken();
    for (let i = 0; i < count; i++, to++) out[to] = out[to - back]!;
  }
  if (to !== size) throw broken();
  return out;
}
