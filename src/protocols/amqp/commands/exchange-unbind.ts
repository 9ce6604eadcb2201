import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { brokerName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

export function exchangeUnbind(channel: Channel, values: MethodArguments["exchange.unbind"]): void {
  const { vhost } = channel;
  assertNotDefault(values.destination);
  assertNotDefault(values.source);
  channel.assertAllowed("write", "exchange", brokerName(values.destination));
  channel.assertAllowed("read", "exchange", brokerName(values.source));
  assertNotTopic(channel, brokerName(values.source));
  const destination = vhost.exchanges.get(brokerName(values.destination));
  const source = vhost.exchanges.get(brokerName(values.source));
  if (source !== undefined && destination !== undefined) {
    vhost.unbind(source, destination, brokerName(values.routingKey), plainArguments(values.arguments));
  }
  if (!values.noWait) channel.reply("exchange.unbind-ok", {});
}
