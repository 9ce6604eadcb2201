/**
 * A collection of a dump, read to its end first and put under its key after that, each in slices.
 *
 * Not here: what an element is, and its forms (hash/hash-dump.ts, set/set-dump.ts). Invariant: no change of the value is open where
 * the work pauses.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { BadData } from "../wire/rdb/types.ts";
import type { LoadedValue } from "./value-forms.ts";

/** Reading or adding an element. */
const unitsOfElement = 0.5;

/** How the elements of a type of collections are read and added. */
export interface CollectionForm<Elements extends { next(): boolean }> {
  /** Gives the elements from the first one on, as often as it is called. */
  open(): Elements;
  /** Bytes of the element that was read last. */
  sizeOf(elements: Elements): number;
  /** Makes an empty value under a key that has nothing; returns its entry. */
  create(database: Database, key: Uint8Array, start: number, end: number): number;
  /** How such a value is changed. */
  changesOf(database: Database): { open(entry: number): void; close(): void };
  /** Adds the element that was read last to the value that is open. */
  add(database: Database, elements: Elements): void;
}

export function* loadCollection<Elements extends { next(): boolean }>(
  form: CollectionForm<Elements>,
): Job<LoadedValue> {
  const elements = form.open();
  const piece = new Piece();
  let units = 0;
  let count = 0;
  for (; elements.next(); count++) {
    const more = unitsOfElement + unitsOfBytes(form.sizeOf(elements));
    units += more;
    const due = piece.add(more);
    if (due > 0) yield due;
  }
  if (count === 0) throw new BadData("a collection without elements");
  return {
    units,
    isOneRecord: false,
    *put(database, key, start, end, expiry): Job<void> {
      yield* putEach(form, database, key, start, end);
      if (expiry > 0) database.setExpiry(database.find(key, start, end), expiry);
    },
  };
}

function* putEach<Elements extends { next(): boolean }>(
  form: CollectionForm<Elements>,
  database: Database,
  key: Uint8Array,
  start: number,
  end: number,
): Job<void> {
  const elements = form.open();
  const changes = form.changesOf(database);
  const piece = new Piece();
  let entry = form.create(database, key, start, end);
  for (let isMore = elements.next(); isMore;) {
    changes.open(entry);
    let due = 0;
    try {
      for (; isMore && due === 0; isMore = elements.next()) {
        form.add(database, elements);
        due = piece.add(unitsOfElement + unitsOfBytes(form.sizeOf(elements)));
      }
    } finally {
      changes.close();
    }
    if (!isMore) return;
    yield due;
    // It may have become a large one, and its entry another.
    entry = database.find(key, start, end);
  }
}
