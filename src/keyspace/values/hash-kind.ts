/**
 * Hashes as the journal has them (key-records.ts): `setFields`, `setTimedFields`, `removeFields`, `expireFields`, and their elements written again.
 *
 * Not here: hashes in memory (hash.ts).
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { KeyContent } from "../content.ts";
import { beginElements, endElements, operation, skipElements, writeElementBytes } from "../key-records.ts";
import { valueType } from "../value-type.ts";
import type { ElementTable } from "./element-table.ts";
import type { HashValues } from "./hash.ts";
import type { PartOperation, RewriteSource, ValueKind } from "./value-kind.ts";

type FieldsOperation = typeof operation.setFields | typeof operation.setTimedFields;

const expiryBytes = 8;

export class HashKind implements ValueKind {
  readonly type = valueType.hash;
  readonly operations: readonly PartOperation[];
  readonly #hashes: HashValues;

  constructor(hashes: HashValues) {
    this.#hashes = hashes;
    this.operations = [
      {
        code: operation.setFields,
        makesValue: true,
        skip: (reader) => skipElements(reader, 2 * reader.uint32()),
        apply: (content, entry, reader, position) =>
          this.#setFields(content, entry, reader, position, operation.setFields),
      },
      {
        code: operation.setTimedFields,
        makesValue: true,
        skip: (reader) => skipTimed(reader, 2),
        apply: (content, entry, reader, position) =>
          this.#setFields(content, entry, reader, position, operation.setTimedFields),
      },
      {
        code: operation.expireFields,
        makesValue: false,
        skip: (reader) => skipTimed(reader, 1),
        apply: (content, entry, reader) => this.#expireFields(content, entry, reader),
      },
      {
        code: operation.removeFields,
        makesValue: false,
        skip: (reader) => skipElements(reader, reader.uint32()),
        apply: (content, entry, reader) => this.#removeFields(content, entry, reader),
      },
    ];
  }

  create(content: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    return this.#hashes.create(content, key, start, end, age);
  }

  makeLarge(content: KeyContent, entry: number): number {
    this.#hashes.makeLarge(content, entry);
    return this.#hashes.entry;
  }

  #setFields(
    content: KeyContent,
    first: number,
    reader: ByteReader,
    position: number,
    code: FieldsOperation,
  ): void {
    const hashes = this.#hashes;
    const { buffer } = reader;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const expiry = code === operation.setTimedFields ? reader.float64() : 0;
      const fieldSize = reader.uint32();
      const field = reader.skip(fieldSize);
      const size = reader.uint32();
      const value = reader.skip(size);
      const end = value + size;
      hashes.set(content, entry, position, buffer, field, field + fieldSize, buffer, value, end, expiry);
      entry = hashes.entry;
    }
  }

  #expireFields(content: KeyContent, first: number, reader: ByteReader): void {
    const hashes = this.#hashes;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const at = reader.float64();
      const size = reader.uint32();
      const field = reader.skip(size);
      hashes.expire(content, entry, reader.buffer, field, field + size, at);
      entry = hashes.entry;
    }
  }

  #removeFields(content: KeyContent, first: number, reader: ByteReader): void {
    const hashes = this.#hashes;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const field = reader.skip(size);
      hashes.remove(content, entry, reader.buffer, field, field + size);
      entry = hashes.entry;
    }
  }

  /** A segment's elements are one record. */
  rewriteElements(
    out: ByteWriter,
    { database, content, id }: RewriteSource,
    below: number,
    position: number,
  ): boolean {
    const { values, table } = content;
    const large = values.get(id) as ElementTable;
    large.age = position;
    const { expiries } = large;
    const code = expiries === null ? operation.setFields : operation.setTimedFields;
    let countAt = -1;
    let count = 0;
    const isFound = large.rewriteOlder(below, (ref) => {
      if (countAt < 0) countAt = beginElements(out, code, database, table, values.entryOf(id));
      large.locateKey(ref);
      if (expiries !== null) out.float64(expiries.of(large.bytes, large.start, large.end));
      writeElementBytes(out, large.bytes, large.start, large.end);
      large.locate(ref);
      writeElementBytes(out, large.bytes, large.start, large.end);
      count++;
    });
    if (countAt >= 0) endElements(out, countAt, count);
    return isFound;
  }
}

/** Passes over a record of times, each with so many elements. */
function skipTimed(reader: ByteReader, elements: number): void {
  for (let left = reader.uint32(); left > 0; left--) {
    reader.skip(expiryBytes);
    skipElements(reader, elements);
  }
}
