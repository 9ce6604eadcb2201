/** ECHO message */
import type { CommandContext } from "../core/context.ts";

export function echo({ request, reply }: CommandContext): void {
  reply.bulk(request.buffer, request.starts[1], request.ends[1]);
}
