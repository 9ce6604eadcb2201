/** What containers say of themselves: HELP, and the error that points to it. */
import type { CommandContext } from "./context.ts";
import { RedisError } from "./errors.ts";

/** A frame of redis's own around the lines, each as a status reply. */
export function writeHelp(context: CommandContext, lines: readonly string[]): void {
  const { reply, request } = context;
  const name = request.utf8(0).toUpperCase();
  reply.array(lines.length + 3);
  reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Prints this help.");
}

export function subcommandSyntaxError(context: CommandContext): RedisError {
  const { request } = context;
  return new RedisError(
    `ERR unknown subcommand or wrong number of arguments for '${request.utf8(1).slice(0, 128)}'. ` +
      `Try ${request.utf8(0).toUpperCase()} HELP.`,
  );
}
