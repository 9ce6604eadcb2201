import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { Channel } from "../channel/channel.ts";
import { strippedName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertMayBind, bindingKey, findDestination } from "./queue-bind.ts";

/** Unbinding what is not there is no error, as in RabbitMQ. */
export function queueUnbind(channel: Channel, values: MethodArguments["queue.unbind"]): void {
  const { vhost } = channel;
  assertMayBind(channel, values);
  const exchange = vhost.exchanges.get(strippedName(values.exchange));
  const destination = findDestination(channel, channel.strippedQueueName(values.queue));
  const key = bindingKey(channel, values);
  const args = plainArguments(values.arguments);
  if (
    exchange !== undefined &&
    destination !== undefined &&
    vhost.bindings.has(exchange, destination, key, args)
  ) {
    // Only then is it asked whose queue it is, as in RabbitMQ.
    if (destination.kind !== "exchange") channel.assertMayUse(destination);
    vhost.bindings.unbind(exchange, destination, key, args);
  }
  channel.reply("queue.unbind-ok", {});
}
