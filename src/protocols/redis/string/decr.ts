/** DECR key */
import type { CommandContext } from "../core/context.ts";
import { increment } from "./increment.ts";

export function decr(context: CommandContext): void {
  increment(context, -1);
}
