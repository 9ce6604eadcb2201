import { mayUseWholeTopic } from "../../../broker/access/rights.ts";
import type { Destination } from "../../../broker/exchange/exchange.ts";
import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { Channel } from "../channel/channel.ts";
import { brokerName, strippedName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertBindable } from "./exchange-bind.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

/** Binds a queue or stream. A Kafka topic of several partitions has no queue of its name: its exchange is bound. */
export function queueBind(channel: Channel, values: MethodArguments["queue.bind"]): void {
  const { vhost } = channel;
  assertMayBind(channel, values);
  // An exchange that is missing is named first, as in RabbitMQ.
  const exchange = vhost.exchange(strippedName(values.exchange));
  const destination = bindingDestination(channel, values.queue);
  assertBindable(exchange, values.arguments);
  vhost.bindings.bind(exchange, destination, bindingKey(channel, values), plainArguments(values.arguments));
  if (!values.noWait) channel.reply("queue.bind-ok", {});
}

export function assertMayBind(
  channel: Channel,
  values: { queue: string; exchange: string; routingKey: string },
): void {
  const exchange = strippedName(values.exchange);
  const queue = channel.strippedQueueName(values.queue);
  if (!mayUseWholeTopic(channel.session, "bind", channel.vhost, queue)) throw channel.refused("queue", queue);
  assertNotDefault(exchange);
  channel.assertMayBindFrom(exchange, bindingKey(channel, values));
  assertNotTopic(channel, exchange);
}

/** The destination of a binding to that name, whatever the user's rights. */
export function findDestination({ vhost }: Channel, name: string): Destination | undefined {
  const queue = vhost.queues.get(name);
  if (queue !== undefined) return queue;
  const topic = vhost.topics.find(name);
  return topic !== undefined && topic.partitions.length > 1 ? vhost.exchange(topic.name) : undefined;
}

function bindingDestination(channel: Channel, queueText: string): Destination {
  const name = channel.strippedQueueName(queueText);
  const found = findDestination(channel, name);
  return found?.kind === "exchange" ? found : channel.queueNamed(name);
}

/** Neither queue nor key given: the key is the name of the queue declared last (spec queue.bind). */
export function bindingKey(channel: Channel, values: { queue: string; routingKey: string }): string {
  return values.queue === "" && values.routingKey === ""
    ? channel.queueName("")
    : brokerName(values.routingKey);
}
