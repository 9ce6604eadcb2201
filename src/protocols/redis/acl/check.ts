/**
 * Whether a connection's user may run a command on the keys and channels that it names.
 *
 * Commands are Redis's own matter (command-rules.ts); keys and channels are asked of the one place that decides for all
 * protocols. Invariant: a user who may do everything pays for a comparison or two, and nothing else.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { Operation, Question } from "../../../broker/access/rule.ts";
import type { Connection } from "../../contract.ts";
import { databaseVhostName } from "../server.ts";
import { findKeys } from "../table-keys.ts";
import type { CommandSpec, KeyFlag } from "../table-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { compiledRulesOf } from "./command-rules.ts";

/** What is refused, in the words of ACL DRYRUN and of NOPERM. */
export interface Refusal {
  readonly what: "command" | "key" | "channel";
  readonly name: string;
}

export interface Asked {
  readonly spec: CommandSpec;
  readonly request: RequestArguments;
  readonly database: number;
  readonly remoteHost: string;
}

/** A connection's own: remembers that there is nothing to ask. */
export class AclCheck {
  #authorization: Authorization | null = null;
  #version = -1;
  #database = -1;
  #isFree = false;

  refusalOf(
    authorization: Authorization,
    spec: CommandSpec,
    request: RequestArguments,
    database: number,
    connection: Connection,
  ): Refusal | null {
    if (
      authorization !== this.#authorization ||
      authorization.version !== this.#version ||
      database !== this.#database
    ) {
      this.#authorization = authorization;
      this.#version = authorization.version;
      this.#database = database;
      this.#isFree = isFree(authorization, database);
    }
    if (this.#isFree) return null;
    return refusalOf(authorization, { spec, request, database, remoteHost: connection.remote.host });
  }
}

function isFree(authorization: Authorization, database: number): boolean {
  const { user } = authorization;
  return (
    user !== null &&
    compiledRulesOf(user).allowsAll &&
    authorization.allowsAll(databaseVhostName(database)) &&
    authorization.allowsAll(databaseVhostName(0))
  );
}

/** redis 7.0's. */
export function refusalText({ what, name }: Refusal): string {
  if (what === "command") return `this user has no permissions to run the '${name}' command`;
  return `this user has no permissions to access one of the ${what}s used as arguments`;
}

export function refusalOf(authorization: Authorization, asked: Asked): Refusal | null {
  const { spec, request } = asked;
  const { user } = authorization;
  if (user === null || !compiledRulesOf(user).allows(spec)) return { what: "command", name: spec.fullName };
  return refusedKey(authorization, asked) ?? refusedChannel(authorization, spec, request, asked.remoteHost);
}

function refusedKey(authorization: Authorization, asked: Asked): Refusal | null {
  const { spec, request, database, remoteHost } = asked;
  if (spec.keys.length === 0) return null;
  const vhost = databaseVhostName(database);
  // Arguments that do not fit the rules name no keys: the command itself will say so.
  for (const { index, flags } of findKeys(spec, request) ?? []) {
    const name = request.latin1(index);
    for (const operation of operationsOf(flags)) {
      if (!authorization.allows({ vhost, kind: "name", operation, name }, remoteHost)) {
        return { what: "key", name };
      }
    }
  }
  return null;
}

/** Whether a read of those keys that waits may go on waiting. */
export function refusalOfRead(
  authorization: Authorization,
  spec: CommandSpec,
  keys: readonly string[],
  { database, remoteHost }: Pick<Asked, "database" | "remoteHost">,
): Refusal | null {
  const { user } = authorization;
  if (user === null || !compiledRulesOf(user).allows(spec)) return { what: "command", name: spec.fullName };
  const vhost = databaseVhostName(database);
  const refused = keys.find(
    (name) => !authorization.allows({ vhost, kind: "name", operation: "read", name }, remoteHost),
  );
  return refused === undefined ? null : { what: "key", name: refused };
}

const readOnly: readonly Operation[] = ["read"];
const writeOnly: readonly Operation[] = ["write"];
const both: readonly Operation[] = ["read", "write"];
/** EXISTS, TYPE, OBJECT: whoever may do anything with the key may do that. */
const neither: readonly Operation[] = ["describe"];

/** By what is done to the data, as redis has it: DEL of a key does not read it. */
function operationsOf(flags: readonly KeyFlag[]): readonly Operation[] {
  const isRead = flags.includes("access");
  const isWrite = flags.includes("insert") || flags.includes("update") || flags.includes("delete");
  if (isRead) return isWrite ? both : readOnly;
  return isWrite ? writeOnly : neither;
}

const publishCommands: ReadonlySet<string> = new Set(["publish", "spublish"]);
const subscribeCommands: ReadonlySet<string> = new Set(["subscribe", "ssubscribe"]);

function refusedChannel(
  authorization: Authorization,
  { fullName }: CommandSpec,
  request: RequestArguments,
  remoteHost: string,
): Refusal | null {
  const isPublish = publishCommands.has(fullName);
  const isPattern = fullName === "psubscribe";
  if (!isPublish && !isPattern && !subscribeCommands.has(fullName)) return null;
  const end = isPublish ? 2 : request.argumentCount;
  const vhost = databaseVhostName(0);
  const operation = isPublish ? "write" : "read";
  for (let index = 1; index < end; index++) {
    const name = request.latin1(index);
    if (!isChannelAllowed(authorization, { vhost, kind: "channel", operation, name }, isPattern, remoteHost))
      return { what: "channel", name };
  }
  return null;
}

function isChannelAllowed(
  authorization: Authorization,
  question: Question,
  isPattern: boolean,
  remoteHost: string,
): boolean {
  return isPattern
    ? authorization.allowsPattern(question, remoteHost)
    : authorization.allows(question, remoteHost);
}

/** Whether a subscription may go on. */
export function maySubscribe(
  authorization: Authorization,
  name: string,
  isPattern: boolean,
  remoteHost: string,
): boolean {
  const question = { vhost: databaseVhostName(0), kind: "channel", operation: "read", name } as const;
  return isChannelAllowed(authorization, question, isPattern, remoteHost);
}
