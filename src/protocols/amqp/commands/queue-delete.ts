import { delayedCountOf } from "../../../broker/schedule/listing.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** Deleting what is not there is no error, as in RabbitMQ. */
export function queueDelete(channel: Channel, values: MethodArguments["queue.delete"]): void {
  const { vhost } = channel;
  const name = channel.strippedQueueName(values.queue);
  channel.assertMayUseQueue("delete", name);
  const queue = vhost.queues.get(name);
  if (queue !== undefined) {
    channel.assertMayUse(queue);
    queue.catchUp();
    const what = `queue '${amqpName(queue.name)}' in vhost '${vhost.name}'`;
    if (values.ifUnused && queue.consumerCount > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} in use`);
    }
    // What waits to be delivered again, or for its time, is nobody's, and would be gone.
    const count = queue.readyCount + queue.waitingCount + delayedCountOf(channel.broker, vhost.name, name);
    if (values.ifEmpty && count > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} not empty`);
    }
  }
  // Before the consumers of this channel hear of it, as in RabbitMQ: a client may take a cancellation that comes while it waits for
  // this answer for the answer's failure. Neither leaves before the tick has written the deletion.
  if (!values.noWait) channel.reply("queue.delete-ok", { messageCount: queue?.readyCount ?? 0 });
  if (queue === undefined) return;
  vhost.deleteQueue(queue);
  channel.session.exclusiveQueues.delete(queue);
}
