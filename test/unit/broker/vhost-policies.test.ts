/**
 * Policies take effect, and virtual hosts are deleted, in slices: what a kill cuts short is whole after the next start, and others do
 * not wait.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { matchingUnits } from "../../../src/base/patterns/regex.ts";
import { openBareBroker } from "../../support/bare-broker.ts";
import type { Vhost } from "../../../src/broker/vhost.ts";

const count = 1500;

function fill(vhost: Vhost): void {
  for (let i = 0; i < count; i++) {
    const name = `q${i}`;
    const common = { kind: "queue", durable: true, exclusiveOwner: 0, autoDelete: false, args: {} } as const;
    vhost.bindings.bind(vhost.exchange("amq.direct"), vhost.declareQueue({ ...common, name }), name, {});
  }
}

function limited(vhost: Vhost): number {
  return [...vhost.queues.values()].filter(({ policy }) => policy.maxLength === 7).length;
}

const place = { vhost: "v", component: "policy", name: "p" };
const policy = { pattern: "^q", definition: { "max-length": 7 }, priority: 0, "apply-to": "queues" };

test("a policy goes over all queues in slices, and on after a kill", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  fill(vhost);
  await bare.turnsUntil(() => broker.storage.durable >= broker.storage.pending);
  assert.equal(broker.parameters.fault(place, policy), null);
  broker.parameters.set(place, policy);
  const first = limited(vhost);
  assert.ok(first < count / 2, `${first} of ${count} in the first slice`);
  // What is made meanwhile has it at once.
  const common = { kind: "queue", durable: true, exclusiveOwner: 0, autoDelete: false, args: {} } as const;
  assert.equal(vhost.declareQueue({ ...common, name: "q.new" }).policy.maxLength, 7);
  broker.ticker.run();
  bare.disk.crash("kill");
  const again = await openBareBroker(bare.disk);
  const restored = again.broker.vhost("v")!;
  let isApplied = false;
  void restored.policies.applied().then(() => (isApplied = true));
  await again.turnsUntil(() => isApplied);
  assert.equal(limited(restored), restored.queues.size);
  again.broker.parameters.delete(place);
  isApplied = false;
  void restored.policies.applied().then(() => (isApplied = true));
  await again.turnsUntil(() => isApplied);
  assert.equal(limited(restored), 0);
  await again.close();
});

test("policies that change faster than they are applied are applied all the same, within two passes, and who waits is told", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  fill(vhost);
  const limitsOf = (): number[] => [...vhost.queues.values()].map(({ policy: of }) => of.maxLength ?? 0);
  const set = (length: number): void =>
    broker.parameters.set(place, { ...policy, definition: { "max-length": length } });
  // How many turns a pass takes.
  let turns = 0;
  set(7);
  let isApplied = false;
  void vhost.policies.applied().then(() => (isApplied = true));
  for (; !isApplied; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(turns > 3, "it takes several turns");
  set(1000);
  isApplied = false;
  void vhost.policies.applied().then(() => (isApplied = true));
  for (let turn = 1; turn <= 3 * turns && !isApplied; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    set(1000 + turn);
  }
  assert.ok(isApplied, "who waits for the first change is told");
  assert.ok(Math.min(...limitsOf()) >= 1000, `${Math.min(...limitsOf())}`);
  // The last change counts in the end.
  set(9);
  isApplied = false;
  void vhost.policies.applied().then(() => (isApplied = true));
  await bare.turnsUntil(() => isApplied);
  assert.deepEqual(new Set(limitsOf()), new Set([9]));
  // A change after a pass that was finished ahead, before its end was told.
  set(10);
  vhost.policies.finish();
  set(11);
  vhost.policies.finish();
  assert.deepEqual(new Set(limitsOf()), new Set([11]));
  await bare.close();
});

test("a pattern that is costly to match has as many slices as it costs", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  const common = { kind: "queue", durable: false, exclusiveOwner: 0, autoDelete: false, args: {} } as const;
  for (let i = 0; i < 300; i++) vhost.declareQueue({ ...common, name: "a".repeat(37) + i });
  await bare.turnsUntil(() => broker.work.waitingCount === 0);
  const units = matchingUnits();
  broker.parameters.set(place, { ...policy, pattern: "^(a?){200}a{200}.*z$" });
  let turns = 0;
  for (; broker.work.waitingCount > 0; turns++) {
    const before = matchingUnits();
    let turn = 0;
    await bare.turnsUntil(() => turn++ > 0);
    const matched = matchingUnits() - before;
    assert.ok(matched <= limits.turnWorkUnits, `${matched} units of matching in a turn`);
  }
  const all = matchingUnits() - units;
  assert.ok(all > 2 * limits.turnWorkUnits, `${all} units in all`);
  assert.ok(turns >= all / limits.turnWorkUnits, `${turns} turns for ${all} units`);
  await bare.close();
});

test("a virtual host whose deletion a kill cuts short is gone, with all that was in it", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  fill(vhost);
  broker.parameters.set(place, policy);
  await bare.turnsUntil(() => broker.work.waitingCount === 0);
  await bare.turnsUntil(() => broker.storage.durable >= broker.storage.pending);
  void broker.vhostDeletions.delete(vhost);
  assert.ok(vhost.queues.size > count / 2, "it takes several turns");
  assert.equal(broker.vhost("v"), undefined);
  broker.ticker.run();
  bare.disk.crash("kill");
  const again = await openBareBroker(bare.disk);
  assert.equal(again.broker.vhost("v"), undefined);
  // One of that name is made while the old one goes: it is empty, also after another start.
  assert.ok(again.broker.addVhost("v"));
  assert.equal(again.broker.vhost("v")!.queues.size, 0);
  assert.equal(again.broker.parameters.get(place), undefined);
  await again.turnsUntil(() => again.broker.work.waitingCount === 0);
  await again.close();
  const last = await openBareBroker(bare.disk);
  assert.equal(last.broker.vhost("v")!.queues.size, 0);
  assert.equal([...last.broker.storage.definitions.entries("queue/")].length, 0);
  assert.equal([...last.broker.storage.definitions.entries("binding/")].length, 0);
  await last.close();
});

test("a kill before the deletion is written leaves the virtual host whole", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  fill(vhost);
  await bare.turnsUntil(() => broker.storage.durable >= broker.storage.pending);
  void broker.vhostDeletions.delete(vhost);
  bare.disk.crash("kill");
  const again = await openBareBroker(bare.disk);
  assert.equal(again.broker.vhost("v")!.queues.size, count);
  await again.close();
});

test("of policies of equal priority the first by its name counts, whichever was made first", async () => {
  const bare = await openBareBroker();
  const { broker, declare } = bare;
  for (const [name, maxLength] of [
    ["zz", 1],
    ["aa", 2],
    ["mm", 3],
  ] as const)
    broker.parameters.set(
      { vhost: "/", component: "policy", name },
      { pattern: "^q$", definition: { "max-length": maxLength }, priority: 0 },
    );
  assert.equal(declare("q").policy.maxLength, 2);
  await bare.close();
});
