import { everyKey } from "../../../broker/access/rights.ts";
import { nameOfText } from "../../../broker/names.ts";
import { assertQueueRoom } from "../../../broker/parameters/vhost-limits.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { findField } from "../../../message/amqp/table.ts";
import { argumentTypes, plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import { deadQueueName } from "../../../broker/retry/dead-queue.ts";
import type { Channel } from "../channel/channel.ts";
import { directReplyName, directReplyPrefix } from "../channel/direct-reply.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName, assertNotReserved, randomName, strippedName } from "../core/names.ts";
import { assertServerNamed, checkQueueArguments, fieldTypeName, typeNamed } from "./queue-arguments.ts";
import type { MethodArguments } from "../wire/methods.ts";

type Declare = MethodArguments["queue.declare"];

/**
 * Makes a queue or stream or finds the same. RabbitMQ 4.3 refuses queues that are neither durable nor exclusive;
 * Celery needs them, and they are made.
 */
export function queueDeclare(channel: Channel, values: Declare): void {
  if (values.queue === directReplyName || values.queue.startsWith(directReplyPrefix)) {
    return declareDirectReply(channel, values);
  }
  const queue = values.passive ? findQueue(channel, values) : makeQueue(channel, values);
  channel.lastQueueName = queue.name;
  queue.used();
  queue.catchUp();
  if (values.noWait) return;
  channel.reply("queue.declare-ok", {
    queue: amqpName(queue.name),
    messageCount: queue.readyCount,
    consumerCount: queue.consumerCount,
  });
}

function findQueue(channel: Channel, values: Declare): Queue {
  return channel.queueNamed(strippedName(values.queue));
}

/** With the virtual host's default type, where the client gives none and the queue may be of it. */
function withDefaultType(channel: Channel, values: Declare): Declare {
  const type = channel.vhost.metadata.defaultQueueType;
  if (type === undefined || findField(values.arguments, "x-queue-type") !== undefined) return values;
  if (type !== "classic" && (!values.durable || values.exclusive || values.autoDelete)) return values;
  const field = { type: "S", value: type } as const;
  return { ...values, arguments: [...values.arguments, { name: "x-queue-type", field }] };
}

function makeQueue(channel: Channel, given: Declare): Queue {
  const values = withDefaultType(channel, given);
  const { vhost, session } = channel;
  const asked = strippedName(values.queue);
  const isServerNamed = asked === "";
  if (isServerNamed) assertServerNamed(values.arguments);
  else assertNotReserved("queue", asked);
  const name = isServerNamed ? randomName("amq.gen-", channel.broker.random) : asked;
  channel.assertMayUseQueue("create", name);
  const present = vhost.queues.get(name);
  if (present !== undefined) {
    channel.assertMayUse(present);
    if (present.exclusiveOwner > 0 !== values.exclusive) throw channel.locked(present);
  } else {
    assertMayDeadLetter(channel, name, values);
    assertQueueRoom(vhost, name);
  }
  const what = `queue '${amqpName(name)}' in vhost '${vhost.name}'`;
  // An existing queue was checked when it was made: the arguments must be the same, whatever they are, as in RabbitMQ.
  const type = present === undefined ? checkQueueArguments(values, what) : typeNamed(values.arguments);
  const queue = vhost.declareQueue({
    name,
    kind: type === "stream" ? "stream" : "queue",
    // As in RabbitMQ, where it goes with its connection: declared again, it may be said to be either.
    durable: values.durable && !values.exclusive,
    exclusiveOwner: values.exclusive ? session.connection.id : 0,
    autoDelete: values.autoDelete,
    args: plainArguments(values.arguments),
    argTypes: argumentTypes(values.arguments),
  });
  if (values.exclusive) session.exclusiveQueues.add(queue);
  return queue;
}

/** Otherwise a user who lets messages be moved to an exchange could read one queue and write where it may not. */
function assertMayDeadLetter(channel: Channel, name: string, { arguments: table }: Declare): void {
  const field = findField(table, "x-dead-letter-exchange");
  if (field === undefined) {
    if (findField(table, "x-retry-limit") !== undefined) assertMayHaveDeadQueue(channel, name);
    return;
  }
  if (field.type !== "S") {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `invalid type '${fieldTypeName(field)}' for arg 'x-dead-letter-exchange' in queue '${amqpName(name)}' in vhost '${channel.vhost.name}'`,
    );
  }
  channel.assertMayUseQueue("take", name);
  const key = findField(table, "x-dead-letter-routing-key");
  const keys = key?.type === "S" ? { prefix: nameOfText(key.value), isExact: true } : everyKey;
  channel.assertMayLeadTo(nameOfText(field.value), keys);
}

/** What is rejected too often goes to a queue that is made for it. */
function assertMayHaveDeadQueue(channel: Channel, name: string): void {
  const dead = deadQueueName(name);
  channel.assertMayUseQueue("take", name);
  channel.assertMayUseQueue("create", dead);
  channel.assertMayLeadTo("", { prefix: dead, isExact: true });
}

/** Clients ask for it passively to learn whether the one who asked is still there. */
function declareDirectReply(channel: Channel, values: Declare): void {
  const isThere = values.queue === directReplyName || channel.session.server.directReplies.has(values.queue);
  if (!isThere) {
    throw new AmqpError("NOT_FOUND", `no queue '${values.queue}' in vhost '${channel.vhost.name}'`);
  }
  if (!values.noWait) {
    channel.reply("queue.declare-ok", { queue: values.queue, messageCount: 0, consumerCount: 1 });
  }
}
