/** REPLICAOF, SLAVEOF, FAILOVER, REPLCONF, PSYNC, SYNC: this server is a master without replicas, and takes none. */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";

export const replicationCommands = {
  failover: {
    name: "failover",
    arity: -1,
    flags: ["admin", "noscript", "stale"],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Hands this server's role over to a replica.",
    run: failover,
  },
  psync: {
    name: "psync",
    arity: -3,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    since: "2.8.0",
    summary: "Starts replication, as a replica does.",
    run: noReplication,
  },
  replconf: {
    name: "replconf",
    arity: -1,
    flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Tells a replica's settings to its primary.",
    internal: true,
    run: replconf,
  },
  replicaof: {
    name: "replicaof",
    arity: 3,
    flags: ["admin", "noscript", "stale", "no_async_loading"],
    since: "5.0.0",
    complexity: "O(1)",
    summary: "Makes this server a replica, or a primary again.",
    run: replicaof,
  },
  slaveof: {
    name: "slaveof",
    arity: 3,
    flags: ["admin", "noscript", "stale", "no_async_loading"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Makes this server a replica, by its old name.",
    deprecated: { since: "5.0.0", replacedBy: "`REPLICAOF`" },
    run: replicaof,
  },
  sync: {
    name: "sync",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    since: "1.0.0",
    summary: "Starts replication, as an old replica does.",
    run: noReplication,
  },
} as const satisfies Record<string, CommandRow>;

const portMax = 65_535;

function noReplication(): void {
  throw new RedisError(
    "ERR this server takes no replicas; `troikamq export redis FILE` writes its keys to an RDB file (so does redis-cli --rdb of a redis)",
  );
}

/** REPLICAOF NO ONE | host port */
function replicaof({ request, reply }: CommandContext): void {
  if (request.is(1, "NO") && request.is(2, "ONE")) return reply.ok();
  const port = request.integer(2);
  if (Number.isNaN(port)) throw new RedisError("ERR Invalid master port");
  if (port < 0 || port > portMax) throw new RedisError("ERR Invalid master port");
  throw new RedisError(
    "ERR this server cannot be a replica; save the other's keys by `redis-cli --rdb FILE` and load them by `troikamq import redis FILE`",
  );
}

/** FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds] */
function failover({ request }: CommandContext): void {
  if (request.argumentCount === 2 && request.is(1, "ABORT"))
    throw new RedisError("ERR No failover in progress.");
  let timeout = 0;
  let isForced = false;
  let hasHost = false;
  for (let at = 1; at < request.argumentCount; at++) {
    const more = request.argumentCount - 1 - at;
    if (request.is(at, "TIMEOUT") && more >= 1 && timeout === 0) {
      timeout = integerAt(request.integer(++at));
      if (timeout <= 0) throw new RedisError("ERR FAILOVER timeout must be greater than 0");
    } else if (request.is(at, "TO") && more >= 2 && !hasHost) {
      hasHost = true;
      at += 2;
      integerAt(request.integer(at));
    } else if (request.is(at, "FORCE") && !isForced) isForced = true;
    else throw syntaxError();
  }
  throw new RedisError("ERR FAILOVER requires connected replicas.");
}

function integerAt(value: number): number {
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  return value;
}

const taken: ReadonlySet<string> = new Set([
  "listening-port",
  "ip-address",
  "capa",
  "rdb-only",
  "rdb-filter-only",
]);
/** Redis answers nothing to these. */
const unanswered: ReadonlySet<string> = new Set(["ack", "getack"]);

/** Options and values. They mean nothing here, since PSYNC is refused. */
function replconf({ request, reply }: CommandContext): void {
  if (request.argumentCount % 2 === 0) throw syntaxError();
  for (let at = 1; at < request.argumentCount; at += 2) {
    const option = request.utf8(at);
    const name = option.toLowerCase();
    if (unanswered.has(name)) return;
    if (!taken.has(name)) throw new RedisError(`ERR Unrecognized REPLCONF option: ${option}`);
    if (name === "listening-port") integerAt(request.integer(at + 1));
  }
  reply.ok();
}
