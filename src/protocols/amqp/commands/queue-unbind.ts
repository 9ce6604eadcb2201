import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { brokerName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";
import { assertMayBind, bindingDestination, bindingKey } from "./queue-bind.ts";

/** Unbinding what is not there is no error, as in RabbitMQ. */
export function queueUnbind(channel: Channel, values: MethodArguments["queue.unbind"]): void {
  const { vhost } = channel;
  assertNotDefault(values.exchange);
  assertMayBind(channel, values);
  assertNotTopic(channel, brokerName(values.exchange));
  const exchange = vhost.exchanges.get(brokerName(values.exchange));
  const name = channel.queueName(values.queue);
  if (exchange !== undefined && (vhost.queues.has(name) || vhost.topics.find(name) !== undefined)) {
    const destination = bindingDestination(channel, values.queue);
    vhost.unbind(exchange, destination, bindingKey(channel, values), plainArguments(values.arguments));
  }
  channel.reply("queue.unbind-ok", {});
}
