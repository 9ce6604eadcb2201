/** SWAPDB index index: the keys of both databases. Their streams are logs of the broker and stay: with any, it refuses. */
import type { CommandContext } from "../core/context.ts";
import { databaseArgument } from "../core/database-argument.ts";
import { RedisError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const swapdbCommand: CommandRow = {
  name: "swapdb",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace", "dangerous"],
  since: "4.0.0",
  complexity: "O(N), N clients that watch or wait on keys of either",
  summary: "Swaps two databases.",
  claims: "all",
  run: swapdb,
};

function swapdb(context: CommandContext): void {
  const { reply, server } = context;
  if (server.cluster !== null) throw new RedisError("ERR SWAPDB is not allowed in cluster mode");
  const one = databaseArgument(context, 1, "ERR invalid first DB index");
  const other = databaseArgument(context, 2, "ERR invalid second DB index");
  writableKeysOf(context);
  if (one !== other) {
    for (const number of [one, other]) {
      if (server.vhostOf(number).queues.size > 0)
        throw new RedisError(`ERR SWAPDB cannot move streams, and database ${number} has some`);
    }
    server.keyspace.swap(one, other);
    server.watches.databaseChanged(one);
    server.watches.databaseChanged(other);
    server.blocking.databaseChanged(one);
    server.blocking.databaseChanged(other);
  }
  reply.ok();
}
