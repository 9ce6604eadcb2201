/** The HELP subcommand of container commands, and the error for an unknown subcommand. */
import type { CommandContext } from "./context.ts";
import { RedisError } from "./errors.ts";

/** Writes the lines with redis's header and footer, each as a status reply. */
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
