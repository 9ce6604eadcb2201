import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { ProducerState } from "../../../src/broker/queue/producer-state.ts";
import { StateHandle, Storage } from "../../../src/storage/index.ts";

async function openMemory(): Promise<Storage> {
  return Storage.open({
    disk: null,
    directory: "memory",
    now: () => 0,
    journalBytesMax: 1 << 20,
    requestFlush: () => {},
    pause: async () => {},
    onDurable: () => {},
    onFatal: (error) => assert.fail(error),
  });
}

test("sequences go round after the largest int32", async () => {
  const state = new ProducerState(await openMemory());
  const last = 0x7fff_ffff;
  assert.equal(state.check(1, 0, last - 1, last), "append");
  state.appended(1, 0, last - 1, last, 10, 0);
  assert.equal(state.check(1, 0, 0, 0), "append");
  assert.equal(state.check(1, 0, last - 1, last), "duplicate");
  assert.equal(state.duplicateOffset, 10);
});

test("the full form and the changes after it give the same verdicts", async () => {
  const storage = await openMemory();
  const batch = fc.record({
    producer: fc.nat({ max: 3 }),
    epochUp: fc.boolean(),
    count: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 40, size: "max" }), fc.nat({ max: 40 }), (batches, fullAt) => {
      const state = new ProducerState(storage);
      state.handle = new StateHandle(1, state);
      const copy = new ProducerState(storage);
      const writer = new ByteWriter();
      const next = new Map<number, { epoch: number; sequence: number }>();
      const sent: [number, number, number, number][] = [];
      batches.forEach(({ producer, epochUp, count }, i) => {
        const at = next.get(producer) ?? { epoch: 0, sequence: 0 };
        if (epochUp && at.sequence > 0) next.set(producer, { epoch: at.epoch + 1, sequence: 0 });
        const { epoch, sequence } = next.get(producer) ?? at;
        const last = sequence + count - 1;
        assert.equal(state.check(producer, epoch, sequence, last), "append");
        state.appended(producer, epoch, sequence, last, i * 10, i);
        sent.push([producer, epoch, sequence, last]);
        next.set(producer, { epoch, sequence: last + 1 });
        if (i !== fullAt) return;
        writer.reset();
        state.encodeFull(writer);
        copy.restoreFull(new ByteReader(writer.copy()));
      });
      writer.reset();
      state.encodeChange(writer);
      copy.applyChange(new ByteReader(writer.copy()));
      for (const [producer, epoch, first, last] of sent) {
        assert.equal(copy.check(producer, epoch, first, last), state.check(producer, epoch, first, last));
        assert.equal(copy.duplicateOffset, state.duplicateOffset);
        assert.equal(
          copy.check(producer, epoch, last + 1, last + 1),
          state.check(producer, epoch, last + 1, last + 1),
        );
      }
    }),
  );
});

/** As the protocol has it: an epoch, and the last five batches of it. */
class Model {
  epoch = -1;
  batches: { first: number; last: number; offset: number }[] = [];

  check(epoch: number, first: number, last: number): [verdict: string, offset: number] {
    if (this.epoch < 0) return ["append", -1];
    if (epoch < this.epoch) return ["oldEpoch", -1];
    if (epoch > this.epoch) return [first === 0 ? "append" : "outOfOrder", -1];
    const same = this.batches.find((each) => each.first === first && each.last === last);
    if (same !== undefined) return ["duplicate", same.offset];
    return [first === this.batches.at(-1)!.last + 1 ? "append" : "outOfOrder", -1];
  }

  appended(epoch: number, first: number, last: number, offset: number): void {
    if (epoch !== this.epoch) this.batches = [];
    this.epoch = epoch;
    this.batches = [...this.batches, { first, last, offset }].slice(-5);
  }
}

test("whatever producers send: verdicts are those of the model, before and after it was written down", async () => {
  const storage = await openMemory();
  const sent = fc.record({
    producer: fc.nat({ max: 2 }),
    epoch: fc.nat({ max: 3 }),
    first: fc.nat({ max: 12 }),
    count: fc.integer({ min: 1, max: 3 }),
    /** What comes next in its place: most producers are well-behaved. */
    isNext: fc.boolean(),
    isWritten: fc.constantFrom(0, 0, 0, 1, 2),
  });
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 60, size: "max" }), (all) => {
      let state = new ProducerState(storage);
      state.handle = new StateHandle(1, state);
      const models = [new Model(), new Model(), new Model()];
      let offset = 0;
      for (const { producer, epoch: given, first: start, count, isNext, isWritten } of all) {
        const model = models[producer]!;
        const epoch = isNext && model.epoch >= 0 ? model.epoch : given;
        const first = isNext ? (model.batches.at(-1)?.last ?? -1) + 1 : start;
        const last = first + count - 1;
        const [verdict, at] = model.check(epoch, first, last);
        assert.equal(state.check(producer, epoch, first, last), verdict);
        if (verdict === "duplicate") assert.equal(state.duplicateOffset, at);
        if (verdict === "append") {
          offset++;
          state.appended(producer, epoch, first, last, offset, 0);
          model.appended(epoch, first, last, offset);
        }
        if (isWritten === 0) continue;
        const writer = new ByteWriter();
        state.encodeFull(writer);
        const copy = new ProducerState(storage);
        copy.restoreFull(new ByteReader(writer.copy()));
        state = copy;
        state.handle = new StateHandle(1, state);
      }
    }),
    { numRuns: 300 },
  );
});

test("producers that were not heard of for a day are forgotten, others are not", async () => {
  const day = 86_400_000;
  const state = new ProducerState(await openMemory());
  for (let id = 0; id < 1000; id++) state.appended(id, 0, 0, 0, id, 0);
  for (let id = 1000; id < 1025; id++) state.appended(id, 0, 0, 0, id, day / 2);
  assert.equal(state.size, 1025);
  for (let id = 2000; id < 4000; id++) state.appended(id, 0, 0, 0, id, day + 1);
  assert.equal(state.size, 2025, "who was silent for a day is still there");
  assert.equal(state.check(1, 0, 5, 5), "append");
  assert.equal(state.check(1001, 0, 5, 5), "outOfOrder");
});

test("of too many producers the one that was silent longest is forgotten", async () => {
  const state = new ProducerState(await openMemory());
  const busy = 7;
  for (let id = 0; id < 100_300; id++) {
    state.appended(busy, 0, id, id, id, 0);
    state.appended(1000 + id, 0, 0, 0, id, 0);
  }
  assert.equal(state.size, 100_000);
  assert.equal(state.check(busy, 0, 100_299, 100_299), "duplicate");
  assert.equal(state.check(1000, 0, 5, 5), "append");
  assert.equal(state.check(1000 + 100_299, 0, 0, 0), "duplicate");
});
