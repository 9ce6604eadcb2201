/** Names that a client gives itself: printable ASCII without blanks, so that CLIENT LIST can be split at blanks. */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";

/** The text in argument `index`; `what` names it in the error. */
export function plainTextArgument({ request }: CommandContext, index: number, what: string): string {
  const text = request.latin1(index);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x21 || code > 0x7e)
      throw new RedisError(`ERR ${what} cannot contain spaces, newlines or special characters.`);
  }
  return text;
}

export function setClientName(context: CommandContext, index: number): void {
  context.client.name = plainTextArgument(context, index, "Client names");
}
