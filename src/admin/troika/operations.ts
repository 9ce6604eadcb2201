/**
 * Long work that was started by a request and goes on behind it: /api/troika/operations.
 *
 * Not here: what starts one (deadletters.ts), takes it back (undo.ts), how it runs (broker/operations/). Invariant: an operation is shown to whoever sees its virtual
 * host; whoever has started it may cancel it, and an administrator.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Operation } from "../../broker/operations/operation.ts";
import { json, Refusal } from "../answers.ts";
import { isAdministrator, namedVhostAt, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { exactObject } from "../api/schemas.ts";
import { shownName } from "../rabbitmq/names.ts";

export const waitQuery = {
  wait: `ms to wait for the end, ${limits.operationWaitMsMax} at most; ${limits.operationWaitMs} if it is not given`,
} as const;

function shownOperation(operation: Operation): object {
  const { id, options, state, counts, startedAt, endedAt, error, undoneBy } = operation;
  const { kind, vhost, source, startedBy, rate, undoes, isDry } = options;
  return {
    id,
    kind,
    state,
    ...counts,
    vhost: shownName(vhost),
    source: shownName(source),
    rate,
    started_by: shownName(startedBy),
    started_at: startedAt,
    ended_at: endedAt,
    ...(isDry === true ? { dry_run: true } : {}),
    ...(error === null ? {} : { error }),
    ...(undoes === undefined ? {} : { undoes }),
    ...(undoneBy === null ? {} : { undone_by: undoneBy }),
  };
}

/** With the names of the queues that it has reached, of which there may be many. */
function shownWhole(operation: Operation): object {
  return { ...shownOperation(operation), targets: [...operation.targets].map(shownName) };
}

function seenNames({ broker, caller }: Asked<never>): ReadonlySet<string> {
  return new Set(seenVhosts(broker, caller).map(({ name }) => name));
}

/** The operation that the path names, in a virtual host that the caller sees. @throws Refusal */
export function operationAt(asked: Asked<never>): Operation {
  const id = asked.names["id"]!;
  const operation = asked.broker.operations.get(id);
  if (operation === undefined || !seenNames(asked).has(operation.options.vhost))
    throw Refusal.notFound(
      `no operation '${id}'; the last ${limits.operationsKeptMax} are kept: see /api/troika/operations`,
    );
  return operation;
}

/** How long the query wants to wait for an operation's end. Asked before one begins. @throws Refusal */
export function waitMsIn({ query }: Asked<never>): number {
  const text = query.get("wait") || String(limits.operationWaitMs);
  const ms = Number(text);
  if (!/^\d{1,6}$/.test(text) || ms > limits.operationWaitMsMax)
    throw badRequest(`wait is '${text}': give milliseconds, ${limits.operationWaitMsMax} at most`);
  return ms;
}

/** Begins one. @throws Refusal where too many run */
export function started(start: () => Operation): Operation {
  try {
    return start();
  } catch (error) {
    if (error instanceof BrokerError) throw new Refusal(429, "too_many_operations", error.message);
    throw error;
  }
}

/** 200 where it has ended, 202 where it goes on. */
export function operationStatus({ isRunning }: Operation): number {
  return isRunning ? 202 : 200;
}

export const operationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/operations",
    audience: "management",
    summary: `Long work that requests have started, the newest first: the last ${limits.operationsKeptMax}.`,
    query: { vhost: "only of this virtual host" },
    run: (asked) => {
      const { broker, caller, query } = asked;
      const name = query.get("vhost") || null;
      const names =
        name === null ? seenNames(asked as Asked<never>) : new Set([namedVhostAt(broker, caller, name).name]);
      const seen = [...asked.broker.operations.all()].filter(({ options }) => names.has(options.vhost));
      return json(200, seen.toReversed().map(shownOperation));
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/troika/operations/{id}",
    audience: "management",
    summary: "One of them: what it is, how far it is, and how it ended.",
    run: (asked) => json(200, shownWhole(operationAt(asked as Asked<never>))),
  }),
  endpoint({
    method: "POST",
    path: "/api/troika/operations/{id}/cancel",
    audience: "management",
    summary: "Ends a running operation where it stands. What it has moved stays moved: see undo.",
    body: exactObject({}),
    run: (asked) => {
      const operation = operationAt(asked as Asked<never>);
      const { broker, caller } = asked;
      if (operation.options.startedBy !== caller.name && !isAdministrator(caller))
        throw new Refusal(
          401,
          "not_authorised",
          `operation '${operation.id}' was started by another user: an administrator may cancel it`,
        );
      broker.operations.cancel(operation);
      return json(200, shownOperation(operation));
    },
  }),
];
