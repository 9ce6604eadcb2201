/**
 * Whether a connection's user may run a command on the keys and channels that it names.
 *
 * Commands are Redis's own matter (command-rules.ts); keys and channels are asked of the one place that decides for all
 * protocols. A command is allowed as a whole by the user's own rules, or by one of its selectors: what is checked while it runs
 * (key-rights.ts) is asked of the one that allowed it. Invariant: a user who may do everything pays for a comparison or two, and nothing else.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import {
  type Asker,
  mayReadEveryLog,
  mayUseChannel,
  mayUseLog,
  mayUseShardChannel,
} from "../../../broker/access/rights.ts";
import { databaseVhostName } from "../core/names.ts";
import type { RedisServer } from "../server.ts";
import type { CommandContext } from "../core/context.ts";
import { findKeys } from "../core/command-keys.ts";
import { RedisError } from "../core/errors.ts";
import type { CommandSpec } from "../core/command-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { CompiledRules } from "./command-rules.ts";
import { keyActs, makesValues } from "./key-acts.ts";
import type { Refusal } from "./refusal.ts";

export interface Asked {
  readonly server: RedisServer;
  readonly spec: CommandSpec;
  readonly request: RequestArguments;
  readonly database: number;
  /** MULTI queues the command. What its keys hold is checked when it runs. */
  readonly isQueued: boolean;
}

/** One for each caller: remembers whether its user may do everything, so that nothing has to be checked. */
export class AclCheck {
  readonly #rules: CompiledRules;
  #authorization: Authorization | null = null;
  #version = -1;
  #database = -1;
  #isFree = false;

  constructor(rules: CompiledRules) {
    this.#rules = rules;
  }

  /**
   * What the caller's user may not do of the command in `context`, which is noted in the ACL log. `isQueued`: MULTI queues the
   * command, so what is under its keys is asked about when it runs. A caller that has not logged in is refused elsewhere.
   */
  refusalOf(context: CommandContext, isQueued: boolean): Refusal | null {
    const { caller, database } = context;
    const { login } = caller;
    if (login === null) return null;
    const mayAll = this.#mayAll(login, database);
    if (mayAll) {
      caller.selector = null;
      return null;
    }
    const { server, spec, request } = context;
    const { refusal, selector } = refusalOf(caller, { server, spec, request, database, isQueued });
    caller.selector = selector;
    if (refusal !== null) {
      const { what, name } = refusal;
      caller.noteRefusal({ reason: what, context: caller.place, object: name, username: caller.user });
    }
    return refusal;
  }

  /** @throws NOPERM where the caller's user may not run the command in `context`; see `refusalOf`. */
  assertAllows(context: CommandContext, isQueued: boolean): void {
    const refusal = this.refusalOf(context, isQueued);
    if (refusal !== null) throw new RedisError(`NOPERM ${refusalText(refusal)}`);
  }

  /** Whether the user may run every command on everything. */
  #mayAll(authorization: Authorization, database: number): boolean {
    if (
      authorization !== this.#authorization ||
      authorization.version !== this.#version ||
      database !== this.#database
    ) {
      this.#authorization = authorization;
      this.#version = authorization.version;
      this.#database = database;
      this.#isFree = isFree(this.#rules, authorization, database);
    }
    return this.#isFree;
  }
}

function isFree(rules: CompiledRules, authorization: Authorization, database: number): boolean {
  const { user } = authorization;
  return (
    user !== null &&
    rules.of(user).allowsAll &&
    authorization.allowsAll(databaseVhostName(database)) &&
    authorization.allowsAll(databaseVhostName(0))
  );
}

/** The text of redis 7.0. */
export function refusalText({ what, name }: Pick<Refusal, "what" | "name">): string {
  if (what === "command") return `this user has no permissions to run the '${name}' command`;
  return `this user has no permissions to access one of the ${what}s used as arguments`;
}

/** Whose rules and selectors are asked. */
interface User {
  readonly login: Authorization | null;
  readonly host: string;
}

interface Answer {
  /** What a user is told: of all that its own rules and its selectors lack, what they came to last. */
  readonly refusal: Refusal | null;
  /** The selector that allows it; null: the user's own rules do, or nothing does. */
  readonly selector: Authorization | null;
}

const ranks = { command: 1, key: 2, channel: 3 } as const;

export function refusalOf({ login, host }: User, asked: Asked): Answer {
  let refusal = refusalBy({ authorization: login, host }, asked);
  if (refusal === null || login === null) return { refusal, selector: null };
  for (const selector of login.selectors) {
    const other = refusalBy({ authorization: selector, host }, asked);
    if (other === null) return { refusal: null, selector };
    const rank = ranks[other.what] - ranks[refusal.what];
    if (rank > 0 || (rank === 0 && other.index > refusal.index)) refusal = other;
  }
  return { refusal, selector: null };
}

/**
 * Whether the command in `context` may look at any key at all: the user's own rules, or one of its selectors, allow it and every
 * read. It need not be the selector that allowed the command.
 */
export function mayReadEveryKey({ caller, server, spec, request, database, vhost }: CommandContext): boolean {
  const { login, host } = caller;
  if (login === null) return false;
  const asked = { server, spec, request, database, isQueued: false };
  return [login, ...login.selectors].some((authorization) => {
    const asker = { authorization, host };
    return mayReadEveryLog(asker, vhost) && refusalBy(asker, asked) === null;
  });
}

function refusalBy(asker: Asker, asked: Asked): Refusal | null {
  const { spec, request } = asked;
  return refusedCommand(asker, asked) ?? refusedKey(asker, asked) ?? refusedChannel(asker, spec, request);
}

function refusedCommand(
  { authorization }: Asker,
  { server, spec, request }: Pick<Asked, "server" | "spec" | "request">,
): Refusal | null {
  const user = authorization?.user ?? null;
  const isAllowed = user !== null && server.commandRules.of(user).allows(spec, request);
  return isAllowed ? null : { what: "command", name: spec.fullName, index: 0 };
}

function refusedKey(asker: Asker, asked: Asked): Refusal | null {
  const { server, spec, request, database, isQueued } = asked;
  if (spec.keys.length === 0) return null;
  const vhost = server.vhostOf(database);
  const makes = !isQueued && makesValues(spec, request);
  // Where the arguments do not fit the rules there are no keys: the command itself will answer an error.
  for (const { index, flags } of findKeys(spec, request) ?? []) {
    const name = request.latin1(index);
    const acts = keyActs(spec, flags, request);
    const isAllowed =
      acts.every((act) => mayUseLog(asker, act, vhost, name)) &&
      (!makes || server.hasKey(database, name) || mayUseLog(asker, "create", vhost, name));
    if (!isAllowed) return { what: "key", name, index };
  }
  return null;
}

function refusedChannel(asker: Asker, { channels }: CommandSpec, request: RequestArguments): Refusal | null {
  if (channels === undefined) return null;
  const { act, isOne = false, isPattern = false, isShard = false, end } = channels;
  const mayUse = isShard ? mayUseShardChannel : mayUseChannel;
  const last = isOne ? 2 : (end?.(request) ?? request.argumentCount);
  for (let index = 1; index < last; index++) {
    const name = request.latin1(index);
    if (!mayUse(asker, act, name, isPattern)) return { what: "channel", name, index };
  }
  return null;
}
