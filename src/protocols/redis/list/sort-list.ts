/** The elements of a list for SORT, in their order or the other way round, and a list of what it has sorted. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import type { SortRange } from "../keys/sort/sort-sources.ts";
import { storeAside } from "../keys/store-result.ts";
import { listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";

const unitsOfPushed = 0.5;

export function* readList(
  context: CommandContext,
  { content }: Database,
  entry: number,
  hold: (bytes: number) => void,
  wanted: (size: number) => SortRange,
): Job<readonly string[]> {
  const elements: string[] = [];
  const lists = listsOf(context);
  const { first, count, isReverse } = wanted(lists.count(content, entry));
  if (count === 0) return elements;
  if (!content.isLarge(entry)) {
    lists.begin(content, entry, first, isReverse);
    while (elements.length < count && lists.next())
      elements.push(lists.bytes.latin1Slice(lists.start, lists.end));
    return elements;
  }
  const walk = new ListWalk(content, entry);
  const { list } = walk;
  const cursor = new ListCursor();
  let held = 0;
  for (const units of walk.go(first, isReverse, (at, index) => {
    list.open(at);
    const { bytes, head, tail } = list;
    const end = isReverse ? head : tail;
    let place = cursor.placeOf(bytes, head, tail, list.ring.countAt(at), isReverse ? index + 1 : index);
    while (place !== end && elements.length < count) {
      if (isReverse) cursor.readBack(bytes, place);
      else cursor.read(bytes, place);
      place = isReverse ? cursor.from : cursor.until;
      elements.push(bytes.latin1Slice(cursor.start, cursor.end));
    }
    held += tail - head;
    return elements.length < count;
  })) {
    hold(held);
    yield units;
  }
  return elements;
}

/** Puts a list of values, of which there are some, under the key in argument `index`, which it replaces in one step; `assertMayStore` is asked before. */
export function storeList(
  context: CommandContext,
  index: number,
  values: readonly string[],
  assertMayStore: () => void,
): Job<void> {
  return storeAside(context, index, (scratch, name) => pushAll(scratch, name, values), assertMayStore);
}

function* pushAll(database: Database, name: Buffer, values: readonly string[]): Job<void> {
  const { list } = database;
  const piece = new Piece();
  let entry = database.createList(name, 0, name.length);
  for (let i = 0; i < values.length;) {
    list.open(entry);
    let due = 0;
    try {
      for (; i < values.length && due === 0; i++) {
        const value = Buffer.from(values[i]!, "latin1");
        list.push(false, value, 0, value.length);
        due = piece.add(unitsOfPushed + unitsOfBytes(value.length));
      }
    } finally {
      list.close();
    }
    if (i === values.length) return;
    yield due;
    // It may have become a large one, and its entry another.
    entry = database.find(name, 0, name.length);
  }
}
