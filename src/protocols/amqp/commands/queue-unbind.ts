import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { brokerName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault } from "./exchange-declare.ts";
import { bindingDestination, bindingKey } from "./queue-bind.ts";

export function queueUnbind(channel: Channel, values: MethodArguments["queue.unbind"]): void {
  const { vhost } = channel;
  assertNotDefault(values.exchange);
  const destination = bindingDestination(channel, values.queue);
  const exchange = vhost.exchange(brokerName(values.exchange));
  vhost.unbind(exchange, destination, bindingKey(channel, values), plainArguments(values.arguments));
  channel.reply("queue.unbind-ok", {});
}
