import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** Gives all unacknowledged deliveries of the channel back to their queues, as RabbitMQ does. */
export function basicRecover(channel: Channel, values: MethodArguments["basic.recover"]): void {
  basicRecoverAsync(channel, values);
  channel.reply("basic.recover-ok", {});
}

export function basicRecoverAsync(channel: Channel, values: MethodArguments["basic.recover-async"]): void {
  if (!values.requeue) throw new AmqpError("NOT_IMPLEMENTED", "requeue=false");
  channel.requeueAll();
}
