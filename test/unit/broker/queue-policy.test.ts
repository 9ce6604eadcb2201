/**
 * A queue's policy is replaced while it has a backlog: the sequences that the real RabbitMQ agrees with, what is done in slices,
 * and what a restart keeps.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  effectivePolicy,
  isApplicable,
  type PolicyDefinition,
  type PolicyLayers,
} from "../../../src/broker/policy/policy.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import { TtlEras } from "../../../src/broker/policy/ttl-eras.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../support/bare-broker.ts";
import { policySequences, type PolicyTarget } from "../../support/policy-sequences.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import { purge } from "../../../src/broker/queue/removal.ts";

const backlog = 100_000;
const body = "0123456789";

/** Over the store, from which a start has them. */
function apply(queue: Queue, policy: PolicyDefinition | null): void {
  const { name, vhost } = queue;
  const place = { vhost: vhost.name, component: "policy", name };
  const value = { pattern: `^${name}$`, definition: policy, priority: 0, "apply-to": "queues" };
  if (policy === null) vhost.broker.parameters.delete(place);
  else vhost.broker.parameters.set(place, value);
}

/** What a policy asked for has been done. */
async function settled({ broker, turnsUntil }: BareBroker): Promise<void> {
  await turnsUntil(() => broker.work.waitingCount === 0);
}

function fill(queue: Queue, count: number): number {
  let taken = 0;
  for (let i = 0; i < count; i++) if (publishTo(queue, body)) taken++;
  return taken;
}

function takeNoAck(queue: Queue): boolean {
  if (takeOnce(queue, 1) !== "taken") return false;
  queue.drop(queue.cursor!.record.offset);
  return true;
}

function targetOf(bare: BareBroker): PolicyTarget {
  const { broker } = bare;
  const { queues } = broker.defaultVhost;
  const change = async (name: string, layers: Partial<PolicyLayers>): Promise<void> => {
    const queue = queues.get(name)!;
    queue.applyLayers({ ...queue.policies.layers, ...layers });
    await settled(bare);
  };
  return {
    backlog,
    declare: async (name, args) => void bare.declare(name, args),
    publish: async (name, count) => fill(queues.get(name)!, count),
    setPolicy: (name, policy) => change(name, { policy }),
    setOperatorPolicy: (name, operatorPolicy) => change(name, { operatorPolicy }),
    async count(name) {
      const queue = queues.get(name);
      queue?.catchUp();
      await settled(bare);
      return queue?.readyCount ?? null;
    },
    async take(name, count) {
      const queue = queues.get(name)!;
      let got = 0;
      while (got < count && takeNoAck(queue)) got++;
      return got;
    },
    pass: async (ms) => bare.pass(ms),
  };
}

for (const [name, sequence] of Object.entries(policySequences)) {
  test(`policies change on a backlog of ${backlog}: ${name}`, async () => {
    const bare = await openBareBroker();
    await sequence(targetOf(bare));
    await bare.close();
  });
}

test("a backlog is dead-lettered in slices, between which others have their turns", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  const dead = bare.declare("dead");
  fill(queue, 20_000);
  const before = bare.broker.work.turnsContinued;
  apply(queue, { "max-length": 0, "dead-letter-exchange": "", "dead-letter-routing-key": "dead" });
  assert.ok(queue.readyCount > 19_000, "one turn does a small part");
  assert.equal(publishTo(queue, body), true, "nobody is refused meanwhile");
  await settled(bare);
  assert.equal(queue.readyCount, 0);
  dead.catchUp();
  assert.equal(dead.readyCount, 20_001);
  assert.ok(bare.broker.work.turnsContinued - before >= 40, "in many turns");
  await bare.close();
});

test("a backlog is counted in slices, and what comes and goes meanwhile is counted once", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  fill(queue, 50_000);
  apply(queue, { "max-length-bytes": 1e9 });
  const bytes = queue.readyBytes!;
  assert.ok(bytes.isCounting && bytes.total < 50_000 * body.length);
  const held: number[] = [];
  for (let i = 0; i < 1000; i++) {
    assert.equal(takeOnce(queue, 1), "taken");
    held.push(queue.cursor!.record.offset);
  }
  fill(queue, 10);
  queue.requeue(held[0]!);
  queue.removeAt(49_000);
  queue.settle(held[1]!);
  await settled(bare);
  assert.equal(bytes.isCounting, false);
  assert.equal(bytes.total, queue.readyCount * body.length);
  for (const offset of held.slice(2)) queue.requeue(offset);
  assert.equal(bytes.total, queue.readyCount * body.length);
  apply(queue, null);
  assert.equal(queue.readyBytes, null);
  await bare.close();
});

test("what happens to records below, at and behind the place that counting has come to is counted once", async () => {
  const count = 20_000;
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  fill(queue, count);
  const { pending } = queue.cursor!;
  for (let i = 0; i < count; i++) assert.equal(takeOnce(queue, 1), "taken");
  const offsets = Array.from({ length: count }, (_, i) => pending.next(0) + i);
  // Every other one is ready again, of all ages.
  for (const offset of offsets) if (offset % 2 === 0) queue.requeue(offset);
  apply(queue, { "max-length-bytes": 1e9 });
  const bytes = queue.readyBytes!;
  let changes = 0;
  for (let at = 1; bytes.isCounting; at += 2) {
    // A few of each kind, from both ends, between the slices.
    for (const held of [offsets[at]!, offsets[count - at]!]) {
      assert.equal(pending.ownerOf(held), 1);
      if (at % 3 === 0) queue.settle(held);
      else queue.requeue(held);
      changes++;
    }
    assert.equal(takeOnce(queue, 2), "taken");
    queue.removeAt(offsets[count - at - 1]!);
    queue.catchUp();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(changes >= 6, `${changes} changes amid it`);
  await settled(bare);
  assert.equal(bytes.total, queue.readyCount * body.length);
  await bare.close();
});

test("history begins and ends with the policy, whatever was consumed before; a restart keeps both", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  fill(queue, 12_000);
  const take = (from: Queue): number => {
    assert.equal(takeOnce(from, 1), "taken");
    return from.cursor!.record.offset;
  };
  for (let i = 0; i < 500; i++) queue.settle(take(queue));
  queue.removeAt(1000);
  apply(queue, { "history-ms": 1_000_000 });
  for (let i = 0; i < 100; i++) queue.settle(take(queue));
  assert.equal(queue.log.length, 11_499, "what is settled stays from here on");
  assert.equal(queue.readyCount, 11_399);
  await bare.close();
  const again = await openBareBroker(bare.disk);
  const kept = again.broker.defaultVhost.queue("q");
  assert.deepEqual([kept.log.length, kept.readyCount, kept.keepsHistory], [11_499, 11_399, true]);
  const first = take(kept);
  take(kept);
  kept.settle(first + 1);
  apply(kept, null);
  assert.notEqual(kept.cursor!.history, null, "not in one turn");
  const third = take(kept);
  kept.settle(third);
  await settled(again);
  assert.equal(kept.cursor!.history, null);
  assert.deepEqual([kept.log.length, kept.readyCount, kept.log.firstOffset], [11_397, 11_396, first]);
  kept.requeue(first);
  assert.equal(kept.readyCount, 11_397);
  await again.close();
  const last = await openBareBroker(again.disk);
  const end = last.broker.defaultVhost.queue("q");
  assert.deepEqual([end.log.length, end.readyCount, end.cursor!.history], [11_397, 11_397, null]);
  await last.close();
});

test("what a restart finds beyond its bounds goes in slices too, and each record once", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  bare.declare("dead");
  fill(queue, 5000);
  apply(queue, { "max-length": 10, "dead-letter-exchange": "", "dead-letter-routing-key": "dead" });
  assert.ok(queue.readyCount > 4000);
  await bare.close();
  const again = await openBareBroker(bare.disk);
  const { queues } = again.broker.defaultVhost;
  const ready = (): number[] => ["q", "dead"].map((name) => queues.get(name)!.readyCount);
  assert.ok(ready()[0]! > 4000, "nothing goes before all queues are there");
  await again.turnsUntil(() => queues.get("q")!.readyCount === 10);
  queues.get("dead")!.catchUp();
  assert.deepEqual(ready(), [10, 4990]);
  assert.ok(again.broker.work.turnsContinued >= 8, "in many turns");
  await again.close();
});

test("a purge while a history goes leaves nothing behind", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q", { "x-queue-type": "classic" });
  apply(queue, { "history-ms": 1_000_000 });
  // So many that the first slice has gone past what the purge makes history.
  fill(queue, 12_000);
  for (let i = 0; i < 100; i++) assert.ok(takeNoAck(queue));
  assert.equal(takeOnce(queue, 1), "taken");
  const held = queue.cursor!.record.offset;
  apply(queue, null);
  assert.equal(purge(queue), 11_899);
  await settled(bare);
  assert.deepEqual([queue.log.length, queue.readyCount], [1, 0]);
  queue.settle(held);
  assert.equal(queue.log.length, 0);
  await bare.close();
});

test("policies and the ttl of each record survive a restart", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  fill(queue, 2);
  apply(queue, { "message-ttl": 1000 });
  fill(queue, 2);
  apply(queue, { "max-length": 5 });
  fill(queue, 2);
  await bare.close();
  const again = await openBareBroker(bare.disk);
  const kept = again.broker.defaultVhost.queue("q");
  assert.equal(kept.policy.maxLength, 5);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((offset) => kept.policies.ttlOf(offset)),
    [undefined, 1000, 1000, undefined, undefined],
  );
  apply(kept, null);
  assert.equal(fill(kept, 5), 5);
  assert.equal(kept.readyCount, 10);
  await again.close();
});

test("a Kafka topic's configuration, a policy and the removal of either", async () => {
  const bare = await openBareBroker();
  const { topics } = bare.broker.defaultVhost;
  const topic = topics.create("t", 2, { "retention.bytes": "4000" });
  const partition = topic.partitions[1]!;
  assert.deepEqual([partition.policy.historyMs, partition.policy.historyBytes], [604_800_000, 4000]);
  apply(partition, { "max-age": "1h" });
  assert.deepEqual([partition.policy.historyMs, partition.policy.historyBytes], [3_600_000, 4000]);
  topics.setConfigs(topics.find("t")!, { "cleanup.policy": "compact" });
  assert.deepEqual([partition.policy.historyMs, partition.policy.historyBytes], [undefined, undefined]);
  topics.setConfigs(topics.find("t")!, {});
  assert.equal(partition.policy.historyMs, 3_600_000);
  apply(partition, null);
  assert.equal(partition.policy.historyMs, 604_800_000);
  await bare.close();
});

test("each type of queue merges by its own rules", () => {
  const layers = {
    policy: { expires: 10, "message-ttl": 10, overflow: "reject-publish", "dead-letter-exchange": "policy" },
    operatorPolicy: { expires: 20, "message-ttl": 5, "delivery-limit": 3 },
  };
  const args = {
    "x-expires": 4,
    "x-message-ttl": 7,
    "x-overflow": "drop-head",
    "x-dead-letter-exchange": "arg",
  };
  const classic = effectivePolicy(
    { kind: "queue", args },
    { ...layers, operatorPolicy: { "message-ttl": 5 } },
  );
  assert.deepEqual(
    [classic.expires, classic.messageTtl, classic.overflow, classic.deadLetterExchange],
    [4, 5, "drop-head", "arg"],
  );
  const quorum = effectivePolicy({ kind: "queue", args: { ...args, "x-queue-type": "quorum" } }, layers);
  assert.deepEqual(
    [quorum.expires, quorum.messageTtl, quorum.overflow, quorum.deadLetterExchange, quorum.deliveryLimit],
    [10, 5, "reject-publish", "arg", 3],
  );
  const stream = effectivePolicy(
    { kind: "stream", args: { "x-max-length-bytes": 5, "x-max-age": "1h" } },
    { policy: { "max-length-bytes": 9, "max-age": "2h" }, operatorPolicy: null },
  );
  assert.deepEqual([stream.maxLengthBytes, stream.historyMs], [9, 7_200_000]);
  // RabbitMQ passes over a policy with anything that the type does not have.
  assert.equal(isApplicable({ kind: "queue", args: {} }, { "max-length": 1, "delivery-limit": 1 }), false);
  const other = effectivePolicy(
    { kind: "stream", args: {} },
    { policy: { "max-length-bytes": 9, overflow: "drop-head" }, operatorPolicy: null },
  );
  assert.equal(other.maxLengthBytes, undefined);
});

test("eras of a ttl are few, and never end a record before its time", () => {
  const eras = new TtlEras();
  eras.ended(10, 0, 0);
  assert.equal(eras.count, 0, "nothing came meanwhile");
  for (let i = 1; i <= 200; i++) eras.ended(i % 2 === 0 ? undefined : i, i, 0);
  assert.equal(eras.count, 64);
  assert.equal(eras.of(0, 5), undefined);
  assert.equal(eras.of(198, 5), 199);
  assert.equal(eras.of(200, 5), 5);
  const restored = new TtlEras(eras.list());
  assert.deepEqual(restored.list(), eras.list());
  restored.forgetBelow(199);
  assert.equal(restored.count, 1);
});

test("bytes of a backlog are counted without what is held, also where the count begins in a later turn", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("q");
  fill(queue, 5);
  assert.equal(takeOnce(queue, 1), "taken");
  const held = queue.cursor!.record.offset;
  bare.broker.work.spend(1_000_000);
  apply(queue, { "max-length-bytes": 1000 });
  queue.catchUp();
  await settled(bare);
  assert.equal(queue.readyBytes!.total, 4 * body.length);
  queue.settle(held);
  assert.equal(queue.readyBytes!.total, 4 * body.length);
});
