/** DECRBY key decrement */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { increment, incrementArgument } from "./increment.ts";

const int64Min = -9223372036854775808n;

export function decrby(context: CommandContext): void {
  const by = incrementArgument(context, 2);
  // Its negative is no 64-bit integer.
  if (by === int64Min) throw new RedisError("ERR decrement would overflow");
  increment(context, -by);
}
