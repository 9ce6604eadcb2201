/** The parts by which Redis commands are kept from looking at everything: each beside the plain way, and counted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { freeLargeBuffer } from "../../../src/base/large-buffers.ts";
import { limits } from "../../../src/base/limits.ts";
import { sortedInSlices } from "../../../src/base/sliced-sort.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { GroupOffsets } from "../../../src/broker/groups/offsets.ts";
import { NameFilter } from "../../../src/broker/queue/name-filter.ts";
import { Arena } from "../../../src/keyspace/arena.ts";
import { KeyTable } from "../../../src/keyspace/key-table.ts";
import { PartedReply } from "../../../src/protocols/redis/core/parted-reply.ts";
import { RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";
import { OffsetSet } from "../../../src/storage/log/offset-set.ts";

const offsets = fc.array(fc.tuple(fc.nat(5000), fc.nat(1500)), { maxLength: 12 });

test("gone offsets are counted and passed as if looked at one by one", () => {
  fc.assert(
    fc.property(offsets, fc.nat(6000), fc.nat(6000), (ranges, a, b) => {
      const set = new OffsetSet();
      for (const [from, size] of ranges) set.addRange(from, from + size);
      const [from, to] = a < b ? [a, b] : [b, a];
      let gone = 0;
      for (let offset = from; offset < to; offset++) if (set.has(offset)) gone++;
      assert.equal(set.countIn(from, to), gone);
      let next = Math.max(from, set.first);
      while (set.has(next)) next++;
      assert.equal(set.nextPresent(from), next);
      let previous = to;
      while (previous >= set.first && set.has(previous)) previous--;
      assert.equal(set.previousPresent(to), Math.max(previous, set.first - 1));
    }),
  );
});

test("a sort in slices is the runtime's, and says what it costs", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.nat(50), at: fc.nat() }), { maxLength: 3000, size: "max" }),
      (items) => {
        const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
        assert.deepEqual(finishNow(sortedInSlices(items, compare)), items.toSorted(compare));
      },
    ),
    { numRuns: 30 },
  );
  const job = sortedInSlices(
    Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 20_000),
    (a, b) => a - b,
  );
  let units = 0;
  let pieceMax = 0;
  for (const piece of job) {
    units += piece;
    pieceMax = Math.max(pieceMax, piece);
  }
  assert.ok(pieceMax <= limits.turnWorkSliceUnits);
  assert.ok(units > 20_000 / 2);
});

test("the filter of names knows each name that is there", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary-ascii" })), (names) => {
      const filter = new NameFilter();
      for (const name of names) filter.add(name);
      for (const name of names) {
        const bytes = Buffer.from(`..${name}.`, "latin1");
        assert.ok(filter.mayHave(bytes, 2, bytes.length - 1));
      }
      for (const name of names) filter.remove(name);
      for (const name of names) assert.ok(!filter.mayHave(Buffer.from(name, "latin1"), 0, name.length));
    }),
  );
});

test("a topic's commits go without a look at the groups of others", () => {
  const deleted: string[] = [];
  const definitions = { put: () => {}, delete: (key: string) => void deleted.push(key) };
  type Definitions = ConstructorParameters<typeof GroupOffsets>[1];
  const groups = new GroupOffsets("/", definitions as unknown as Definitions);
  const committed = { offset: 1, leaderEpoch: 0, metadata: "", at: 0 };
  for (let i = 0; i < 1000; i++) groups.commit(`g${i}`, "busy", 0, committed);
  groups.commit("g7", "quiet", 3, committed);
  let looks = 0;
  const all = groups.groups;
  const get = all.get.bind(all);
  all.get = (name) => (looks++, get(name));
  groups.deleteTopic("nobody");
  assert.equal(looks, 0);
  groups.deleteTopic("quiet");
  assert.ok(looks <= 3, `${looks} looks`);
  assert.equal(deleted.length, 1);
  assert.ok(!groups.hasTopic("quiet") && groups.hasTopic("busy"));
  groups.deleteGroup("g7");
  groups.deleteTopic("busy");
  assert.ok(!groups.hasTopic("busy"));
  assert.equal(groups.groups.size, 0);
});

test("a table of which nearly all is removed is small again: an empty one is not walked for long", () => {
  const table = new KeyTable(1);
  const key = (i: number): Buffer => Buffer.from(`key${i}`);
  const count = 20_000;
  for (let i = 0; i < count; i++)
    table.insert(table.hash(key(i), 0, key(i).length), key(i), 0, key(i).length, 1, 1);
  for (let i = 1; i < count; i++)
    table.remove(table.find(table.hash(key(i), 0, key(i).length), key(i), 0, key(i).length));
  const found: number[] = [];
  let buckets = 0;
  let cursor = 0;
  do {
    cursor = table.scan(cursor, found);
    buckets++;
  } while (cursor !== 0);
  assert.equal(found.length, 1);
  assert.ok(buckets <= 64, `${buckets} buckets for one key`);
  assert.ok(table.arenaBytes < 2 << 20);
});

test("the memory of a huge value is given back when it goes, and what was a view of it is empty", () => {
  const arena = new Arena();
  const address = arena.allocate(8 << 20);
  const { bytes } = arena.chunk(address);
  assert.equal(bytes.length, 8 << 20);
  arena.release(address);
  assert.equal(bytes.length, 0);
  assert.equal(arena.bytes, 0);
  const small = Buffer.alloc(100);
  freeLargeBuffer(small);
  assert.equal(small.length, 100);
});

test("a command that is kept outlives what comes behind it, however it came", () => {
  const words = fc.array(fc.string({ maxLength: 300, unit: "binary-ascii" }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 500 }), (values, piece) => {
      const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
      const one = `*${values.length}\r\n${values.map(bulk).join("")}`;
      const bytes = Buffer.from(one + "*2\r\n$4\r\necho\r\n$1\r\nx\r\n", "latin1");
      const parser = new RequestParser();
      const kept = [];
      for (let at = 0; at < bytes.length; at += piece) {
        const chunk = Buffer.from(bytes.subarray(at, at + piece));
        parser.feed(chunk);
        while (parser.next()) kept.push(parser.keep());
        chunk.fill(0);
      }
      assert.equal(parser.error, "");
      assert.deepEqual(
        kept.map((request) => Array.from({ length: request.argumentCount }, (_, i) => request.latin1(i))),
        [values, ["echo", "x"]],
      );
    }),
  );
});

test("a reply in parts is one reply: lists get their counts, and one that is too large is an error", () => {
  const parts = new PartedReply(2);
  const list = parts.openList();
  parts.out.latin1(":1\r\n");
  const inner = parts.openList();
  parts.out.latin1(":2\r\n");
  parts.closeList(inner, 1);
  parts.closeList(list, 2);
  assert.equal(Buffer.concat([...parts.take()]).toString(), "*2\r\n:1\r\n*1\r\n:2\r\n");
  const large = new PartedReply(2);
  const entry = Buffer.alloc(64 << 20);
  assert.throws(() => {
    for (let i = 0; i < 20; i++) {
      large.out.length = entry.length;
      large.out.buffer = entry;
      large.settle();
    }
  }, /^RedisError: ERR the reply would be larger than 512 MiB/);
});
