/**
 * Quicklists: lists as redis dumps them, in nodes.
 *
 *     quicklist  = nodes of length count, each: string of a ziplist                       before redis 7.0
 *     quicklist2 = nodes of length count, each: length 2, string of a listpack
 *                                             | length 1, string that is an element
 *
 * The count of nodes is read by the caller. Nodes are only read; list/list-dump.ts writes them. Invariant: `BadData` is thrown for what is not so.
 */
import { ListpackReader } from "./listpack.ts";
import type { RdbReader } from "./reader.ts";
import { BadData, type RdbElements } from "./types.ts";
import { ZiplistReader } from "./ziplist.ts";

export const quicklistNode = { plain: 1, packed: 2 } as const;

/** Goes through the elements of all nodes. */
export class QuicklistReader implements RdbElements {
  readonly #reader: RdbReader;
  readonly #isOld: boolean;
  #left: number;
  #node: RdbElements | null = null;
  bytes: Buffer;
  start = 0;
  end = 0;

  constructor(reader: RdbReader, nodes: number, isOld: boolean) {
    this.#reader = reader;
    this.#left = nodes;
    this.#isOld = isOld;
    this.bytes = reader.bytes;
  }

  next(): boolean {
    for (;;) {
      if (this.#node?.next() === true) return this.#found(this.#node);
      if (this.#left === 0) return false;
      this.#left--;
      this.#node = this.#nextNode();
      if (this.#node === null) return this.#found(this.#reader);
    }
  }

  #found({ bytes, start, end }: { bytes: Buffer; start: number; end: number }): boolean {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return true;
  }

  /** Null for a node that is one element, which the reader has found. */
  #nextNode(): RdbElements | null {
    const reader = this.#reader;
    const form = this.#isOld ? quicklistNode.packed : reader.length();
    reader.string();
    const { bytes, start, end } = reader;
    if (form === quicklistNode.plain) return null;
    if (form !== quicklistNode.packed) throw new BadData(`a node of a list has form ${form}`);
    return this.#isOld ? new ZiplistReader(bytes, start, end) : new ListpackReader(bytes, start, end);
  }
}
