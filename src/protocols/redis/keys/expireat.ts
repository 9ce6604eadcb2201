/** EXPIREAT key unix-time-seconds [NX | XX | GT | LT] */
import type { CommandContext } from "../core/context.ts";
import { expireKey } from "./expire-key.ts";
import { timeUnits } from "./expiry-options.ts";

export function expireat(context: CommandContext): void {
  expireKey(context, timeUnits.EXAT);
}
