import type { Queue } from "../../../broker/queue/queue.ts";
import { queueTypeOf } from "../../../broker/queue/queue-type.ts";
import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import type { Channel, ChannelConsumer } from "../channel/channel.ts";
import { Consumer } from "../channel/consumer.ts";
import { DirectReplyConsumer, directReplyName, directReplyPrefix } from "../channel/direct-reply.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName, randomName } from "../core/names.ts";
import { checkConsumeArguments, integerOf } from "./queue-arguments.ts";
import { StreamConsumer } from "../channel/stream-consumer.ts";
import { StreamFilter } from "../channel/stream-filter.ts";
import { streamStart } from "../channel/stream-offset.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** Beside what any method costs. */
const unitsOfConsumer = 4;

type Consume = MethodArguments["basic.consume"];

/** Starts a consumer. The answer comes before its first delivery, since queues deliver when the tick ends. */
export function basicConsume(channel: Channel, values: Consume): void {
  channel.broker.work.spend(unitsOfConsumer);
  const name = values.queue === directReplyName ? "" : channel.queueName(values.queue);
  if (channel.consumers.has(values.consumerTag)) {
    throw new AmqpError("NOT_ALLOWED", `attempt to reuse consumer tag '${values.consumerTag}'`);
  }
  const tag = values.consumerTag === "" ? randomName("amq.ctag-", channel.broker.random) : values.consumerTag;
  if (values.queue === directReplyName) return consumeDirectReply(channel, values, tag);
  channel.assertMayUseQueue("read", name);
  const queue = channel.queueNamed(name);
  const readsOnly = queue.kind === "stream" || readsHistory(queue, values.arguments);
  // What a queue delivers is gone from it.
  if (!readsOnly) channel.assertMayUseQueue("take", name);
  const consumer = readsOnly
    ? makeStreamConsumer(channel, queue, tag, values)
    : makeConsumer(channel, queue, tag, values);
  // What came before this consumer is bounded without it: `x-max-length` may have dropped some of it.
  queue.catchUp();
  channel.consumers.set(tag, consumer);
  queue.used();
  if (!values.noWait) channel.reply("basic.consume-ok", { consumerTag: tag });
  consumer.start();
}

/** A queue that keeps its history is read like a stream by who asks for an offset; nothing is taken from it so. */
function readsHistory(queue: Queue, table: FieldTable): boolean {
  return (
    queue.cursor !== null &&
    queue.cursor.history !== null &&
    findField(table, "x-stream-offset") !== undefined
  );
}

function makeConsumer(channel: Channel, queue: Queue, tag: string, values: Consume): ChannelConsumer {
  const what = `queue '${amqpName(queue.name)}' in vhost '${channel.vhost.name}'`;
  const type = queueTypeOf(queue);
  checkConsumeArguments(values.arguments, type, what);
  if (type === "quorum") assertNoGlobalPrefetch(channel, what);
  // RabbitMQ has no exclusive consumers of a queue with a single active consumer.
  const takesExclusive = queue.consumers.size === 0 && !queue.policy.singleActiveConsumer;
  if (queue.isExclusivelyConsumed || (values.exclusive && !takesExclusive)) {
    throw new AmqpError("ACCESS_REFUSED", `${what} in exclusive use`);
  }
  const priority = findField(values.arguments, "x-priority");
  return new Consumer(channel, {
    tag,
    queue,
    isNoAck: values.noAck,
    isExclusive: values.exclusive,
    priority: priority === undefined ? 0 : Number(integerOf(priority)),
    prefetch: channel.consumerPrefetch,
    args: plainArguments(values.arguments),
  });
}

/** RabbitMQ bounds all consumers of a channel together (qos with `global`) for classic queues only. */
function assertNoGlobalPrefetch(channel: Channel, what: string): void {
  if (channel.globalPrefetch === 0) return;
  throw new AmqpError("NOT_IMPLEMENTED", `${what} does not support global qos`);
}

function makeStreamConsumer(channel: Channel, queue: Queue, tag: string, values: Consume): ChannelConsumer {
  const what = `queue '${amqpName(queue.name)}' in vhost '${channel.vhost.name}'`;
  checkConsumeArguments(values.arguments, "stream", what);
  if (channel.consumerPrefetch === 0) {
    throw new AmqpError("PRECONDITION_FAILED", `consumer prefetch count is not set for '${what}'`);
  }
  if (values.noAck) {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `automatic acknowledgement not supported by stream queues ${what}`,
    );
  }
  assertNoGlobalPrefetch(channel, what);
  // Messages published in this turn are before `next`.
  queue.log.store.seal();
  const start = streamStart(
    queue,
    findField(values.arguments, "x-stream-offset"),
    channel.broker.clock.now(),
  );
  const args = plainArguments(values.arguments);
  const filter = StreamFilter.of(values.arguments);
  return new StreamConsumer(channel, { tag, queue, start, prefetch: channel.consumerPrefetch, args, filter });
}

function consumeDirectReply(channel: Channel, values: Consume, tag: string): void {
  if (!values.noAck) {
    throw new AmqpError("PRECONDITION_FAILED", "reply consumer cannot acknowledge");
  }
  if (channel.directReply !== null) {
    throw new AmqpError("PRECONDITION_FAILED", "reply consumer already set");
  }
  const consumer = new DirectReplyConsumer(
    channel,
    tag,
    randomName(directReplyPrefix, channel.broker.random),
  );
  channel.directReply = consumer;
  channel.session.server.directReplies.set(consumer.replyName, consumer);
  if (!values.noWait) channel.reply("basic.consume-ok", { consumerTag: tag });
}
