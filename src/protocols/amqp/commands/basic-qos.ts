import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/**
 * RabbitMQ's meaning of `global`, not the spec's: true bounds all consumers of the channel together, false bounds each
 * consumer that starts from now on, and lifts the bound of all together.
 */
export function basicQos(channel: Channel, values: MethodArguments["basic.qos"]): void {
  if (values.prefetchSize !== 0) {
    throw new AmqpError("NOT_IMPLEMENTED", `prefetch_size!=0 (${values.prefetchSize})`);
  }
  channel.globalPrefetch = values.global ? values.prefetchCount : 0;
  if (!values.global) channel.consumerPrefetch = values.prefetchCount;
  channel.wakeConsumers();
  channel.reply("basic.qos-ok", {});
}
