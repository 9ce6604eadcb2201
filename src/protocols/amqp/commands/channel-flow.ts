import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** RabbitMQ does not let clients stop deliveries: a prefetch does that. */
export function channelFlow(channel: Channel, values: MethodArguments["channel.flow"]): void {
  if (!values.active) throw new AmqpError("NOT_IMPLEMENTED", "active=false");
  channel.reply("channel.flow-ok", { active: true });
}
