import { AmqpView } from "../../../message/convert/as-amqp.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { withHeaderField } from "../core/header-field.ts";
import { amqpName } from "../core/names.ts";
import { writeGetOk } from "../wire/content-output.ts";
import type { MethodArguments } from "../wire/methods.ts";

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
  if (!queue.takeForGet(values.noAck, channel.getOwner)) {
    channel.reply("basic.get-empty", { clusterId: "" });
    return;
  }
  const { record, deliveryCount } = cursor;
  const redelivered = deliveryCount > 1;
  if (redelivered) queue.redelivered++;
  const deliveryTag = values.noAck ? channel.unacked.skip() : channel.holdGet(queue, record.offset);
  let parts = view.show(record);
  // With basic.get from the first delivery on, as RabbitMQ's quorum queues say it.
  if (queue.policy.countsDeliveries) {
    parts = withHeaderField(parts, "x-delivery-count", deliveryCount - 1);
  }
  // RabbitMQ looks at the head again after a fetch. The record's bytes stay where they are in this turn.
  queue.dropExpired();
  const delivery = { deliveryTag, redelivered, messageCount: queue.readyCount };
  writeGetOk(channel.output, channel.frameTarget, delivery, parts);
  channel.session.delivered();
}
