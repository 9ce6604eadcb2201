/**
 * Gives the elements of a value in an RDB file one after the other, where the value as a whole is too large for the memory.
 *
 * Not here: values that are one string (pass-value.ts tells which), streams, and what becomes of the elements. Invariant: an element is
 * given once, and while it is given it is all there.
 */
import { ListpackReader } from "./listpack.ts";
import { quicklistNode } from "./quicklist.ts";
import type { RdbReader } from "./reader.ts";
import { BadData, CutOff, type RdbElements, rdbType } from "./types.ts";
import { ZiplistReader } from "./ziplist.ts";

/** Yields how many bytes are missing at least, or 0 after an element: then the caller may pause. */
export type Windowed<Result> = Generator<number, Result, void>;

/** Does `read` again, with more bytes, until they are enough. */
function* wholeIn<Result>(reader: RdbReader, read: () => Result): Windowed<Result> {
  for (;;) {
    const from = reader.position;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      reader.position = from;
      yield error.missing;
    }
  }
}

/** What is told of an element: of a list or a set it is `first` alone. */
export interface ElementVisitor {
  /** `bytes[start, end)`. */
  first(bytes: Buffer, start: number, end: number): void;
  /** The value of a field. */
  second(bytes: Buffer, start: number, end: number): void;
  score(score: number): void;
  /** When a field expires, wall time in ms; 0 for never. */
  time(time: number): void;
  /** The element is complete; says whether the caller wants to pause. */
  ended(): boolean;
}

function visitFirst(visitor: ElementVisitor, { bytes, start, end }: RdbElements | RdbReader): void {
  visitor.first(bytes, start, end);
}

function* strings(reader: RdbReader, visitor: ElementVisitor): Windowed<void> {
  for (let left = yield* wholeIn(reader, () => reader.length()); left > 0; left--) {
    yield* wholeIn(reader, () => reader.string());
    visitFirst(visitor, reader);
    if (visitor.ended()) yield 0;
  }
}

function* nodes(reader: RdbReader, type: number, visitor: ElementVisitor): Windowed<void> {
  const isOld = type === rdbType.listQuicklist;
  for (let left = yield* wholeIn(reader, () => reader.length()); left > 0; left--) {
    const form = yield* wholeIn(reader, () => {
      const read = isOld ? quicklistNode.packed : reader.length();
      reader.string();
      return read;
    });
    const { bytes, start, end } = reader;
    if (form === quicklistNode.plain) {
      visitFirst(visitor, reader);
      if (visitor.ended()) yield 0;
      continue;
    }
    if (form !== quicklistNode.packed) throw new BadData(`a node of a list has form ${form}`);
    const list = isOld ? new ZiplistReader(bytes, start, end) : new ListpackReader(bytes, start, end);
    while (list.next()) {
      visitFirst(visitor, list);
      visitor.ended();
    }
    yield 0;
  }
}

function* scored(reader: RdbReader, isText: boolean, visitor: ElementVisitor): Windowed<void> {
  for (let left = yield* wholeIn(reader, () => reader.length()); left > 0; left--) {
    const score = yield* wholeIn(reader, () => {
      reader.string();
      return isText ? reader.textScore() : reader.buffer.readDoubleLE(reader.skip(8));
    });
    if (Number.isNaN(score)) throw new BadData("a score that is no number");
    visitor.score(score);
    visitFirst(visitor, reader);
    if (visitor.ended()) yield 0;
  }
}

function* fields(reader: RdbReader, type: number, visitor: ElementVisitor): Windowed<void> {
  const isTimed = type !== rdbType.hash;
  const earliest = type === rdbType.hashTimed ? yield* wholeIn(reader, () => reader.time()) : 1;
  for (let left = yield* wholeIn(reader, () => reader.length()); left > 0; left--) {
    // Nothing is told before both halves are there.
    const { offset, first } = yield* wholeIn(reader, () => {
      const read = isTimed ? reader.length() : 0;
      reader.string();
      const { bytes, start, end } = reader;
      reader.string();
      return { offset: read, first: { bytes, start, end } };
    });
    visitor.time(offset === 0 ? 0 : earliest - 1 + offset);
    visitor.first(first.bytes, first.start, first.end);
    visitor.second(reader.bytes, reader.start, reader.end);
    if (visitor.ended()) yield 0;
  }
}

/** Of a value that is neither one string nor a stream. */
export function elementsOf(reader: RdbReader, type: number, visitor: ElementVisitor): Windowed<void> {
  switch (type) {
    case rdbType.list:
    case rdbType.set:
      return strings(reader, visitor);
    case rdbType.listQuicklist:
    case rdbType.listQuicklist2:
      return nodes(reader, type, visitor);
    case rdbType.zsetText:
    case rdbType.zset:
      return scored(reader, type === rdbType.zsetText, visitor);
    case rdbType.hash:
    case rdbType.hashTimed:
    case rdbType.hashTimedEarly:
      return fields(reader, type, visitor);
    default:
      throw new BadData(`a value of type ${type} has no elements`);
  }
}
