/**
 * What SORT sorts, by the type of a value. A type whose values can be sorted adds itself here.
 */
import type { Job } from "../../../../base/turn-work.ts";
import type { Database } from "../../../../keyspace/database.ts";
import { valueType } from "../../../../keyspace/value-type.ts";
import type { CommandContext } from "../../core/context.ts";
import { readList } from "../../list/sort-list.ts";
import { readSet } from "../../set/sort-set.ts";
import { readSortedSet } from "../../zset/sort-sorted-set.ts";

/** Which of the elements are wanted, from the element `first` on in that direction. */
export interface SortRange {
  readonly first: number;
  readonly count: number;
  readonly isReverse: boolean;
}

interface SortSource {
  /** Its elements have an order of their own, which `BY nosort` keeps. */
  readonly isOrdered: boolean;
  /**
   * The elements of an entry, in their order, or those of the range that `wanted` says where they have an order of their own, as Latin-1 strings of their bytes. In slices; the entry is valid until the first yield.
   * `hold` is told how many bytes that is so far; `wanted` is given how many elements there are.
   */
  read(
    context: CommandContext,
    database: Database,
    entry: number,
    hold: (bytes: number) => void,
    wanted: (size: number) => SortRange,
  ): Job<readonly string[]>;
}

export const sortSources: Readonly<Partial<Record<number, SortSource>>> = {
  [valueType.list]: { isOrdered: true, read: readList },
  [valueType.sortedSet]: { isOrdered: true, read: readSortedSet },
  [valueType.set]: { isOrdered: false, read: readSet },
};
