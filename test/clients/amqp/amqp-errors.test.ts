import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel } from "amqplib";
import { AmqpTarget, closingOf, uniqueName } from "../../support/amqp.ts";

let target: AmqpTarget;
const queue = uniqueName("errors");
const exchange = uniqueName("errors");
const stream = uniqueName("errors");

before(async () => {
  target = await AmqpTarget.start();
  const channel = await target.channel();
  await channel.assertQueue(queue, { durable: false });
  await channel.assertQueue(stream, { arguments: { "x-queue-type": "stream" } });
  await channel.assertExchange(exchange, "direct", { durable: false });
});

after(async () => {
  const channel = await target.channel();
  await channel.deleteQueue(queue);
  await channel.deleteQueue(stream);
  await channel.deleteExchange(exchange);
  await target.stop();
});

type Action = (channel: Channel) => unknown;

const body = Buffer.from("x");
const fresh = (): string => uniqueName("never");
const withArguments =
  (args: Record<string, unknown>): Action =>
  (channel) =>
    channel.assertQueue("args", { durable: false, arguments: args });

/** What a client does wrong, and how the server closes: scope, code, text. */
const cases: Record<string, [Action, string]> = {
  "unknown queue": [
    (channel) => channel.checkQueue("nope"),
    "channel 404 NOT_FOUND - no queue 'nope' in vhost '/'",
  ],
  "unknown exchange": [
    (channel) => channel.checkExchange("nope"),
    "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/'",
  ],
  "consume from an unknown queue": [
    (channel) => channel.consume("nope", () => {}),
    "channel 404 NOT_FOUND - no queue 'nope' in vhost '/'",
  ],
  "publish to an unknown exchange": [
    (channel) => channel.publish("nope", "key", body),
    "channel 404 NOT_FOUND - no exchange 'nope' in vhost '/'",
  ],
  "bind to the default exchange": [
    (channel) => channel.bindQueue(queue, "", "key"),
    "channel 403 ACCESS_REFUSED - operation not permitted on the default exchange",
  ],
  "reserved queue name": [
    (channel) => channel.assertQueue("amq.mine"),
    "channel 403 ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
  ],
  "reserved exchange name": [
    (channel) => channel.assertExchange("amq.mine", "direct"),
    "channel 403 ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
  ],
  "delete a system exchange": [
    (channel) => channel.deleteExchange("amq.topic"),
    "channel 403 ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
  ],
  "publish to an internal exchange": [
    async (channel) => {
      const name = uniqueName("internal");
      await channel.assertExchange("internal-exchange", "direct", { internal: true, autoDelete: false });
      channel.publish("internal-exchange", "key", body);
      return name;
    },
    "channel 403 ACCESS_REFUSED - cannot publish to internal exchange 'internal-exchange' in vhost '/'",
  ],
  "unknown exchange type": [
    (channel) => channel.assertExchange(fresh(), "weird"),
    "connection 503 COMMAND_INVALID - unknown exchange type 'weird'",
  ],
  "consumer tag twice": [
    async (channel) => {
      await channel.consume(queue, () => {}, { consumerTag: "tag" });
      return channel.consume(queue, () => {}, { consumerTag: "tag" });
    },
    "connection 530 NOT_ALLOWED - attempt to reuse consumer tag 'tag'",
  ],
  "unknown delivery tag": [
    (channel) => channel.ack({ fields: { deliveryTag: 5 } } as never),
    "channel 406 PRECONDITION_FAILED - unknown delivery tag 5",
  ],
  "unknown delivery tag, multiple": [
    (channel) => channel.nack({ fields: { deliveryTag: 9 } } as never, true),
    "channel 406 PRECONDITION_FAILED - unknown delivery tag 9",
  ],
  "expiration that is no number": [
    (channel) => channel.publish("", queue, body, { expiration: "1x" }),
    `channel 406 PRECONDITION_FAILED - invalid expiration '1x': {leftover_string,"x"}`,
  ],
  "user-id of somebody else": [
    (channel) => channel.publish("", queue, body, { userId: "bob" }),
    "channel 406 PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'",
  ],
  "x-message-ttl of text": [
    withArguments({ "x-message-ttl": "a" }),
    `channel 406 PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'args' in vhost '/': "expected integer, got longstr"`,
  ],
  "x-expires of zero": [
    withArguments({ "x-expires": 0 }),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-expires' for queue 'args' in vhost '/': {value_zero,0}",
  ],
  "x-overflow unknown": [
    withArguments({ "x-overflow": "bad" }),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-overflow' for queue 'args' in vhost '/': invalid_overflow",
  ],
  "x-queue-type unknown": [
    withArguments({ "x-queue-type": "bad" }),
    `channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'args' in vhost '/': "unsupported queue type 'bad'"`,
  ],
  "dead-letter key without exchange": [
    withArguments({ "x-dead-letter-routing-key": "k" }),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue 'args' in vhost '/': routing_key_but_no_dlx_defined",
  ],
  "transient stream": [
    withArguments({ "x-queue-type": "stream" }),
    "channel 406 PRECONDITION_FAILED - invalid property 'non-durable' for queue 'args' in vhost '/'",
  ],
  "an argument of streams on a classic queue": [
    withArguments({ "x-max-age": "1h" }),
    "channel 406 PRECONDITION_FAILED - invalid arg 'x-max-age' for queue 'args' in vhost '/' of queue type rabbit_classic_queue",
  ],
  "the same queue, but durable": [
    (channel) => channel.assertQueue(queue, { durable: true }),
    `channel 406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue '${queue}' in vhost '/': received 'true' but current is 'false'`,
  ],
  "an argument that came in a seldom type, then in another, then not at all": [
    async (channel) => {
      const declare = (type: string | null) =>
        channel.assertQueue("typed", {
          exclusive: true,
          arguments: type === null ? {} : { "x-max-length": { "!": type, value: 5 } },
        });
      await declare("short");
      await declare("long");
      return declare(null);
    },
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'typed' in vhost '/': received none but current is the value '5' of type 'short'",
  ],
  "an argument that is not there, in a seldom type": [
    async (channel) => {
      await channel.assertQueue("typed", { exclusive: true });
      return channel.assertQueue("typed", {
        exclusive: true,
        arguments: { "x-message-ttl": { "!": "long", value: 5 } },
      });
    },
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'typed' in vhost '/': received the value '5' of type 'long' but current is none",
  ],
  "an argument of the same value as a double": [
    async (channel) => {
      const declare = (value: unknown) =>
        channel.assertQueue("typed", { exclusive: true, arguments: { "x-max-length": value } });
      await declare(5);
      return declare({ "!": "double", value: 5 });
    },
    "channel 406 PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'typed' in vhost '/': received '5.0' but current is '5'",
  ],
  "the same exchange of another type": [
    (channel) => channel.assertExchange(exchange, "topic", { durable: false }),
    `channel 406 PRECONDITION_FAILED - inequivalent arg 'type' for exchange '${exchange}' in vhost '/': received 'topic' but current is 'direct'`,
  ],
  "exclusive consumer of a queue in use": [
    async (channel) => {
      await channel.consume(queue, () => {});
      return channel.consume(queue, () => {}, { exclusive: true });
    },
    `channel 403 ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`,
  ],
  "delete a queue in use if unused": [
    async (channel) => {
      await channel.consume(queue, () => {});
      return channel.deleteQueue(queue, { ifUnused: true });
    },
    `channel 406 PRECONDITION_FAILED - queue '${queue}' in vhost '/' in use`,
  ],
  "delete a queue with messages if empty": [
    (channel) => {
      channel.sendToQueue(queue, body);
      return channel.deleteQueue(queue, { ifEmpty: true });
    },
    `channel 406 PRECONDITION_FAILED - queue '${queue}' in vhost '/' not empty`,
  ],
  "basic.get of a stream": [
    (channel) => channel.get(stream),
    `connection 540 NOT_IMPLEMENTED - basic.get not supported by stream queues queue '${stream}' in vhost '/'`,
  ],
  "stream consumer without prefetch": [
    (channel) => channel.consume(stream, () => {}),
    `channel 406 PRECONDITION_FAILED - consumer prefetch count is not set for 'queue '${stream}' in vhost '/''`,
  ],
  "stream consumer without acknowledgements": [
    async (channel) => {
      await channel.prefetch(5);
      return channel.consume(stream, () => {}, { noAck: true });
    },
    `connection 540 NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue '${stream}' in vhost '/'`,
  ],
  "reject of a message of a stream": [
    async (channel) => {
      await channel.prefetch(5);
      channel.sendToQueue(stream, body);
      const args = { "x-stream-offset": "first" };
      return channel.consume(stream, (message) => channel.reject(message!, false), { arguments: args });
    },
    `connection 540 NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues queue '${stream}' in vhost '/'`,
  ],
  "stream consumer from an offset that is none": [
    async (channel) => {
      await channel.prefetch(5);
      return channel.consume(stream, () => {}, { arguments: { "x-stream-offset": "10q" } });
    },
    `channel 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue '${stream}' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"10q">>}}`,
  ],
  "direct reply-to without its consumer": [
    (channel) => channel.publish("", queue, body, { replyTo: "amq.rabbitmq.reply-to" }),
    "channel 406 PRECONDITION_FAILED - fast reply consumer does not exist",
  ],
  "direct reply-to with acknowledgements": [
    (channel) => channel.consume("amq.rabbitmq.reply-to", () => {}),
    "channel 406 PRECONDITION_FAILED - reply consumer cannot acknowledge",
  ],
};

for (const [name, [action, expected]] of Object.entries(cases)) {
  test(`the server closes as RabbitMQ does: ${name}`, async () => {
    assert.equal(await closingOf(target, action), expected);
  });
}

test("a queue of one connection is locked for others", async () => {
  const owner = await target.channel();
  const locked = uniqueName("locked");
  await owner.assertQueue(locked, { exclusive: true });
  const text =
    `channel 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${locked}' in vhost '/'. It could ` +
    "be originally declared on another connection or the exclusive property value does not match that of the " +
    "original declaration.";
  assert.equal(await closingOf(target, (channel) => channel.assertQueue(locked, { exclusive: true })), text);
  assert.equal(await closingOf(target, (channel) => channel.consume(locked, () => {})), text);
});

test("what is not there may be deleted and unbound", async () => {
  const channel = await target.channel();
  await channel.deleteExchange("nope");
  assert.deepEqual(await channel.deleteQueue("nope"), { messageCount: 0 });
  await channel.unbindQueue(queue, "amq.topic", "nope");
  assert.deepEqual(await channel.cancel("nope"), { consumerTag: "nope" });
});

test("a channel's error leaves the connection's other channels alone", async () => {
  const connection = await target.connect();
  const good = await connection.createChannel();
  const bad = await connection.createChannel();
  bad.on("error", () => {});
  await assert.rejects(bad.checkQueue("nope"));
  const { queue: name } = await good.assertQueue("", { exclusive: true });
  assert.match(name, /^amq\.gen-[\w-]{22}$/);
});
