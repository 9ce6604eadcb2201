import type { Channel } from "./channel.ts";
import type { MethodArguments } from "./wire/methods.ts";
export function checkQueueArguments(_channel: Channel, _values: MethodArguments["queue.declare"]): void {}
