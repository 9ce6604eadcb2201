/** TIME: seconds, and microseconds within the second. */
import type { CommandContext } from "../core/context.ts";

export function time({ reply, broker }: CommandContext): void {
  const now = broker.clock.now();
  reply.array(2);
  reply.bulkInteger(Math.floor(now / 1000));
  reply.bulkInteger((now % 1000) * 1000);
}
