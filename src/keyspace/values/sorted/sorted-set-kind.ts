/**
 * Sorted sets as the journal has them (key-records.ts): `setScores`, `removeScored`, and their elements written again.
 *
 * Not here: sorted sets in memory (sorted-set.ts).
 */
import type { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import type { KeyContent } from "../../content.ts";
import { beginElements, endElements, operation, skipElements, writeElementBytes } from "../../key-records.ts";
import { valueType } from "../../value-type.ts";
import type { LargeSortedSet } from "./large-sorted-set.ts";
import { scoreBytes } from "./score-bytes.ts";
import type { SortedSetValues } from "./sorted-set.ts";
import type { PartOperation, RewriteSource, ValueKind } from "../value-kind.ts";

export class SortedSetKind implements ValueKind {
  readonly type = valueType.sortedSet;
  readonly operations: readonly PartOperation[];
  readonly #sortedSets: SortedSetValues;

  constructor(sortedSets: SortedSetValues) {
    this.#sortedSets = sortedSets;
    this.operations = [
      {
        code: operation.setScores,
        makesValue: true,
        skip: skipScores,
        apply: (content, entry, reader, position) => this.#setScores(content, entry, reader, position),
      },
      {
        code: operation.removeScored,
        makesValue: false,
        skip: (reader) => skipElements(reader, reader.uint32()),
        apply: (content, entry, reader) => this.#removeScored(content, entry, reader),
      },
    ];
  }

  create(content: KeyContent, key: Uint8Array, start: number, end: number, age: number): number {
    return this.#sortedSets.create(content, key, start, end, age);
  }

  makeLarge(content: KeyContent, entry: number): number {
    this.#sortedSets.makeLarge(content, entry);
    return this.#sortedSets.entry;
  }

  #setScores(content: KeyContent, first: number, reader: ByteReader, position: number): void {
    const sortedSets = this.#sortedSets;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const score = reader.float64();
      const size = reader.uint32();
      const member = reader.skip(size);
      sortedSets.setExactly(content, entry, position, score, reader.buffer, member, member + size);
      entry = sortedSets.entry;
    }
  }

  #removeScored(content: KeyContent, first: number, reader: ByteReader): void {
    const sortedSets = this.#sortedSets;
    let entry = first;
    for (let left = reader.uint32(); left > 0; left--) {
      const size = reader.uint32();
      const member = reader.skip(size);
      sortedSets.remove(content, entry, reader.buffer, member, member + size);
      entry = sortedSets.entry;
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
    const large = values.get(id) as LargeSortedSet;
    const { elements } = large;
    elements.age = position;
    let countAt = -1;
    let count = 0;
    const isFound = elements.rewriteOlder(below, (ref) => {
      if (countAt < 0) countAt = beginElements(out, operation.setScores, database, table, values.entryOf(id));
      out.float64(large.scoreOf(ref));
      elements.locateKey(ref);
      writeElementBytes(out, elements.bytes, elements.start, elements.end);
      count++;
    });
    if (countAt >= 0) endElements(out, countAt, count);
    return isFound;
  }
}

function skipScores(reader: ByteReader): void {
  for (let left = reader.uint32(); left > 0; left--) {
    reader.skip(scoreBytes);
    reader.skip(reader.uint32());
  }
}
