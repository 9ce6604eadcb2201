import type { Channel } from "../channel/channel.ts";
import { Confirms } from "../channel/confirms.ts";
import { AmqpError } from "../core/errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** RabbitMQ's extension: from here on every publish is answered. */
export function confirmSelect(channel: Channel, values: MethodArguments["confirm.select"]): void {
  if (channel.transaction !== null) {
    throw new AmqpError("PRECONDITION_FAILED", "cannot switch from tx to confirm mode");
  }
  channel.confirms ??= new Confirms(channel.number);
  if (!values.noWait) channel.reply("confirm.select-ok", {});
}
