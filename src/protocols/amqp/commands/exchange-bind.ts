import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { brokerName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

/** RabbitMQ's extension: messages of `source` flow on to `destination`. */
export function exchangeBind(channel: Channel, values: MethodArguments["exchange.bind"]): void {
  const { vhost } = channel;
  assertNotDefault(values.destination);
  assertNotDefault(values.source);
  channel.assertAllowed("write", "exchange", brokerName(values.destination));
  channel.assertAllowed("read", "exchange", brokerName(values.source));
  assertNotTopic(channel, brokerName(values.source));
  const destination = vhost.exchange(brokerName(values.destination));
  const source = vhost.exchange(brokerName(values.source));
  vhost.bind(source, destination, brokerName(values.routingKey), plainArguments(values.arguments));
  if (!values.noWait) channel.reply("exchange.bind-ok", {});
}
