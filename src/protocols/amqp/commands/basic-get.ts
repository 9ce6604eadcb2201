import { clientParty } from "../../../broker/trace/party.ts";
import type { TraceParty } from "../../../base/trace/trace-event.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { QueueCursor } from "../../../broker/cursor/queue-cursor.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { withHeaderField } from "../core/header-field.ts";
import { amqpName } from "../core/names.ts";
import { writeGetOk } from "../wire/content-output.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { giveBack, takeOnce } from "../../../broker/queue/delivery.ts";

const view = new AmqpView();

/** Takes one message from the head of a queue. Nobody's prefetch counts it. */
export function basicGet(channel: Channel, values: MethodArguments["basic.get"]): void {
  channel.assertMayUseQueue("take", channel.queueName(values.queue));
  const queue = channel.queue(values.queue);
  const { cursor } = queue;
  if (cursor === null) {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `basic.get not supported by stream queues queue '${amqpName(queue.name)}' in vhost '${channel.vhost.name}'`,
    );
  }
  queue.used();
  // Consumers that wait came before this method.
  queue.catchUp();
  const get: Get = { channel, queue, cursor, isNoAck: values.noAck };
  // Thousands of expired messages may be at the head. The message behind them is looked for in later turns.
  if (!answered(get)) channel.session.retry(channel, () => answered(get));
}

interface Get {
  readonly channel: Channel;
  readonly queue: Queue;
  readonly cursor: QueueCursor;
  readonly isNoAck: boolean;
}

/** False where what is at the head must go first, and not all of it could in this turn. */
function answered(get: Get): boolean {
  const { channel, queue, cursor, isNoAck } = get;
  const found = queue.isDeleted ? "empty" : takeOnce(queue, channel.getOwner);
  if (found === "later") return false;
  const { counts } = channel;
  if (found === "empty") {
    queue.emptyGets++;
    counts.getEmpty++;
    channel.reply("basic.get-empty", { clusterId: "" });
    return true;
  }
  const { record, deliveryCount } = cursor;
  const redelivered = deliveryCount > 1;
  if (redelivered) {
    queue.redelivered++;
    counts.redeliver++;
  }
  const { offset } = record;
  let parts = shown(get);
  if (isNoAck) {
    queue.drop(offset);
    queue.gotNoAck++;
    counts.getNoAck++;
  } else {
    queue.got++;
    counts.get++;
  }
  if (queue.trace !== null) {
    const partyIs = (): TraceParty => clientParty(channel.session.connection, { channel: channel.number });
    channel.broker.tracer.delivered(queue, offset, { count: deliveryCount, isNoAck, partyIs });
  }
  const deliveryTag = isNoAck ? channel.unacked.skip() : channel.holdGet(queue, offset);
  // With basic.get from the first delivery on, as RabbitMQ's quorum queues say it.
  if (queue.policy.countsDeliveries) {
    parts = withHeaderField(parts, "x-delivery-count", deliveryCount - 1);
  }
  // RabbitMQ looks at the head again after a fetch. The record's bytes stay where they are in this turn.
  lookAtHead(queue);
  const delivery = { deliveryTag, redelivered, messageCount: queue.readyCount };
  writeGetOk(channel.output, channel.frameTarget, delivery, parts);
  channel.session.delivered();
  return true;
}

/** The message at hand; where it cannot be shown it goes back into the queue. */
function shown({ queue, cursor }: Get): AmqpRecordParts {
  try {
    return view.show(cursor.record);
  } catch (error) {
    giveBack(queue, cursor.record.offset);
    throw error;
  }
}

/** A message behind the one at hand that cannot be read is no reason to keep that one from its client. */
function lookAtHead(queue: Queue): void {
  try {
    queue.dropExpired();
  } catch (error) {
    queue.failed(error);
  }
}
