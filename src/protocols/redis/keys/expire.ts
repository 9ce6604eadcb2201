/** EXPIRE key seconds [NX | XX | GT | LT] */
import type { CommandContext } from "../core/context.ts";
import { expireKey } from "./expire-key.ts";
import { timeUnits } from "./expiry-options.ts";

export function expire(context: CommandContext): void {
  expireKey(context, timeUnits.EX);
}
