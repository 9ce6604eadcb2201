import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { Channel } from "../channel/channel.ts";
import { brokerName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { bindingNames } from "./exchange-bind.ts";

export function exchangeUnbind(channel: Channel, values: MethodArguments["exchange.unbind"]): void {
  const { vhost } = channel;
  const names = bindingNames(channel, values);
  const destination = vhost.exchanges.get(names.destination);
  const source = vhost.exchanges.get(names.source);
  if (source !== undefined && destination !== undefined) {
    vhost.bindings.unbind(
      source,
      destination,
      brokerName(values.routingKey),
      plainArguments(values.arguments),
    );
  }
  if (!values.noWait) channel.reply("exchange.unbind-ok", {});
}
