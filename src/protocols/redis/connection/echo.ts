/** ECHO message */
import type { CommandContext } from "../core/context.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const echoCommand: CommandRow = {
  name: "echo",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Sends its argument back.",
  run: echo,
};

function echo({ request, reply }: CommandContext): void {
  reply.bulk(request.buffer, request.starts[1], request.ends[1]);
}
