/**
 * Replays against a model: of any queue or partition, any range, filter and limits, one after the other, copy what the model says in its order;
 * whole batches only where they are whole in the range.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BareBroker, openBareBroker, publishTo } from "../../../support/bare-broker.ts";
import { makeBatch } from "../../../../sim/clients/kafka-batch.ts";
import { parseFilter } from "../../../../src/broker/look/filter.ts";
import {
  newReplayCounts,
  type ReplayCounts,
  replaying,
  type ReplayRequest,
} from "../../../../src/broker/operations/replay/replay.ts";
import { QueueTarget } from "../../../../src/broker/operations/replay/replay-target.ts";
import { takeOnce } from "../../../../src/broker/queue/delivery.ts";
import type { Queue } from "../../../../src/broker/queue/queue.ts";
import { AmqpView } from "../../../../src/message/convert/as-amqp.ts";
import { envelope } from "../../../../src/message/envelope.ts";
import { KafkaBatch } from "../../../../src/message/kafka/batch.ts";

const view = new AmqpView();
const getOwner = 7;

function bodiesOf(queue: Queue): string[] {
  queue.log.store.seal();
  const reader = queue.reader();
  const bodies: string[] = [];
  while (reader.next()) {
    const { buffer, bodyStart, bodyEnd } = view.show(reader);
    bodies.push(buffer.latin1Slice(bodyStart, bodyEnd));
  }
  return bodies;
}

function appendBatch({ log }: Queue, bodies: readonly string[]): void {
  const of = { timestamp: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 };
  const batch = new KafkaBatch().reset(makeBatch({ values: [...bodies], ...of }));
  batch.next();
  const at = log.store.reserveBatch(log.group, envelope.kafka, batch.sizeBytes, bodies.length, 0);
  batch.buffer.copy(log.store.tail, at, batch.start, batch.end);
  log.store.seal();
}

interface Case {
  /** Sizes of Kafka's batches; 0: one AMQP message. */
  readonly batches: readonly number[];
  readonly taken: number;
  readonly removed: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly limits: readonly number[];
  readonly isHistoryOnly: boolean;
  readonly filter: string | null;
  readonly isSelf: boolean;
}

const cases: fc.Arbitrary<Case> = fc.record({
  batches: fc.array(fc.constantFrom(0, 0, 1, 3, 5), { maxLength: 12 }),
  taken: fc.nat(20),
  removed: fc.array(fc.nat(30), { maxLength: 4 }),
  from: fc.nat(15),
  to: fc.integer({ min: 0, max: 40 }),
  limits: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
  isHistoryOnly: fc.boolean(),
  filter: fc.constantFrom(null, null, "body ~ 1", "body > m2"),
  isSelf: fc.boolean(),
});

let queues = 0;

async function copies(bare: BareBroker, given: Case): Promise<void> {
  const { batches, taken, removed, from, to, isHistoryOnly, filter, isSelf } = given;
  const source = bare.declare(`source${queues}`, { "x-history-bytes": 1_000_000 });
  const target = isSelf ? source : bare.declare(`target${queues}`);
  queues++;
  const model: { body: string; state: "ready" | "history" | "gone" }[] = [];
  const add = (): string => {
    const body = `m${model.length}`;
    model.push({ body, state: "ready" });
    return body;
  };
  for (const size of batches)
    if (size === 0) publishTo(source, add());
    else appendBatch(source, Array.from({ length: size }, add));
  source.catchUp();
  for (let left = taken; left > 0 && takeOnce(source, getOwner) === "taken"; left--) {
    const { offset } = source.cursor!.record;
    source.settle(offset);
    model[offset]!.state = "history";
  }
  for (const offset of removed)
    if (offset < model.length && model[offset]!.state !== "gone") {
      source.removeAt(offset);
      model[offset]!.state = "gone";
    }
  const before = bodiesOf(source);
  const matches = (body: string): boolean =>
    filter === null || (filter === "body ~ 1" ? body.includes("1") : body > "m2");
  const wanted = model
    .map((each, offset) => ({ ...each, offset }))
    .filter(({ offset, state }) => offset >= from && offset < to && state !== "gone")
    .filter(({ state, body }) => (!isHistoryOnly || state === "history") && matches(body))
    .map(({ body }) => body);
  const end = Math.min(to, model.length);
  let next = from;
  const rest = [...wanted];
  for (const limit of [...given.limits, Infinity]) {
    const request: ReplayRequest = {
      source,
      from: next,
      to: end,
      isHistoryOnly,
      filter: filter === null ? null : parseFilter(filter),
      limit,
      copiesBatches: filter === null && !isHistoryOnly,
      isDry: false,
      target: new QueueTarget(target),
    };
    const options = { kind: "replay", vhost: "/", source: source.name, startedBy: "g", rate: null } as const;
    const operation = bare.broker.operations.start(
      options,
      replaying(bare.broker, request),
      newReplayCounts(next),
    );
    await bare.turnsUntil(() => !operation.isRunning);
    const counts = operation.counts as ReplayCounts;
    const due = rest.splice(0, limit).length;
    assert.deepEqual([operation.state, counts.matched, counts.moved], ["finished", due, due]);
    assert.ok(counts.next_offset >= next);
    next = counts.next_offset;
  }
  assert.ok(next >= end || from >= end);
  assert.deepEqual(bodiesOf(target), isSelf ? [...before, ...wanted] : wanted);
  if (!isSelf) assert.deepEqual(bodiesOf(source), before);
  bare.broker.defaultVhost.deleteQueue(source);
  if (!isSelf) bare.broker.defaultVhost.deleteQueue(target);
}

test("what is copied is what the model says", async () => {
  const bare = await openBareBroker();
  await fc.assert(
    fc.asyncProperty(cases, (given) => copies(bare, given)),
    { numRuns: 150 },
  );
  await bare.close();
});

test("a batch is copied whole, with its bytes, where it is whole in the range", async () => {
  const bare = await openBareBroker();
  const source = bare.declare("batches", { "x-history-bytes": 1_000_000 });
  appendBatch(source, ["a", "b", "c"]);
  appendBatch(source, ["d", "e", "f"]);
  for (const [from, to, sizes] of [
    [0, 6, [3, 3]],
    [1, 6, [1, 1, 3]],
    [0, 5, [3, 1, 1]],
    [2, 4, [1, 1]],
  ] as const) {
    const target = bare.declare(`frames ${from} ${to}`);
    const options = { kind: "replay", vhost: "/", source: "batches", startedBy: "g", rate: null } as const;
    const request: ReplayRequest = {
      source,
      from,
      to,
      isHistoryOnly: false,
      filter: null,
      limit: Infinity,
      copiesBatches: true,
      isDry: false,
      target: new QueueTarget(target),
    };
    bare.broker.operations.start(options, replaying(bare.broker, request), newReplayCounts(from));
    target.log.store.seal();
    const reader = target.reader();
    const found: number[] = [];
    while (reader.nextFrame()) found.push(reader.frameEnd - reader.frameOffset);
    assert.deepEqual(found, sizes);
  }
  await bare.close();
});
