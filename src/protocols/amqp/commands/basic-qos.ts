import type { Channel } from "../channel.ts";
import { AmqpError } from "../errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/**
 * RabbitMQ's meaning of `global`, not the spec's: false bounds each consumer that starts from now on, true bounds all
 * consumers of the channel together.
 */
export function basicQos(channel: Channel, values: MethodArguments["basic.qos"]): void {
  if (values.prefetchSize !== 0) {
    throw new AmqpError("NOT_IMPLEMENTED", `prefetch_size!=0 (${values.prefetchSize})`);
  }
  if (values.global) {
    channel.globalPrefetch = values.prefetchCount;
    channel.wakeConsumers();
  } else channel.consumerPrefetch = values.prefetchCount;
  channel.reply("basic.qos-ok", {});
}
