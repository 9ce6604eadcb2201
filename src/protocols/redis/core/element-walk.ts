/**
 * A walk over the elements of a large hash, set or sorted set in slices: each is met exactly once. Nobody else changes the value between
 * the slices (core/claims); where the walker does, an element that is there throughout is met once, with the value that it has then.
 *
 * Not here: replies. Invariant: the walk ends where the value is deleted, replaced or moved to another database.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { ElementTable, Ref } from "../../../keyspace/values/element-table.ts";
import type { LargeValue } from "../../../keyspace/values/large-value.ts";
import type { CommandContext } from "./context.ts";
import { unitsOfBytes } from "./sliced-reply.ts";

const elementsAtOnce = 64;
const unitsOfElement = 0.4;

/** Which parts of each field a reply has. */
export type FieldParts = "fields" | "values" | "both";

export class ElementWalk {
  readonly #content: KeyContent;
  readonly #id: number;
  readonly #value: LargeValue;
  readonly table: ElementTable;
  readonly #found: Ref[] = [];
  /** Where it goes on; 0 at the end. */
  cursor = 0;

  /** `table` is that of the value, where it is not all of it. */
  constructor(content: KeyContent, entry: number, table: ElementTable = content.elementsOf(entry)) {
    this.#content = content;
    this.#id = content.idOf(entry);
    this.#value = content.largeOf(entry);
    this.table = table;
  }

  get isThere(): boolean {
    return this.#content.values.at(this.#id) === this.#value;
  }

  /** Whether it is a field whose time has come, which nobody has removed yet. */
  #isHidden(ref: Ref): boolean {
    const { table } = this;
    table.locateKey(ref);
    return table.expiries!.hides(table.bytes, table.start, table.end);
  }

  /** Has `visit` see about `wanted` elements from `cursor` on. `visit` must not change the value. */
  *go(wanted: number, visit: (ref: Ref) => void): Job<void> {
    const found = this.#found;
    const piece = new Piece();
    for (let left = wanted; left > 0;) {
      if (!this.isThere) {
        this.cursor = 0;
        return;
      }
      found.length = 0;
      this.cursor = this.table.scan(this.cursor, Math.min(left, elementsAtOnce), found);
      let bytes = 0;
      const hiding = this.table.expiries?.hidesSome === true;
      for (const ref of found) {
        if (hiding && this.#isHidden(ref)) continue;
        visit(ref);
        bytes += this.table.end - this.table.start;
      }
      if (this.cursor === 0) return;
      left -= found.length;
      const due = piece.add(unitsOfElement * (found.length + 1) + unitsOfBytes(bytes));
      if (due > 0) yield due;
    }
  }
}

export function writeElement(
  { reply }: CommandContext,
  table: ElementTable,
  ref: Ref,
  parts: FieldParts,
): void {
  if (parts !== "values") {
    table.locateKey(ref);
    reply.bulk(table.bytes, table.start, table.end);
  }
  if (parts === "fields") return;
  table.locate(ref);
  reply.bulk(table.bytes, table.start, table.end);
}
