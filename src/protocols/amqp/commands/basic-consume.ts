import type { Queue } from "../../../broker/queue/queue.ts";
import { queueTypeOf } from "../../../broker/queue/queue-type.ts";
import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import { limits } from "../../../base/limits.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { notKnown } from "../../../broker/groups/progress.ts";
import { createGroup } from "../../../broker/groups/stream-groups.ts";
import { nameOfText } from "../../../broker/names.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { Channel, ChannelConsumer } from "../channel/channel.ts";
import { Consumer } from "../channel/consumer.ts";
import { DirectReplyConsumer, directReplyName, directReplyPrefix } from "../channel/direct-reply.ts";
import { GroupConsumer } from "../channel/group-consumer.ts";
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
  return new Consumer(channel, {
    tag,
    queue,
    isNoAck: values.noAck,
    isExclusive: values.exclusive,
    priority: priorityOf(values.arguments),
    prefetch: channel.consumerPrefetch,
    args: plainArguments(values.arguments),
  });
}

function priorityOf(table: FieldTable): number {
  const priority = findField(table, "x-priority");
  return priority === undefined ? 0 : Number(integerOf(priority));
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
  const group = groupArgument(queue, values.arguments, what);
  if (group !== null) return makeGroupConsumer(channel, queue, { tag, group, values });
  const start = streamStart(
    queue,
    findField(values.arguments, "x-stream-offset"),
    channel.broker.clock.now(),
  );
  const args = plainArguments(values.arguments);
  const filter = StreamFilter.of(values.arguments);
  return new StreamConsumer(channel, { tag, queue, start, prefetch: channel.consumerPrefetch, args, filter });
}

/** The group of a stream that the consumer shares; null: it reads by itself. */
function groupArgument(queue: Queue, table: FieldTable, what: string): string | null {
  const group = findField(table, "x-group");
  if (group?.type !== "S" || queue.kind !== "stream") return null;
  if (findField(table, "x-stream-filter") !== undefined) {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `invalid arg 'x-stream-filter' for ${what}: a group has one position for all; filter without 'x-group'`,
    );
  }
  const name = nameOfText(group.value);
  if (name.length <= limits.nameBytesMax) return name;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid arg 'x-group' for ${what}: longer than ${limits.nameBytesMax} bytes`,
  );
}

interface GroupWanted {
  readonly tag: string;
  readonly group: string;
  readonly values: Consume;
}

/** Makes the group where it is not there; who consumes in it settles what it gets. */
function makeGroupConsumer(
  channel: Channel,
  queue: Queue,
  { tag, group, values }: GroupWanted,
): GroupConsumer {
  channel.assertMayUseQueue("take", queue.name);
  const asked = findField(values.arguments, "x-stream-offset");
  const start = streamStart(queue, asked, channel.broker.clock.now());
  const cursor = queue.groups.get(group) ?? groupFrom(queue, group, start);
  return new GroupConsumer(channel, {
    tag,
    queue,
    cursor,
    priority: priorityOf(values.arguments),
    prefetch: channel.consumerPrefetch,
    args: plainArguments(values.arguments),
  });
}

/** The position of Redis's is an id: that just before the first entry from there on. */
function groupFrom(queue: Queue, group: string, start: number): GroupCursor {
  const { log } = queue;
  const lastId = new EntryId();
  const reader = queue.reader(start);
  if (!reader.next()) log.readStableId(lastId);
  else if (start > log.firstOffset) lastId.copyFrom(reader.id).decrement();
  const cursor = createGroup(queue, group);
  cursor.setGroupPosition(start, lastId, notKnown);
  return cursor;
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
