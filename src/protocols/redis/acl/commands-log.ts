/** ACL LOG [count | RESET]: the fields of redis 7.2. */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const aclLogCommand: CommandRow = {
  name: "log",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  since: "6.0.0",
  complexity: "O(N), N entries shown",
  summary: "Shows the commands and logins that were refused.",
  run: aclLog,
};

const countDefault = 10;

function aclLog({ request, reply, server, broker }: CommandContext): void {
  let count = countDefault;
  if (request.argumentCount === 3) {
    if (request.is(2, "RESET")) {
      server.aclLog.reset();
      return reply.ok();
    }
    count = request.integer(2);
    if (Number.isNaN(count)) throw new RedisError(errorTexts.notInteger);
  }
  const now = broker.clock.now();
  const entries = server.aclLog.newest(Math.max(count, 0));
  reply.array(entries.length);
  for (const entry of entries) {
    reply.map(10);
    reply.bulkLatin1("count");
    reply.integer(entry.count);
    for (const name of ["reason", "context", "object"] as const) {
      reply.bulkLatin1(name);
      reply.bulkLatin1(entry[name]);
    }
    reply.bulkLatin1("username");
    reply.bulkText(entry.username);
    reply.bulkLatin1("age-seconds");
    // The wall clock may have been set back since.
    reply.double(Math.max(now - entry.updatedAt, 0) / 1000);
    reply.bulkLatin1("client-info");
    reply.bulkText(entry.client);
    reply.bulkLatin1("entry-id");
    reply.integer(entry.id);
    reply.bulkLatin1("timestamp-created");
    reply.integer(entry.createdAt);
    reply.bulkLatin1("timestamp-last-updated");
    reply.integer(entry.updatedAt);
  }
}
