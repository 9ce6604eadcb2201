/** The ring of traces: what it keeps, what goes first, damaged blocks, a disk that takes nothing, restarts, and its search in pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SimDisk } from "../../../../sim/disk.ts";
import { Logger } from "../../../../src/base/logger.ts";
import { finishNow } from "../../../../src/base/turn-work.ts";
import { encodeBlock, nextBlockAfter, readBlock } from "../../../../src/broker/trace/ring-block.ts";
import { TraceRing } from "../../../../src/broker/trace/ring.ts";
import { eventsOf, searchingTraces } from "../../../../src/broker/trace/search.ts";
import type { TraceEvent } from "../../../../src/base/trace/trace-event.ts";

interface Rig {
  readonly ring: TraceRing;
  readonly fire: () => void;
  readonly log: string[];
}

function ringOver(disk: SimDisk | null, bytesMax = 1 << 20, mayWrite = (): boolean => true): Rig {
  const log: string[] = [];
  let due: (() => void)[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const ring = new TraceRing({
    disk,
    directory: "/data",
    bytesMax,
    timers: {
      after: (_, action) => {
        due.push(action);
        return { cancel: () => (due = due.filter((each) => each !== action)) };
      },
      atTickEnd: () => {},
    },
    logger: new Logger({ level: "warn", clock, sink: (line) => log.push(line) }),
    mayWrite,
  });
  return { ring, fire: () => due.splice(0).forEach((action) => action()), log };
}

function published(number: number, more: Partial<TraceEvent> = {}): TraceEvent {
  const id = number.toString(16);
  return {
    time: number,
    event: "published",
    trace_id: id.padStart(32, "0"),
    span_id: id.padStart(16, "0"),
    vhost: "/",
    message_id: `m${number}`,
    ...more,
  };
}

function add(ring: TraceRing, event: TraceEvent): void {
  ring.append(event.time, JSON.stringify(event));
}

function timesIn(ring: TraceRing, isReverse = false): number[] {
  return [...ring.read(0, Infinity, isReverse)].flatMap(({ text }) =>
    [...eventsOf(text, () => true)].map(({ time }) => time),
  );
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

for (const [where, make] of [
  ["disk", () => new SimDisk(() => 0.5)],
  ["memory", () => null],
] as const) {
  test(`the newest events are kept within the bound: ${where}`, () => {
    const bytesMax = 80_000;
    const { ring } = ringOver(make(), bytesMax);
    const padding = "x".repeat(1000);
    for (let number = 0; number < 1000; number++) {
      add(ring, published(number, { reason: padding }));
      if (number % 5 === 4) ring.flush();
      assert.ok(ring.bytes <= bytesMax + 8000);
    }
    const kept = timesIn(ring);
    assert.deepEqual(kept, range(kept[0]!, 1000));
    // One of eight files may have just gone.
    assert.ok(kept.length >= 50 && kept.length <= 80, `${kept.length} are kept`);
    assert.equal(ring.events, 1000);
  });
}

test("what is older than a second is there after a kill, and each start goes on in a file of its own", () => {
  const disk = new SimDisk(() => 0.5);
  const first = ringOver(disk);
  for (const number of range(0, 10)) add(first.ring, published(number));
  first.fire();
  for (const number of range(10, 15)) add(first.ring, published(number));
  disk.crash("kill");
  const second = ringOver(disk);
  assert.deepEqual(timesIn(second.ring), range(0, 10));
  for (const number of range(20, 25)) add(second.ring, published(number));
  second.ring.close();
  assert.deepEqual(disk.list("/data/trace"), ["0000000001.ring", "0000000002.ring"]);
  assert.deepEqual(timesIn(ringOver(disk).ring), [...range(0, 10), ...range(20, 25)]);
  assert.deepEqual(second.log, []);
});

test("a damaged block is passed over, and said so", () => {
  const disk = new SimDisk(() => 0.5);
  const { ring } = ringOver(disk);
  for (const number of range(0, 30)) {
    add(ring, published(number));
    if (number % 10 === 9) ring.flush();
  }
  ring.close();
  const file = disk.open("/data/trace/0000000001.ring", "existing");
  const size = file.size();
  const byte = Buffer.alloc(1);
  const middle = Math.floor(size / 2);
  file.read(byte, 0, 1, middle);
  byte[0]! ^= 1;
  file.write(byte, 0, 1, middle);
  // And one that was never whole.
  file.write(encodeBlock("{}\n", 1, 0, 0), 0, 20, size);
  const again = ringOver(disk);
  assert.deepEqual(timesIn(again.ring), [...range(0, 10), ...range(20, 30)]);
  assert.equal(again.ring.damaged, 2);
  assert.match(again.log.join(""), /damaged places/);
});

test("a block that changes in any bit is none, and the next one is found", () => {
  const bytes = fc.tuple(fc.string({ maxLength: 200 }), fc.nat(), fc.nat(7));
  fc.assert(
    fc.property(bytes, ([text, at, bit]) => {
      const block = encodeBlock(text, 1, 1, 2);
      const two = Buffer.concat([block, block]);
      assert.equal(readBlock(two, 0, two.length), text);
      assert.equal(readBlock(two, 0, block.length - 1), null);
      two[at % block.length]! ^= 1 << bit;
      assert.equal(readBlock(two, 0, two.length), null);
      assert.equal(nextBlockAfter(two, 0, two.length), block.length);
    }),
  );
});

test("while the disk takes nothing events are dropped and counted, and it is said once", () => {
  const disk = new SimDisk(() => 0.5);
  let isFull = true;
  const { ring, log } = ringOver(disk, 1 << 20, () => !isFull);
  add(ring, published(1));
  ring.flush();
  assert.deepEqual([ring.dropped, log], [1, []]);
  isFull = false;
  disk.writeErrors = 1;
  for (const number of [2, 3]) {
    add(ring, published(number));
    ring.flush();
  }
  assert.deepEqual([ring.dropped, log.length], [3, 1]);
  disk.writeErrors = 0;
  add(ring, published(4));
  assert.deepEqual(timesIn(ring), [4]);
  ring.close();
  assert.deepEqual(timesIn(ringOver(disk).ring), [4]);
});

test("a search gives the newest first, each trace whole, and all of them in pages", () => {
  const { ring } = ringOver(new SimDisk(() => 0.5));
  for (const number of range(1, 301)) {
    const key = number % 3 === 0 ? "wanted" : "other";
    add(ring, published(number, { key, headers: { n: number, text: `t${number}` } }));
    if (number > 1) add(ring, { ...published(number - 1), time: number + 0.5, event: "written" });
    if (number % 20 === 0) ring.flush();
  }
  const search = (more: object): { ids: string[]; events: number[]; next: number | null } => {
    const found = finishNow(searchingTraces(ring, { from: 0, to: Infinity, tracesMax: 10, ...more }));
    return {
      ids: found.traces.map(({ traceId }) => String(parseInt(traceId, 16))),
      events: found.traces.map(({ events }) => events.length),
      next: found.next,
    };
  };
  const seen: string[] = [];
  for (let to = Infinity; ;) {
    const { ids, events, next } = search({ key: "wanted", to });
    seen.push(...ids);
    assert.ok(events.every((count, i) => count === (ids[i] === "300" ? 1 : 2)));
    if (next === null) break;
    to = next;
  }
  assert.deepEqual(
    seen,
    range(1, 101)
      .map((each) => String(3 * each))
      .toReversed(),
  );
  assert.deepEqual(search({ messageId: "m7" }).ids, ["7"]);
  assert.deepEqual(search({ header: { name: "n", value: "8" } }).ids, ["8"]);
  assert.deepEqual(search({ header: { name: "text", value: "t9" } }).ids, ["9"]);
  assert.deepEqual(search({ traceId: "a".padStart(32, "0") }).ids, ["10"]);
  assert.deepEqual(search({ key: "wanted", from: 10, to: 20 }).ids, ["18", "15", "12"]);
  assert.deepEqual(search({ vhost: "x" }).ids, []);
});
