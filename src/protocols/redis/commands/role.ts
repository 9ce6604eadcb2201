/** ROLE      WAIT replicas timeout: there are no replicas.      ACL WHOAMI      LASTSAVE */
import type { CommandContext } from "../context.ts";

export function role({ reply }: CommandContext): void {
  reply.array(3);
  reply.bulkLatin1("master");
  reply.integer(0);
  reply.array(0);
}

export function aclWhoAmI({ reply, session }: CommandContext): void {
  reply.bulkText(session.user);
}
