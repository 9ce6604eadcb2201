/**
 * MIGRATE host port key|"" destination-db timeout-ms [COPY] [REPLACE] [AUTH password | AUTH2 username password] [KEYS key [key ...]]
 *
 * Moves keys to another server, by RESTORE. Not here: the conversation (migration.ts).
 */
import { limits } from "../../../base/limits.ts";
import type { CommandArguments, FoundKey } from "../core/command-keys.ts";
import { keysBehind, oneKey, type CommandRow, type KeyFlag } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { keyAt } from "../keys/key-ref.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { Migration, type MigrationPlan } from "./migration.ts";

export const migrateCommand: CommandRow = {
  name: "migrate",
  arity: -6,
  flags: ["write", "movablekeys"],
  categories: ["keyspace", "dangerous"],
  keys: [
    oneKey(3, "RW", "access", "delete"),
    keysBehind("KEYS", { startFrom: -2, lastKey: -1, limit: 0 }, "RW", "access", "delete", "incomplete"),
  ],
  tips: ["nondeterministic_output"],
  since: "2.6.0",
  complexity: "O(N), N bytes moved",
  summary: "Moves keys to another server.",
  keysOf: keysOfMigration,
  run: migrate,
  secrets: secretsOfMigration,
};

/** Those behind the first KEYS that is no option's value, or the key alone; none where both are given, which is an error. */
function keysOfMigration(request: CommandArguments): readonly FoundKey[] {
  const { argumentCount } = request;
  const flags: readonly KeyFlag[] = ["RW", "access", "delete"];
  for (let at = 6; at < argumentCount - 1; at++) {
    if (request.is(at, "AUTH")) at++;
    else if (request.is(at, "AUTH2")) at += 2;
    else if (request.is(at, "KEYS")) {
      if (request.size(3) > 0) return [];
      return Array.from({ length: argumentCount - 1 - at }, (_, i) => ({ index: at + 1 + i, flags }));
    }
  }
  return [{ index: 3, flags }];
}

/** As in redis, the options are read up to KEYS. */
function secretsOfMigration(request: RequestArguments): number[] {
  const secrets: number[] = [];
  for (let at = 6; at < request.argumentCount && !request.is(at, "KEYS"); at++) {
    if (request.is(at, "AUTH")) secrets.push(++at);
    else if (request.is(at, "AUTH2")) {
      secrets.push(at + 1, at + 2);
      at += 2;
    }
  }
  return secrets;
}

const defaultTimeoutMs = 1000;

function migrate(context: CommandContext): void {
  const { server, caller, reply } = context;
  const plan = planOf(context);
  const keys = plan.keys.filter((index) => keyAt(context, index).exists);
  if (keys.length === 0) return reply.simple("NOKEY");
  if (caller.later === null)
    throw new RedisError("ERR MIGRATE waits for another server, which it cannot do in MULTI or in a script");
  if (server.migrations >= limits.migrationsMax)
    throw new RedisError(
      `ERR ${limits.migrationsMax} MIGRATE commands are under way, and no more may be; try again`,
    );
  // What the plan says of arguments is to last.
  caller.later.keepRequest();
  new Migration(context, caller.later, { ...plan, keys }).begin();
}

/** The order of redis: options, then numbers. */
function planOf({ request, server }: CommandContext): MigrationPlan {
  const { argumentCount } = request;
  let isCopy = false;
  let replaces = false;
  let login: readonly number[] = [];
  let keys = [3];
  for (let at = 6; at < argumentCount; at++) {
    const more = argumentCount - 1 - at;
    if (request.is(at, "COPY")) isCopy = true;
    else if (request.is(at, "REPLACE")) replaces = true;
    else if (request.is(at, "AUTH")) {
      if (more < 1) throw syntaxError();
      login = [++at];
    } else if (request.is(at, "AUTH2")) {
      if (more < 2) throw syntaxError();
      login = [at + 1, at + 2];
      at += 2;
    } else if (request.is(at, "KEYS")) {
      if (request.size(3) > 0)
        throw new RedisError(
          "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
        );
      keys = Array.from({ length: more }, (_, i) => at + 1 + i);
      break;
    } else throw syntaxError();
  }
  const timeout = request.integer(5);
  const database = request.integer(4);
  if (Number.isNaN(timeout) || Number.isNaN(database)) throw new RedisError(errorTexts.notInteger);
  return {
    keys,
    database,
    timeoutMs: Math.min(timeout > 0 ? timeout : defaultTimeoutMs, limits.migrationTimeoutMsMax),
    isCopy,
    replaces,
    login,
    restore: server.cluster === null ? "RESTORE" : "RESTORE-ASKING",
  };
}
