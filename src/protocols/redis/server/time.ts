/** TIME: seconds, and microseconds within the second. */
import type { CommandContext } from "../core/context.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const timeCommand: CommandRow = {
  name: "time",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  tips: ["nondeterministic_output"],
  since: "2.6.0",
  complexity: "O(1)",
  summary: "Tells the server's time.",
  run: time,
};

function time({ reply, broker }: CommandContext): void {
  const now = broker.clock.now();
  reply.array(2);
  reply.bulkInteger(Math.floor(now / 1000));
  reply.bulkInteger((now % 1000) * 1000);
}
