/** An explanation agrees with the broker's own routing, whatever is bound to what; and says what was near. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { verdictOf } from "../../../src/broker/exchange/explain/verdict.ts";
import { explaining, type Explanation } from "../../../src/broker/exchange/explain/explain.ts";
import { factsOfProperties } from "../../../src/broker/exchange/routing/message-headers.ts";
import type { Vhost } from "../../../src/broker/vhost.ts";
import { fromPlain } from "../../../src/message/amqp/table-plain.ts";
import { openBareBroker } from "../../support/bare-broker.ts";

function explained(
  vhost: Vhost,
  exchange: string,
  key: string,
  headers: Record<string, string | number | boolean>,
): Explanation {
  const facts = factsOfProperties(() => ({ headers: fromPlain(headers) }));
  const job = explaining(vhost, vhost.exchanges.get(exchange)!, key, facts);
  for (let step = job.next(); ; step = job.next()) if (step.done === true) return step.value;
}

const types = [
  "direct",
  "topic",
  "headers",
  "fanout",
  "x-modulus-hash",
  "x-recent-history",
  "x-delayed-message",
] as const;
const exchangeName = fc.constantFrom("e0", "e1", "e2", "e3");
const word = fc.constantFrom("a", "b", "", "*", "#");
const key = fc.array(word, { maxLength: 4 }).map((words) => words.join("."));
const headers = fc.dictionary(fc.constantFrom("h", "i", "x-j"), fc.constantFrom(1, 2, "1", true), {
  maxKeys: 3,
});
const args = fc.record(
  {
    "x-match": fc.constantFrom("all", "any", "all-with-x", "any-with-x"),
    h: fc.constantFrom(1, "1", true, null),
    i: fc.constantFrom(1, 2),
    "x-j": fc.constantFrom(1),
  },
  { requiredKeys: [] },
);
const topology = fc.record({
  exchanges: fc.array(
    fc.record({
      type: fc.constantFrom(...types),
      alternate: fc.option(exchangeName, { nil: undefined, freq: 3 }),
    }),
    { minLength: 4, maxLength: 4 },
  ),
  bindings: fc.array(
    fc.record({
      source: exchangeName,
      to: fc.oneof(exchangeName, fc.constantFrom("q0", "q1", "q2", "q3")),
      key,
      args,
    }),
    { maxLength: 14 },
  ),
  messages: fc.array(fc.record({ key, headers, to: exchangeName }), { minLength: 5, maxLength: 5 }),
});

test("10,000 messages in random topologies: explained as they are routed", async () => {
  const bare = await openBareBroker();
  let made = 0;
  fc.assert(
    fc.property(topology, ({ exchanges, bindings, messages }) => {
      const vhost = bare.broker.createVhost(`v${made++}`);
      for (const [i, { type, alternate }] of exchanges.entries()) {
        vhost.declareExchange({
          name: `e${i}`,
          type,
          durable: false,
          autoDelete: false,
          internal: false,
          args: {
            ...(alternate === undefined ? {} : { "alternate-exchange": alternate }),
            ...(type === "x-delayed-message" ? { "x-delayed-type": "topic" } : {}),
          },
        });
      }
      for (let i = 0; i < 4; i++)
        vhost.declareQueue({
          name: `q${i}`,
          kind: "queue",
          durable: false,
          exclusiveOwner: 0,
          autoDelete: false,
          args: {},
        });
      for (const { source, to, key: bound, args: given } of bindings) {
        const destination = vhost.exchanges.get(to) ?? vhost.queues.get(to)!;
        vhost.bindings.bind(vhost.exchanges.get(source)!, destination, bound, given);
      }
      for (const { key: sent, headers: has, to } of messages) {
        const facts = factsOfProperties(() => ({ headers: fromPlain(has) }));
        const route = vhost.routes.byKeys(vhost.exchanges.get(to)!, [sent], facts);
        const { queues, bindings: judged } = explained(vhost, to, sent, has);
        assert.deepEqual([...queues].toSorted(), route.queues.map(({ name }) => name).toSorted());
        for (const { matched, destination } of judged)
          if (matched && destination.kind !== "exchange") assert.ok(queues.has(destination.name));
        for (const { why, matched, distance } of judged)
          assert.ok(why !== "" && matched === (distance === 0));
      }
      assert.equal(explained(vhost, "", "q1", {}).queues.has("q1"), true);
      assert.equal(explained(vhost, "", "none", {}).queues.size, 0);
      for (const queue of vhost.queues.values()) vhost.deleteQueue(queue);
      bare.broker.vhosts.delete(vhost.name);
    }),
    { numRuns: 2000 },
  );
  await bare.close();
});

const noHeaders = new Map<string, string | number | boolean>();

test("what did not match says where it differs, and the nearest come first", () => {
  const topic = (sent: string, pattern: string): string => {
    const { why, distance } = verdictOf(
      "topic",
      { key: sent, headers: noHeaders },
      { key: pattern, args: {} },
    )!;
    return `${distance}: ${why}`;
  };
  assert.equal(
    topic("orders.eu", "orders.us"),
    "1: word 2 of the key is 'eu', and the pattern has 'us' there",
  );
  assert.equal(
    topic("orders.eu.new", "orders.*"),
    "1: word 3 of the key is 'new', and the pattern has no more words",
  );
  assert.equal(topic("orders", "orders.#.new"), "1: the key ends, and the pattern has 'new' behind it");
  assert.equal(topic("a.b.c.d", "#.x"), "1: word 4 of the key is 'd', and the pattern has 'x' there");
  assert.equal(topic("a.b", "#"), "0: the key fits '#'");
  const direct = (sent: string, bound: string): string => {
    const { why, distance } = verdictOf(
      "direct",
      { key: sent, headers: noHeaders },
      { key: bound, args: {} },
    )!;
    return `${distance}: ${why}`;
  };
  assert.equal(direct("Orders", "orders"), "1: 'orders' differs in upper and lower case");
  assert.equal(direct("orders ", "orders"), "1: 'orders' differs in spaces at its ends");
  assert.equal(direct("order", "orders"), "1: the binding's key is 'orders'");
  const has = new Map<string, string | number | boolean>([["n", "1"]]);
  const verdict = verdictOf("headers", { key: "", headers: has }, { key: "", args: { n: 1, m: "x" } })!;
  assert.equal(
    verdict.why,
    `header 'n' is "1", the binding asks for 1, of another type; header 'm' is not there`,
  );
  assert.equal(verdict.distance, 2);
});

test("alternate exchanges, delays and thousands of bindings", async () => {
  const bare = await openBareBroker();
  const vhost = bare.broker.defaultVhost;
  const options = { durable: false, autoDelete: false, internal: false } as const;
  vhost.declareExchange({
    ...options,
    name: "first",
    type: "topic",
    args: { "alternate-exchange": "second" },
  });
  vhost.declareExchange({ ...options, name: "second", type: "fanout", args: {} });
  const queue = bare.declare("q");
  const later = bare.declare("later", { "x-delay-allowed": true as unknown as number });
  assert.deepEqual(explained(vhost, "", later.name, { "x-delay": 5 }).notes, [
    "'later' gets it later: x-delay or x-deliver-at",
  ]);
  const source = vhost.exchanges.get("first")!;
  for (let i = 0; i < 3000; i++) vhost.bindings.bind(source, queue, `orders.${i}`, {});
  vhost.bindings.bind(vhost.exchanges.get("second")!, queue, "", {});
  const { queues, bindings, others, notes } = explained(vhost, "first", "orders.x", {});
  assert.deepEqual([...queues], ["q"]);
  assert.deepEqual(notes, [
    "nothing matches in exchange 'first': it goes to the alternate exchange 'second'",
  ]);
  assert.deepEqual(
    [bindings.length, others, bindings.filter(({ matched }) => matched).length],
    [21, 2980, 1],
  );
  await bare.close();
});
