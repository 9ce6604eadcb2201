/** PSETEX key milliseconds value */
import type { CommandContext } from "../core/context.ts";
import { positiveExpiryArgument, timeUnits } from "../keys/expiry-options.ts";
import { setString, writableKeysOf } from "../keys/key-access.ts";

export function psetex(context: CommandContext): void {
  const expiry = positiveExpiryArgument(context, 2, timeUnits.PX);
  setString(context, writableKeysOf(context), 1, 3, expiry);
  context.reply.ok();
}
