/**
 * What a destination with `delay-allowed` does with a message that is to arrive later, whatever way it comes: the matrix
 *
 *     way in x destination (queue, stream) x header (x-delay, x-deliver-at, none) x policy (on, off)
 *
 * The ways in on which something can wait are all of them: those that only append (XADD onto a stream's own key, PUBLISH, whose messages have no
 * headers) are here too, and deliver at once.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { method, publishHeaders } from "../../support/amqp-frames.ts";
import { RawClient } from "../../support/amqp-raw.ts";
import { Interop, until } from "../../support/interop.ts";
import { api } from "../../support/users.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

type Headers = Readonly<Record<string, string>>;

interface Way {
  readonly name: string;
  /** Its messages have headers. */
  readonly waits: boolean;
  /** Sends one message to `q`, which is bound to exchange `x` by its name and to amq.topic. */
  readonly send: (q: string, x: string, body: string, headers: Headers) => Promise<unknown>;
}

const ways: readonly Way[] = [
  {
    name: "basic.publish with confirms",
    waits: true,
    send: (_q, x, body, headers) => all.publish(x, _q, body, { persistent: true, mandatory: true, headers }),
  },
  { name: "tx.commit", waits: true, send: (q, x, body, headers) => commitOne(x, q, body, headers) },
  {
    name: "XADD through an exchange",
    waits: true,
    send: (q, x, body, headers) => all.xadd(x, { routing_key: q, body, ...headers }),
  },
  {
    name: "produce to an exchange",
    waits: true,
    send: (q, x, body, headers) => all.produce(x, { key: q, value: body, headers }),
  },
  {
    name: "produce to the queue",
    waits: true,
    send: (q, _x, body, headers) => all.produce(q, { value: body, headers }),
  },
  {
    name: "XADD onto the key",
    waits: false,
    send: (q, _x, body, headers) => all.xadd(q, { body, ...headers }),
  },
  { name: "PUBLISH through amq.topic", waits: false, send: (q, _x, body) => all.redis.publish(q, body) },
];

/** One publish in a transaction, by hand: amqplib has none. */
async function commitOne(exchange: string, key: string, body: string, headers: Headers): Promise<void> {
  const client = await RawClient.ready(all.broker.amqpUrl);
  client.send(method(1, 90, 10));
  await client.method("90.11");
  client.send(publishHeaders(1, exchange, key, headers, Buffer.from(body)), method(1, 90, 20));
  await client.method("90.21");
  client.socket.destroy();
}

let names = 0;

async function makeDestination(kind: "queue" | "stream", args: object): Promise<{ q: string; x: string }> {
  const q = `delay${++names}`;
  const x = `${q}.x`;
  await all.channel.assertExchange(x, "direct");
  const type = kind === "stream" ? { "x-queue-type": "stream" } : {};
  await all.channel.assertQueue(q, { durable: true, arguments: { ...type, ...args } });
  await all.channel.bindQueue(q, x, q);
  await all.channel.bindQueue(q, "amq.topic", q);
  return { q, x };
}

/** What the destination holds, as a reader of streams sees it; of a queue as well. */
async function bodies(q: string): Promise<string[]> {
  return (await all.entries(q)).map(({ text }) => text["body"] ?? "");
}

const delayMs = 400;

for (const kind of ["queue", "stream"] as const)
  describe(`a ${kind} with delay-allowed`, { concurrency: true }, () => {
    for (const { name, waits, send } of ways) {
      it(`${name}: x-delay and x-deliver-at ${waits ? "wait" : "do not wait"}`, async () => {
        const { q, x } = await makeDestination(kind, { "x-delay-allowed": true });
        const from = Date.now();
        await send(q, x, "delayed", { "x-delay": String(delayMs) });
        await send(q, x, "dated", { "x-deliver-at": String(from + delayMs) });
        await send(q, x, "past", { "x-deliver-at": String(from - 1000) });
        await send(q, x, "plain", {});
        const first = await until(async () => {
          const seen = await bodies(q);
          return seen.includes("plain") ? seen : undefined;
        });
        if (!waits) return assert.deepEqual(first, ["delayed", "dated", "past", "plain"]);
        // A machine that is so slow that the delay is over has shown nothing here.
        if (Date.now() - from < delayMs) assert.deepEqual(first, ["past", "plain"]);
        await until(async () => ((await bodies(q)).length === 4 ? true : undefined));
        assert.ok(Date.now() - from >= delayMs);
        const entries = await all.entries(q);
        const byBody = new Map(entries.map(({ text }) => [text["body"], text]));
        assert.equal(byBody.get("delayed")!["x-delay"], String(-delayMs));
        assert.equal(byBody.get("dated")!["x-deliver-at"], String(from + delayMs));
      });

      it(`${name}: without the policy nothing waits`, async () => {
        const { q, x } = await makeDestination(kind, {});
        await send(q, x, "delayed", { "x-delay": "600000" });
        assert.deepEqual(await bodies(q), ["delayed"]);
      });
    }
  });

it("a policy that comes and goes counts for routes that are known", async () => {
  const { q, x } = await makeDestination("queue", {});
  const headers = { "x-delay": 600_000 };
  await all.publish(x, q, "before", { headers });
  const policy = { pattern: `^${q}$`, definition: { "delay-allowed": true }, "apply-to": "queues" };
  assert.equal((await api(all.broker, "PUT", "policies/%2F/later", policy)).status, 201);
  await all.publish(x, q, "with it", { headers });
  assert.equal((await api(all.broker, "DELETE", "policies/%2F/later")).status, 204);
  await all.publish(x, q, "after", { headers });
  assert.deepEqual(await bodies(q), ["before", "after"]);
});

it("records of one batch: those that wait leave it, the others stay in order; offsets are those of what was stored", async () => {
  const { q } = await makeDestination("stream", { "x-delay-allowed": true });
  const later = { headers: { "x-delay": "300" } };
  const messages = [{ value: "a" }, { value: "b", ...later }, { value: "c" }, { value: "d", ...later }];
  const [first] = await all.producer.send({ topic: q, messages });
  assert.equal(first!.baseOffset, "0");
  assert.deepEqual(await bodies(q), ["a", "c"]);
  const [second] = await all.producer.send({ topic: q, messages: [{ value: "e", ...later }] });
  assert.ok(Number(second!.baseOffset) >= 2);
  await until(async () => ((await bodies(q)).length === 5 ? true : undefined));
  assert.deepEqual(await bodies(q), ["a", "c", "b", "d", "e"]);
  const fetched = await all.fetch(q, 5);
  assert.deepEqual(
    fetched.map(({ value, headers }) => [String(value), String(headers?.["x-delay"] ?? "")]),
    [
      ["a", ""],
      ["c", ""],
      ["b", "-300"],
      ["d", "-300"],
      ["e", "-300"],
    ],
  );
});
