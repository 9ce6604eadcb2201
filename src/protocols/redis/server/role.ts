/** ROLE: there are no replicas. */
import type { CommandContext } from "../core/context.ts";

export function role({ reply }: CommandContext): void {
  reply.array(3);
  reply.bulkLatin1("master");
  reply.integer(0);
  reply.array(0);
}
