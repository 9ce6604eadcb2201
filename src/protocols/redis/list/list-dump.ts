/**
 * Lists in redis's dumps: nodes that are listpacks, as redis 7.0 cuts them where elements are pushed at the tail. What is read may also have
 * nodes that are one element or a ziplist, or be a ziplist, or elements one behind the other, as redis had them before.
 *
 * A list of many blocks is dumped in slices: each element that stays where it is, is in it once.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { ListCursor } from "../../../keyspace/values/list/list-bytes.ts";
import type { CommandContext } from "../core/context.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { loadCollection } from "../dump/load-collection.ts";
import type { Payload } from "../dump/payload.ts";
import type { LoadedValue } from "../dump/value-forms.ts";
import { ListpackWriter } from "../wire/rdb/listpack.ts";
import { quicklistNode, QuicklistReader } from "../wire/rdb/quicklist.ts";
import { RdbReader, stringsAgain } from "../wire/rdb/reader.ts";
import { type RdbElements, rdbType } from "../wire/rdb/types.ts";
import { isLongString, writeLength, writeString, writeStringSliced } from "../wire/rdb/writer.ts";
import { ZiplistReader } from "../wire/rdb/ziplist.ts";
import { listsOf } from "./list-key.ts";
import { ListWalk } from "./list-walk.ts";

/** Of a node that has more than one element; and what redis reckons an element with beside its bytes. */
const nodeBytesMax = 8192;
const elementExtraBytes = 8;
const endBytes = 1;
/** Compressing costs about as much as this for a byte. */
const unitsOfWritten = 8;

/** Elements become nodes, each of which is written when it has ended. */
class NodeWriter {
  readonly #payload: Payload;
  readonly #node = new ByteWriter(1024);
  readonly #listpack = new ListpackWriter();
  #isOpen = false;
  nodes = 0;

  constructor(payload: Payload) {
    this.#payload = payload;
  }

  /** Whether an element of so many bytes begins a node. */
  #begins(size: number): boolean {
    return !this.#isOpen || this.#node.length + endBytes + size + elementExtraBytes > nodeBytesMax;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.#begins(end - start)) {
      this.end();
      this.#node.reset();
      this.#listpack.begin(this.#node);
      this.#isOpen = true;
    }
    this.#listpack.text(bytes, start, end);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#endNode();
    writeString(this.#payload.out, this.#node.buffer, 0, this.#node.length);
  }

  #endNode(): void {
    this.#listpack.end();
    this.#isOpen = false;
    this.nodes++;
    writeLength(this.#payload.out, quicklistNode.packed);
  }

  /** The open node, which is one long element, is compressed in slices. */
  *endLong(): Job<void> {
    this.#endNode();
    yield* writeStringSliced(this.#payload, this.#node.buffer, 0, this.#node.length);
    this.#node.shrink(nodeBytesMax);
  }
}

export function* dumpList(
  payload: Payload,
  context: CommandContext,
  { content }: Database,
  entry: number,
): Job<void> {
  const nodes = new NodeWriter(payload);
  const head = payload.open();
  if (content.isLarge(entry)) yield* writeLarge(payload, nodes, new ListWalk(content, entry));
  else {
    const lists = listsOf(context);
    lists.begin(content, entry, 0);
    while (lists.next()) nodes.add(lists.bytes, lists.start, lists.end);
  }
  nodes.end();
  payload.fill(head, (out) => writeLength(out.uint8(rdbType.listQuicklist2), nodes.nodes));
}

function* writeLarge(payload: Payload, nodes: NodeWriter, walk: ListWalk): Job<void> {
  const { list } = walk;
  const cursor = new ListCursor();
  let isLong = false;
  const visit = (at: number): boolean => {
    list.open(at);
    const { bytes, head, tail } = list;
    for (let place = head; place < tail; place = cursor.until) {
      cursor.read(bytes, place);
      nodes.add(bytes, cursor.start, cursor.end);
    }
    // Such an element has its block alone, and its node.
    isLong = isLongString(tail - head);
    return !isLong;
  };
  let job = walk.go(0, false, visit);
  for (;;) {
    yield* inPieces(payload, job);
    if (!isLong) return;
    isLong = false;
    yield* nodes.endLong();
    payload.settle();
    job = walk.goOn(visit);
  }
}

function* inPieces(payload: Payload, job: Job<void>): Job<void> {
  const piece = new Piece();
  let written = payload.bytes;
  for (const units of job) {
    const due = piece.add(units + unitsOfWritten * unitsOfBytes(payload.bytes - written));
    written = payload.bytes;
    payload.settle();
    if (due > 0) yield due;
  }
}

export function loadList(reader: RdbReader, type: number): Job<LoadedValue> {
  return loadCollection({
    open: opener(reader, type),
    sizeOf: ({ start, end }: RdbElements) => end - start,
    create: (database, key, start, end) => database.createList(key, start, end),
    changesOf: ({ list }) => list,
    add({ list }, { bytes, start, end }) {
      list.push(false, bytes, start, end);
    },
  });
}

/** Gives the elements, as often as it is called. The first time `reader` passes them. */
function opener(reader: RdbReader, type: number): () => RdbElements {
  if (type === rdbType.list) return stringsAgain(reader, reader.count(1));
  if (type === rdbType.listZiplist) {
    reader.string();
    const { bytes, start, end } = reader;
    return () => new ZiplistReader(bytes, start, end);
  }
  const isOld = type === rdbType.listQuicklist;
  const count = reader.count(isOld ? 1 : 2);
  const from = reader.position;
  let nodes = reader;
  return () => {
    const elements = new QuicklistReader(nodes, count, isOld);
    nodes = new RdbReader(reader.buffer, from, reader.limit);
    return elements;
  };
}
