import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { purge } from "../../../broker/queue/removal.ts";

/** Drops what is ready; what consumers hold stays with them. */
export function queuePurge(channel: Channel, values: MethodArguments["queue.purge"]): void {
  channel.assertMayUseQueue("take", channel.queueName(values.queue));
  const queue = channel.queue(values.queue);
  if (queue.kind === "stream") {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `queue.purge not supported by stream queues queue '${amqpName(queue.name)}' in vhost '${channel.vhost.name}'`,
    );
  }
  // What consumers could have taken is theirs.
  queue.catchUp();
  const messageCount = purge(queue);
  if (!values.noWait) channel.reply("queue.purge-ok", { messageCount });
}
