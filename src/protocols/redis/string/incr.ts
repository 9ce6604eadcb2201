/** INCR key */
import type { CommandContext } from "../core/context.ts";
import { increment } from "./increment.ts";

export function incr(context: CommandContext): void {
  increment(context, 1);
}
