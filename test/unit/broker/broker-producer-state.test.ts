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
    fc.property(fc.array(batch, { maxLength: 40 }), fc.nat({ max: 40 }), (batches, fullAt) => {
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
