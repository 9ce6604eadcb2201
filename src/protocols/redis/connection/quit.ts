/** QUIT      RESET */
import type { CommandContext } from "../core/context.ts";

export function quit({ reply, session }: CommandContext): void {
  reply.ok();
  session.end();
}

export function reset({ reply, session }: CommandContext): void {
  session.reset();
  reply.simple("RESET");
}
