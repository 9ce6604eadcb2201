/**
 * A queue declared again with arguments of the same values but of other AMQP types: which types are one for RabbitMQ, and
 * how its 406 names what differs. Also against a real RabbitMQ (TROIKAMQ_TEST_AMQP_URL).
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, closingOf, uniqueName } from "../../support/amqp.ts";

let target: AmqpTarget;
before(async () => {
  target = await AmqpTarget.start();
});
after(() => target.stop());

type Arguments = Readonly<Record<string, unknown>>;

const typed = (type: string, value: unknown): unknown => ({ "!": type, value });
const ttl = (value: unknown): Arguments => ({ "x-message-ttl": value });

/** amqplib sends 10 as a byte and 1000 as a short; Java's client sends both as signedint. */
const pairs: readonly (readonly [made: Arguments, again: Arguments, difference: string])[] = [
  [ttl(10), ttl(typed("int64", 10)), ""],
  [ttl(typed("short", 10)), ttl(typed("int", 10)), ""],
  [ttl(10), ttl(typed("timestamp", 10)), ""],
  [ttl(10), ttl(typed("double", 10)), "received '10.0' but current is '10'"],
  [ttl(10), ttl(typed("float", 10)), "received '10.0' but current is '10'"],
  [ttl(10), ttl(typed("double", 10.5)), "received '10.5' but current is '10'"],
  [ttl(10), ttl("10"), "received '10' but current is '10'"],
  [ttl(10), ttl(null), "received none but current is '10'"],
  [ttl(10), {}, "received none but current is the value '10' of type 'byte'"],
  [ttl(typed("int", 10)), {}, "received none but current is the value '10' of type 'signedint'"],
  [ttl(typed("int64", 10)), {}, "received none but current is the value '10' of type 'long'"],
  [{}, ttl(1000), "received the value '1000' of type 'short' but current is none"],
  [{}, ttl(typed("double", 10)), "received the value '10.0' of type 'double' but current is none"],
  [{}, ttl(typed("timestamp", 10)), "received the value '10' of type 'timestamp' but current is none"],
  [{}, ttl(Buffer.from("10")), "received the value '10' of type 'binary' but current is none"],
  [{}, ttl(null), "received the value 'undefined' of type 'void' but current is none"],
];

for (const [made, again, difference] of pairs) {
  test(`${JSON.stringify(made)}, then ${JSON.stringify(again)}: ${difference || "the same"}`, async () => {
    const queue = uniqueName("same");
    const options = { durable: true, autoDelete: true };
    const channel = await target.channel();
    await channel.assertQueue(queue, { ...options, arguments: made });
    if (difference === "") await channel.assertQueue(queue, { ...options, arguments: again });
    else {
      assert.equal(
        await closingOf(target, (other) => other.assertQueue(queue, { ...options, arguments: again })),
        `channel 406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '${queue}' in vhost '/': ${difference}`,
      );
    }
    await channel.deleteQueue(queue);
  });
}

test("an alternate exchange is named by a text", async () => {
  const exchange = uniqueName("same");
  const channel = await target.channel();
  await channel.assertExchange(exchange, "fanout", { arguments: { "alternate-exchange": "10" } });
  for (const [value, received] of [
    [typed("double", 10), "'10.0'"],
    [null, "none"],
    [10, "'10'"],
  ] as const) {
    assert.equal(
      await closingOf(target, (other) =>
        other.assertExchange(exchange, "fanout", { arguments: { "alternate-exchange": value } }),
      ),
      `channel 406 PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '${exchange}' in vhost '/': received ${received} but current is '10'`,
    );
  }
  await channel.deleteExchange(exchange);
});

test("the types are known after a restart", async (t) => {
  if (target.broker === null) return t.skip("another server is tested, which is not ours to restart");
  const queue = uniqueName("same");
  await (await target.channel()).assertQueue(queue, { arguments: ttl(typed("int64", 10)) });
  await target.closeConnections();
  await target.broker.restart();
  assert.equal(
    await closingOf(target, (channel) => channel.assertQueue(queue)),
    `channel 406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '${queue}' in vhost '/': received none but current is the value '10' of type 'long'`,
  );
});
