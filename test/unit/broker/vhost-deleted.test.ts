/** Whoever holds a virtual host that is deleted meanwhile brings nothing of it back: not in this run of the broker, nor in the next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { importing } from "../../../src/admin/definitions/import.ts";
import type { JobOutcome } from "../../../src/base/turn-work.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { Vhost } from "../../../src/broker/vhost.ts";
import { type BareBroker, openBareBroker } from "../../support/bare-broker.ts";

const queueOptions = {
  kind: "queue",
  durable: true,
  exclusiveOwner: 0,
  autoDelete: false,
  args: {},
} as const;
const exchangeOptions = {
  type: "fanout",
  durable: true,
  autoDelete: false,
  internal: false,
  args: {},
} as const;
const place = { vhost: "v", component: "policy", name: "p" };
const policy = { pattern: "^q", definition: { "max-length": 7 }, priority: 0, "apply-to": "queues" };
const count = 1500;

async function deleted({ broker, turnsUntil }: BareBroker, vhost: Vhost): Promise<void> {
  let isOver = false;
  void broker.vhostDeletions.delete(vhost).then(() => (isOver = true));
  await turnsUntil(() => isOver);
}

/** The definitions that name it. */
function leftOf({ storage }: Broker, name: string): string[] {
  return [...storage.definitions.entries("")].map(([key]) => key).filter((key) => key.includes(`["${name}"`));
}

for (const isMadeAgain of [false, true]) {
  test(`an import of one virtual host that is deleted${isMadeAgain ? " and made again" : ""} is refused`, async () => {
    const bare = await openBareBroker();
    const { broker } = bare;
    broker.addVhost("v");
    const vhost = broker.vhost("v")!;
    const exchanges = Array.from({ length: count }, (_, i) => ({ name: `x${i}`, type: "direct" }));
    const queues = Array.from({ length: count }, (_, i) => ({ name: `q${i}` }));
    const document = {
      exchanges,
      policies: [{ name: "p", vhost: "v", pattern: "q", definition: { "max-length": 7 } }],
      queues,
    };
    let outcome: JobOutcome<void> | null = null;
    const job = importing(broker, document, { vhost, caller: null, queueFault: () => null });
    broker.work.run(job, (how) => (outcome = how));
    await bare.turnsUntil(() => vhost.exchanges.size > 10);
    assert.ok(vhost.exchanges.size < count, "it takes several turns");
    const isDeleted = deleted(bare, vhost);
    if (isMadeAgain) broker.addVhost("v");
    await isDeleted;
    await bare.turnsUntil(() => outcome !== null);
    assert.match(String((outcome as unknown as { error: unknown }).error), /there is no virtual host 'v'/);
    assert.deepEqual(leftOf(broker, "v"), isMadeAgain ? [`vhost/["v"]`] : []);
    assert.equal(broker.parameters.get(place), undefined);
    await bare.close();
    const again = await openBareBroker(bare.disk);
    assert.equal(again.broker.vhost("v") !== undefined, isMadeAgain);
    assert.equal(again.broker.vhost("v")?.queues.size ?? 0, 0);
    await again.close();
  });
}

test("nothing is made in a virtual host that is deleted", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  const queue = vhost.declareQueue({ ...queueOptions, name: "q" });
  const exchange = vhost.declareExchange({ ...exchangeOptions, name: "x" });
  await deleted(bare, vhost);
  const refused = { code: "NOT_FOUND", message: /there is no virtual host 'v'/ };
  assert.throws(() => vhost.declareQueue({ ...queueOptions, name: "other" }), refused);
  assert.throws(() => vhost.declareExchange({ ...exchangeOptions, name: "other" }), refused);
  assert.throws(() => vhost.bindings.bind(exchange, queue, "", {}), refused);
  assert.throws(() => vhost.topics.create("t", 2, {}), refused);
  assert.throws(() => broker.parameters.set(place, policy), refused);
  assert.throws(() => broker.parameters.setPolicies(vhost, [["policy", "p", policy]]), refused);
  vhost.deleteQueueAt(queue, 5000);
  assert.deepEqual(leftOf(broker, "v"), []);
  await bare.close();
});

test("a virtual host that earlier versions left without a definition goes at the start", async () => {
  const bare = await openBareBroker();
  const { broker } = bare;
  const left = broker.createVhost("left");
  const exchange = left.declareExchange({ ...exchangeOptions, name: "x" });
  left.bindings.bind(exchange, left.declareQueue({ ...queueOptions, name: "q" }), "", {});
  broker.createVhost("parameters");
  broker.parameters.set({ ...place, vhost: "parameters" }, policy);
  // What has no definition for another reason stays.
  broker.createVhost("\0redis/3").declareQueue({ ...queueOptions, name: "kept" });
  broker.defaultVhost.declareQueue({ ...queueOptions, name: "kept" });
  await bare.close();
  const again = await openBareBroker(bare.disk);
  await again.turnsUntil(() => again.broker.work.waitingCount === 0);
  for (const name of ["left", "parameters"]) {
    assert.ok(!again.broker.vhosts.has(name), name);
    assert.deepEqual(leftOf(again.broker, name), []);
  }
  for (const name of ["/", "\0redis/3"]) assert.equal(again.broker.vhost(name)!.queues.size, 1);
  await again.close();
});
