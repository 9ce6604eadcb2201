import { plainArguments } from "../arguments.ts";
import type { Channel } from "../channel.ts";
import { brokerName, strippedName } from "../names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

/** The ends of a binding between exchanges, which the user may bind. */
export function bindingNames(
  channel: Channel,
  values: { destination: string; source: string },
): { destination: string; source: string } {
  const [destination, source] = [strippedName(values.destination), strippedName(values.source)];
  channel.assertAllowed("write", "exchange", destination);
  assertNotDefault(destination);
  assertNotDefault(source);
  channel.assertAllowed("read", "exchange", source);
  assertNotTopic(channel, source);
  return { destination, source };
}

/** RabbitMQ's extension: messages of `source` flow on to `destination`. */
export function exchangeBind(channel: Channel, values: MethodArguments["exchange.bind"]): void {
  const { vhost } = channel;
  const names = bindingNames(channel, values);
  // A source that is missing is named first, as in RabbitMQ.
  const source = vhost.exchange(names.source);
  const destination = vhost.exchange(names.destination);
  vhost.bind(source, destination, brokerName(values.routingKey), plainArguments(values.arguments));
  if (!values.noWait) channel.reply("exchange.bind-ok", {});
}
