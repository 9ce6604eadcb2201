/** RDB files, purely: what is written is read, in windows of any size; and the keys that an export has met. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SeenKeys } from "../../../cli/redis/export/seen-keys.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { FileItems, fileOpcode, fileVersion } from "../../../src/protocols/redis/wire/rdb/file-items.ts";
import {
  writeAux,
  writeDatabase,
  writeFileHead,
  writeKey,
} from "../../../src/protocols/redis/wire/rdb/file-writer.ts";
import { moduleTypeName, passValue } from "../../../src/protocols/redis/wire/rdb/pass-value.ts";
import { RdbReader } from "../../../src/protocols/redis/wire/rdb/reader.ts";
import { BadData, CutOff } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { elementsOf } from "../../../src/protocols/redis/wire/rdb/value-elements.ts";
import { bytesOf, keyOf, lengthOf, plain, strings, ziplist } from "../../support/rdb-file.ts";

interface Key {
  readonly key: string;
  readonly expiry: number;
  readonly database: number;
  readonly type: number;
  readonly value: readonly string[];
}

const word = fc.oneof(fc.string({ maxLength: 40 }), fc.integer().map(String), fc.constant("ab".repeat(60)));
const keys = fc.array(
  fc.record({
    key: word,
    expiry: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 45 })),
    database: fc.integer({ min: 0, max: 3 }),
    type: fc.constantFrom(1, 2),
    value: fc.array(word, { minLength: 1, maxLength: 5 }),
  }),
  { maxLength: 12 },
);

function fileOf(all: readonly Key[]): Buffer {
  const out = new ByteWriter();
  writeFileHead(out, 10);
  writeAux(out, "redis-ver", "7.0.15");
  let selected = -1;
  for (const { key, expiry, database, type, value } of all) {
    if (database !== selected) writeDatabase(out, (selected = database), 3, 1);
    writeKey(out, type, Buffer.from(key), expiry);
    out.bytes(strings(...value.map((text) => Buffer.from(text))));
  }
  return out.uint8(fileOpcode.end).copy();
}

/** Does `read` with as many bytes of the file as it needs, some at a time. */
class Windows {
  readonly #file: Buffer;
  readonly #step: number;
  readonly reader = new RdbReader(Buffer.alloc(0), 0, 0);
  #end = 0;

  constructor(file: Buffer, step: number) {
    this.#file = file;
    this.#step = step;
  }

  whole<Result>(read: () => Result): Result {
    const { reader } = this;
    for (;;) {
      const from = reader.position;
      try {
        return read();
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        reader.position = from;
        this.more(error.missing);
      }
    }
  }

  more(missing: number): void {
    const { reader } = this;
    const begin = this.#end - reader.remaining;
    this.#end = Math.min(this.#end + Math.max(missing, this.#step), this.#file.length);
    assert.ok(begin + reader.remaining + missing <= this.#file.length, "asks for more than there is");
    // Another buffer each time: nothing may point into the one before.
    const window = Buffer.from(this.#file.subarray(begin, this.#end));
    reader.slide(window, 0, window.length);
  }
}

test("what is written is read, in windows of any size", () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 50 }), (all, step) => {
      const windows = new Windows(fileOf(all), step);
      const { reader } = windows;
      const head = windows.whole(() => Buffer.from(reader.buffer.subarray(reader.skip(9), reader.position)));
      assert.equal(fileVersion(head), 10);
      const items = new FileItems(reader);
      const read: Key[] = [];
      while (windows.whole(() => items.next()) === "key") {
        const { database, expiry, type } = items;
        const key = Buffer.from(items.bytes.subarray(items.start, items.end)).toString();
        const value: string[] = [];
        const visitor = {
          first: (bytes: Buffer, start: number, end: number) => void value.push(bytes.utf8Slice(start, end)),
          second: () => assert.fail(),
          score: () => assert.fail(),
          time: () => assert.fail(),
          ended: () => true,
        };
        for (const missing of elementsOf(reader, type, visitor)) if (missing > 0) windows.more(missing);
        read.push({ key, expiry, database, type, value });
        items.keyEnded();
      }
      assert.deepEqual(
        read,
        all.map((one) => ({ ...one })),
      );
      assert.equal(reader.remaining, 0);
    }),
  );
});

test("the end of a value is found, whatever its type, and no byte beyond it is asked for", () => {
  const stream = bytesOf(
    lengthOf(1),
    plain(Buffer.alloc(16)),
    plain("node"),
    ...Array.from({ length: 8 }, () => lengthOf(70)),
    lengthOf(1),
    plain("group"),
    ...Array.from({ length: 3 }, () => lengthOf(7)),
    lengthOf(1),
    Buffer.alloc(24),
    lengthOf(1),
    lengthOf(1),
    plain("consumer"),
    Buffer.alloc(8),
    lengthOf(1),
    Buffer.alloc(16),
  );
  const values: readonly (readonly [number, Buffer])[] = [
    [0, plain("text")],
    [0, Buffer.from([0xc2, 1, 2, 3, 4])],
    [0, Buffer.from([0xc3, 2, 9, 0, 65])],
    [1, strings("a", "b")],
    [3, bytesOf(lengthOf(3), plain("a"), [254], plain("b"), [2], "17", plain("c"), [253])],
    [4, bytesOf(lengthOf(1), plain("f"), plain("v"))],
    [5, bytesOf(lengthOf(1), plain("a"), Buffer.alloc(8))],
    [10, plain(ziplist("a", 1))],
    [14, strings(ziplist("a"), ziplist("b"))],
    [18, bytesOf(lengthOf(2), [1], plain("long"), [2], plain("pack"))],
    [19, stream],
    [24, bytesOf(Buffer.alloc(8), lengthOf(1), lengthOf(300), plain("f"), plain("v"))],
    [25, bytesOf(Buffer.alloc(8), plain("pack"))],
  ];
  for (const [type, value] of values) {
    const more = bytesOf(value, [1, 2, 3]);
    const reader = new RdbReader(more, 0, more.length);
    passValue(reader, type);
    assert.equal(reader.position, value.length, `type ${type}`);
    for (let size = 0; size < value.length; size++) {
      const cut = new RdbReader(more, 0, size);
      const tells = (error: unknown) => error instanceof CutOff && error.missing <= value.length - size;
      assert.throws(() => passValue(cut, type), tells, `type ${type}, ${size} bytes`);
    }
  }
  assert.throws(() => passValue(new RdbReader(Buffer.alloc(9), 0, 9), 60), BadData);
  const early = keyOf(246, "k", plain("v"));
  assert.throws(() => new FileItems(new RdbReader(early, 0, early.length)).next(), BadData);
});

test("the type of a module has a name", () => {
  const number = (0b000000_000001_011010_011011_110100_111101_111110_111111_000000n << 10n) | 9n;
  assert.equal(moduleTypeName(Number(number >> 32n), Number(number & 0xffff_ffffn)), "ABab09-_A");
});

test("an export takes each key once", () => {
  const seen = new SeenKeys();
  const key = (number: number): Buffer => Buffer.from(`key:${number.toString(36)}`);
  for (let i = 0; i < 50_000; i++) assert.ok(seen.add(key(i)));
  for (let i = 0; i < 50_000; i += 7) assert.ok(!seen.add(key(i)));
  assert.ok(seen.add(Buffer.alloc(0)));
  assert.ok(!seen.add(Buffer.alloc(0)));
  assert.equal(seen.count, 50_001);
});
