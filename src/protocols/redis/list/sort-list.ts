/** The elements of a list for SORT, and a list of what it has sorted. */
import type { Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { Piece, unitsOfBytes } from "../core/sliced-reply.ts";
import { storeAside } from "../keys/store-result.ts";
import { listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";

const unitsOfPushed = 0.5;

export function* readList(
  context: CommandContext,
  { content }: Database,
  entry: number,
  hold: (bytes: number) => void,
): Job<readonly string[]> {
  const elements: string[] = [];
  if (!content.isLarge(entry)) {
    const lists = listsOf(context);
    lists.begin(content, entry, 0);
    while (lists.next()) elements.push(lists.bytes.latin1Slice(lists.start, lists.end));
    return elements;
  }
  const walk = new ListWalk(content, entry);
  const { list } = walk;
  const cursor = new ListCursor();
  let held = 0;
  for (const units of walk.go(0, false, (at) => {
    list.open(at);
    const { bytes, head, tail } = list;
    for (let place = head; place < tail; place = cursor.until) {
      cursor.read(bytes, place);
      elements.push(bytes.latin1Slice(cursor.start, cursor.end));
    }
    held += tail - head;
    return true;
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
