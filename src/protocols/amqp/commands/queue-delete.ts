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
  let messageCount = 0;
  if (queue !== undefined) {
    channel.assertMayUse(queue);
    queue.catchUp();
    const what = `queue '${amqpName(queue.name)}' in vhost '${vhost.name}'`;
    if (values.ifUnused && queue.consumerCount > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} in use`);
    }
    if (values.ifEmpty && queue.readyCount > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} not empty`);
    }
    messageCount = queue.readyCount;
    vhost.deleteQueue(queue);
    channel.session.exclusiveQueues.delete(queue);
  }
  if (!values.noWait) channel.reply("queue.delete-ok", { messageCount });
}
