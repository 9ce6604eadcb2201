/**
 * What a bounded queue does with one message too many, whatever way it comes: the matrix
 *
 *     way in x overflow x bound (length, bytes) x (nobody consumes, a consumer has room)
 *
 * A queue that refuses new messages keeps every message that it confirmed; whoever can be told is told; what
 * `reject-publish-dlx` refuses is in the dead-letter queue. The ways in that a bound must hold for are all of them.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ConsumeMessage } from "amqplib";
import { method, publish as publishFrames, RawClient } from "../../support/amqp-raw.ts";
import { Interop, until } from "../../support/interop.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";
type Bound = "length" | "bytes";

/** Told: the way in tells its writer that the message was refused. */
interface Way {
  readonly name: string;
  readonly tellsRefusal: boolean;
  /** Sends one message with that body to queue `q`, which is bound to exchange `x` and to amq.topic by its name. */
  readonly send: (q: string, x: string, body: string) => Promise<"taken" | "refused">;
}

const outcome = (done: Promise<unknown>): Promise<"taken" | "refused"> =>
  done.then(
    () => "taken" as const,
    (error: unknown) => {
      assert.match(String(error), /full|nack|policy/i);
      return "refused" as const;
    },
  );

const ways: readonly Way[] = [
  {
    name: "basic.publish with confirms",
    tellsRefusal: true,
    send: (q, x, body) => outcome(all.publish(x, q, body, { persistent: true })),
  },
  {
    name: "tx.commit",
    tellsRefusal: true,
    send: (q, x, body) => commitOne(x, q, body),
  },
  {
    name: "a dead letter",
    tellsRefusal: false,
    send: async (q, x, body) => {
      const args = { "x-dead-letter-exchange": x, "x-dead-letter-routing-key": q };
      const source = `${q}.source`;
      await all.channel.assertQueue(source, { arguments: args });
      await all.publish("", source, body, { persistent: true });
      const message = await all.channel.get(source);
      assert.ok(message !== false);
      all.channel.nack(message, false, false);
      // Done once a later method on the channel is answered.
      await all.channel.checkQueue(source);
      return "taken";
    },
  },
  {
    name: "PUBLISH through amq.topic",
    tellsRefusal: false,
    send: async (q, _x, body) => {
      await all.redis.publish(q, body);
      return "taken";
    },
  },
  {
    name: "XADD through an exchange",
    tellsRefusal: true,
    send: (q, x, body) => outcome(all.xadd(x, { routing_key: q, body })),
  },
  {
    name: "XADD onto the queue",
    tellsRefusal: true,
    send: (q, _x, body) => outcome(all.xadd(q, { body })),
  },
  {
    name: "produce to an exchange",
    tellsRefusal: true,
    send: (q, x, body) => outcome(all.produce(x, { key: q, value: body })),
  },
  {
    name: "produce to the queue",
    tellsRefusal: true,
    send: (q, _x, body) => outcome(all.produce(q, { value: body })),
  },
];

/** One publish in a transaction, by hand: amqplib has none. */
async function commitOne(exchange: string, key: string, body: string): Promise<"taken" | "refused"> {
  const client = await RawClient.ready(all.broker.amqpUrl);
  client.send(method(1, 90, 10));
  await client.method("90.11");
  client.send(publishFrames(1, exchange, key, Buffer.from(body)), method(1, 90, 20));
  const end = await Promise.race([client.method("90.21"), client.method("20.40")]);
  client.socket.destroy();
  return end.method === "90.21" ? "taken" : "refused";
}

let queues = 0;

/** A queue that holds two confirmed messages and no more; a third is more than its bound. */
async function fullQueue(
  overflow: Overflow,
  bound: Bound,
  more: Record<string, string | number | boolean> = {},
): Promise<{ q: string; x: string; dead: string }> {
  const q = `overflow${++queues}`;
  const [x, dead] = [`${q}.x`, `${q}.dead`];
  await all.channel.assertExchange(x, "direct");
  await all.channel.assertQueue(dead);
  const limit = bound === "length" ? { "x-max-length": 2 } : { "x-max-length-bytes": 20 };
  const args = { "x-overflow": overflow, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
  await all.channel.assertQueue(q, { arguments: { ...limit, ...args, ...more } });
  await all.channel.bindQueue(q, x, q);
  await all.channel.bindQueue(q, "amq.topic", q);
  for (const body of ["confirmed1", "confirmed2"]) await all.publish("", q, body, { persistent: true });
  return { q, x, dead };
}

const bodies = async (queue: string): Promise<string[]> =>
  (await all.entries(queue)).map(({ text }) => text["body"]!);

for (const way of ways) {
  describe(way.name, () => {
    for (const overflow of ["drop-head", "reject-publish", "reject-publish-dlx"] as const) {
      for (const bound of ["length", "bytes"] as const) {
        it(`into a full queue bounded by ${bound}, ${overflow}`, async () => {
          const { q, x, dead } = await fullQueue(overflow, bound);
          const told = await way.send(q, x, "third body");
          const kept = await bodies(q);
          if (overflow === "drop-head") {
            assert.equal(told, "taken");
            // By bytes, an entry of Redis or Kafka counts with its fields: it may take the place of both.
            assert.equal(kept.at(-1) ?? "third body", "third body");
            if (bound === "length") assert.deepEqual(kept, ["confirmed2", "third body"]);
            return;
          }
          assert.deepEqual(kept, ["confirmed1", "confirmed2"], "what was confirmed stays");
          assert.equal(told, way.tellsRefusal ? "refused" : "taken");
          // A transaction that is refused did nothing, so it made no dead letter either.
          const isDeadLettered = overflow === "reject-publish-dlx" && way.name !== "tx.commit";
          assert.deepEqual(await bodies(dead), isDeadLettered ? ["third body"] : []);
        });
      }

      it(`into a queue whose consumer has room, ${overflow}`, async () => {
        const { q, x } = await fullQueue(overflow, "length");
        const seen: ConsumeMessage[] = [];
        const channel = await all.newChannel();
        await channel.consume(q, (message) => void seen.push(message!));
        assert.equal(await way.send(q, x, "third body"), "taken");
        await until(() => seen.length === 3, "three deliveries");
        assert.deepEqual(
          seen.map(({ content }) => content.toString()).filter((body) => body.startsWith("confirmed")),
          ["confirmed1", "confirmed2"],
        );
        await channel.close();
        // What it held comes back, and none of it is dropped for being too much.
        const back = await bodies(q);
        assert.equal(back.length, overflow === "drop-head" ? 2 : 3);
      });
    }
  });
}

describe("a batch", () => {
  it("of Kafka to an exchange over a queue with room for half of it leaves nothing behind", async () => {
    const { q, x } = await fullQueue("reject-publish", "length");
    await all.channel.purgeQueue(q);
    const messages = ["1", "2", "3", "4"].map((value) => ({ key: q, value }));
    await assert.rejects(all.producer.send({ topic: x, messages }), /policy/i);
    assert.deepEqual(await bodies(q), []);
    await all.producer.send({ topic: x, messages: messages.slice(0, 2) });
    assert.deepEqual(await bodies(q), ["1", "2"]);
  });

  it("of Kafka to a queue with room for half of it leaves nothing behind, and is dead-lettered whole", async () => {
    const { q, dead } = await fullQueue("reject-publish-dlx", "length");
    await all.channel.purgeQueue(q);
    const messages = ["1", "2", "3"].map((value) => ({ value }));
    await assert.rejects(all.producer.send({ topic: q, messages }), /policy/i);
    assert.deepEqual(await bodies(q), []);
    assert.deepEqual(await bodies(dead), ["1", "2", "3"]);
  });

  it("of Kafka that is refused makes no dead letters of copies, nor of what is delayed", async () => {
    for (const toExchange of [false, true]) {
      const { q, x, dead } = await fullQueue("reject-publish-dlx", "length", {
        "x-dedup-window-ms": 60_000,
        "x-dedup-by": "header:id",
        "x-delay-allowed": true,
      });
      await all.channel.purgeQueue(q);
      const topic = toExchange ? x : q;
      const sent = (value: string, headers: Record<string, string>) => ({ key: q, value, headers });
      await all.producer.send({ topic, messages: [sent("0", { id: "0" })] });
      const messages = [
        sent("copy", { id: "0" }),
        sent("later", { id: "l", "x-delay": "60000" }),
        ...["1", "2"].map((id) => sent(id, { id })),
      ];
      await assert.rejects(all.producer.send({ topic, messages }), /policy/i);
      assert.deepEqual(await bodies(q), ["0"]);
      assert.deepEqual(await bodies(dead), ["1", "2"]);
    }
  });

  it("that fits one of two queues is in neither", async () => {
    const [full, free] = [
      await fullQueue("reject-publish", "length"),
      await fullQueue("reject-publish", "length"),
    ];
    await all.channel.purgeQueue(free.q);
    await all.channel.bindQueue(free.q, full.x, full.q);
    await assert.rejects(all.produce(full.x, { key: full.q, value: "v" }), /policy/i);
    await assert.rejects(all.xadd(full.x, { routing_key: full.q, body: "v" }), /full/);
    assert.deepEqual(await bodies(free.q), []);
    // AMQP's publish is for each queue by itself, as in RabbitMQ.
    await assert.rejects(all.publish(full.x, full.q, "v"), /nack/i);
    assert.deepEqual(await bodies(free.q), ["v"]);
  });
});

describe("bounds as RabbitMQ 3.10.8 counts them", () => {
  const declare = async (args: object): Promise<string> => {
    const q = `counted${++queues}`;
    await all.channel.assertQueue(q, { arguments: { "x-overflow": "reject-publish", ...args } });
    return q;
  };
  const publish = (q: string, size: number): Promise<"taken" | "refused"> =>
    outcome(all.publish("", q, "x".repeat(size)));

  it("by bytes: the new message counts, an empty one always fits", async () => {
    const q = await declare({ "x-max-length-bytes": 10 });
    assert.equal(await publish(q, 11), "refused");
    assert.equal(await publish(q, 5), "taken");
    assert.equal(await publish(q, 8), "refused");
    assert.equal(await publish(q, 5), "taken");
    assert.equal(await publish(q, 0), "taken");
    assert.equal(await publish(q, 1), "refused");
  });

  it("by length: what consumers hold does not count, and comes back beyond the bound", async () => {
    const q = await declare({ "x-max-length": 2 });
    const channel = await all.newChannel();
    await channel.prefetch(2);
    await channel.consume(q, () => {});
    for (const size of [1, 2, 3, 4]) assert.equal(await publish(q, size), "taken");
    assert.equal(await publish(q, 5), "refused");
    await channel.close();
    assert.deepEqual(
      (await bodies(q)).map((body) => body.length),
      [1, 2, 3, 4],
    );
  });
});

describe("live subscribers", () => {
  it("hear what reaches amq.topic by a dead letter and by another exchange", async () => {
    const heard: string[] = [];
    const subscriber = all.newRedis();
    await subscriber.psubscribe("live.*");
    subscriber.on("pmessage", (_pattern, channel: string, body: string) => heard.push(`${channel} ${body}`));
    await all.channel.assertExchange("before-topic", "fanout");
    await all.channel.bindExchange("amq.topic", "before-topic", "");
    await all.publish("before-topic", "live.bound", "one");
    const args = { "x-dead-letter-exchange": "amq.topic", "x-dead-letter-routing-key": "live.dead" };
    await all.channel.assertQueue("dies", { arguments: { ...args, "x-message-ttl": 1 } });
    await all.publish("", "dies", "two");
    await until(() => heard.length === 2, "two messages");
    assert.deepEqual(heard, ["live.bound one", "live.dead two"]);
  });
});

describe("a routing key of more than 255 bytes", () => {
  it("is refused by every way that could bring one, and an exchange is not asked for it", async () => {
    await all.channel.assertExchange("long-keys", "topic");
    const { queue } = await all.channel.assertQueue("long-keyed");
    await all.channel.bindQueue(queue, "long-keys", "#");
    const key = "a.".repeat(128);
    await assert.rejects(all.xadd("long-keys", { routing_key: key, body: "v" }), /routing key of 256 bytes/);
    await assert.rejects(all.produce("long-keys", { key, value: "v" }), /record/i);
    const carbon = await all.newChannel();
    carbon.publish("long-keys", "short", Buffer.from("v"), { headers: { CC: [key] } });
    await assert.rejects(carbon.waitForConfirms(), /closed/i);
    const strict = await all.newChannel();
    const args = { "x-dead-letter-exchange": "long-keys", "x-dead-letter-routing-key": key };
    await assert.rejects(strict.assertQueue("long-dead", { arguments: args }), /routing_key_too_long/);
    assert.equal(await all.redis.publish(key, "v"), 0);
    assert.deepEqual(await bodies(queue), []);
  });
});
