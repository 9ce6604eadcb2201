import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { strippedName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertMayBind, bindingDestination, bindingKey } from "./queue-bind.ts";

/** Unbinding what is not there is no error, as in RabbitMQ. */
export function queueUnbind(channel: Channel, values: MethodArguments["queue.unbind"]): void {
  const { vhost } = channel;
  assertMayBind(channel, values);
  const exchange = vhost.exchanges.get(strippedName(values.exchange));
  const name = channel.strippedQueueName(values.queue);
  if (exchange !== undefined && (vhost.queues.has(name) || vhost.topics.find(name) !== undefined)) {
    const destination = bindingDestination(channel, values.queue);
    vhost.unbind(exchange, destination, bindingKey(channel, values), plainArguments(values.arguments));
  }
  channel.reply("queue.unbind-ok", {});
}
