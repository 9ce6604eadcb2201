/** INCRBY key increment */
import type { CommandContext } from "../core/context.ts";
import { increment, incrementArgument } from "./increment.ts";

export function incrby(context: CommandContext): void {
  increment(context, incrementArgument(context, 2));
}
