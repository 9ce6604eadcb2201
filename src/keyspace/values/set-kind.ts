/**
 * Sets as the journal has them (key-records.ts): `addMembers`, `removeMembers`, and their members written again.
 *
 * Not here: sets in memory (set.ts).
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { KeyContent } from "../content.ts";
import { beginElements, endElements, operation, skipElements, writeElementBytes } from "../key-records.ts";
import { valueType } from "../value-type.ts";
import type { ElementTable } from "./element-table.ts";
import type { SetValues } from "./set.ts";
import type { PartOperation, RewriteSource, ValueKind } from "./value-kind.ts";

export class SetKind implements ValueKind {
  readonly type = valueType.set;
  readonly operations: readonly PartOperation[];
  readonly #sets: SetValues;

  constructor(sets: SetValues) {
    this.#sets = sets;
    const skip = (reader: ByteReader): void => skipElements(reader, reader.uint32());
    this.operations = [
      {
        code: operation.addMembers,
        makesValue: true,
        skip,
        apply: (content, entry, reader, position) => this.#addMembers(content, entry, reader, position),
      },
      {
        code: operation.removeMembers,
        makesValue: false,
        skip,
        apply: (content, entry, reader) => this.#removeMembers(content, entry, reader),
      },
    ];
  }

  create(content: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    return this.#sets.create(content, key, start, end, age);
  }

  makeLarge(content: KeyContent, entry: number): number {
    this.#sets.makeLarge(content, entry);
    return this.#sets.entry;
  }

  #addMembers(content: KeyContent, first: number, reader: ByteReader, position: number): void {
    const sets = this.#sets;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const member = reader.skip(size);
      sets.add(content, entry, position, reader.buffer, member, member + size);
      entry = sets.entry;
    }
  }

  #removeMembers(content: KeyContent, first: number, reader: ByteReader): void {
    const sets = this.#sets;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const member = reader.skip(size);
      sets.remove(content, entry, reader.buffer, member, member + size);
      entry = sets.entry;
    }
  }

  /** A segment's members are one record. */
  rewriteElements(
    out: ByteWriter,
    { database, content, id }: RewriteSource,
    below: number,
    position: number,
  ): boolean {
    const { values, table } = content;
    const large = values.get(id) as ElementTable;
    large.age = position;
    let countAt = -1;
    let count = 0;
    const isFound = large.rewriteOlder(below, (ref) => {
      if (countAt < 0)
        countAt = beginElements(out, operation.addMembers, database, table, values.entryOf(id));
      large.locateKey(ref);
      writeElementBytes(out, large.bytes, large.start, large.end);
      count++;
    });
    if (countAt >= 0) endElements(out, countAt, count);
    return isFound;
  }
}
