/** Writes the items of an RDB file (file-items.ts has their form) that are no values. */
import type { ByteWriter } from "../../../../base/bytes.ts";
import { fileOpcode } from "./file-items.ts";
import { writeLength, writeString, writeTime } from "./writer.ts";

export function writeFileHead(out: ByteWriter, version: number): void {
  out.bytes(Buffer.from(`REDIS${String(version).padStart(4, "0")}`));
}

export function writeAux(out: ByteWriter, name: string, value: string): void {
  out.uint8(fileOpcode.aux);
  writeString(out, Buffer.from(name));
  writeString(out, Buffer.from(value));
}

/** Begins a database; the numbers are hints for who loads it. */
export function writeDatabase(out: ByteWriter, database: number, keys: number, expiring: number): void {
  writeLength(out.uint8(fileOpcode.database), database);
  writeLength(out.uint8(fileOpcode.resize), keys);
  writeLength(out, expiring);
}

/** Writes a key, the value of which follows. `expiry` is wall time in ms, -1 for never. */
export function writeKey(out: ByteWriter, type: number, key: Uint8Array, expiry: number): void {
  if (expiry >= 0) writeTime(out.uint8(fileOpcode.expiryMs), expiry);
  writeString(out.uint8(type), key);
}
