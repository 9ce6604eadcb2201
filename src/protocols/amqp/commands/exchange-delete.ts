import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName, strippedName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

/** Deleting what is not there is no error, as in RabbitMQ. */
export function exchangeDelete(channel: Channel, values: MethodArguments["exchange.delete"]): void {
  const { vhost } = channel;
  const name = strippedName(values.exchange);
  assertNotDefault(name);
  if (name.startsWith("amq.")) {
    throw new AmqpError(
      "ACCESS_REFUSED",
      `deletion of system exchange '${amqpName(name)}' in vhost '${vhost.name}' not allowed`,
    );
  }
  channel.assertMayUseExchange("delete", name);
  assertNotTopic(channel, name);
  const exchange = vhost.exchanges.get(name);
  if (exchange !== undefined) {
    if (values.ifUnused && exchange.bindings.size > 0) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `exchange '${amqpName(name)}' in vhost '${vhost.name}' in use`,
      );
    }
    vhost.deleteExchange(exchange);
  }
  if (!values.noWait) channel.reply("exchange.delete-ok", {});
}
