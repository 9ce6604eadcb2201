/**
 * Limits of a virtual host (queues, connections) and of a user (connections, channels): their checks, and RabbitMQ's texts for what is
 * beyond one. A negative limit is none.
 *
 * Connections and channels are those of AMQP clients. Queues are those that clients declare: a stream that Redis makes by writing to it
 * and a partition of a topic count, and are made beyond the limit too. Not here: where limits are kept (parameters.ts, access/users.ts).
 */
import { erlangPairs, erlangTerm } from "../../base/definitions/erlang-term.ts";
import { BrokerError } from "../../base/errors.ts";
import { shownName } from "../names.ts";
import { isTerms } from "../policy/definition-rules.ts";

/** The name of the only parameter of the component `vhost-limits`. */
export const vhostLimitsName = "limits";
const vhostLimitNames = ["max-connections", "max-queues"] as const;
export const userLimitNames = ["max-connections", "max-channels"] as const;

export function limitsFaults(
  name: string,
  value: unknown,
  names: readonly string[] = vhostLimitNames,
): string[] {
  // An empty list is what RabbitMQ exports for no limits.
  if (Array.isArray(value) && value.length === 0) return [];
  if (!isTerms(value)) return [`${name} not a list ${erlangTerm(value)}`];
  const faults: string[] = [];
  const unknown = Object.entries(value).filter(([key]) => !names.includes(key));
  if (unknown.length > 0)
    faults.push(`Unrecognised terms ${erlangPairs(Object.fromEntries(unknown))} in ${name}`);
  for (const key of names.toReversed()) {
    const limit = value[key];
    if (limit !== undefined && !Number.isInteger(limit))
      faults.push(`${key} should be a number, actually was ${erlangTerm(limit)}`);
  }
  return faults;
}

/** The limit as a bound: Infinity for none. */
export function limitOf(limits: Readonly<Record<string, number>>, name: string): number {
  const limit = limits[name];
  return limit === undefined || limit < 0 ? Infinity : limit;
}

/** Throws PRECONDITION_FAILED where the virtual host has as many queues as it may have. */
export function assertQueueRoom(
  vhost: { readonly name: string; readonly queuesMax: number; readonly queues: { readonly size: number } },
  queue: string,
): void {
  if (vhost.queues.size < vhost.queuesMax) return;
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `cannot declare queue '${shownName(queue)}': queue limit in vhost '${shownName(vhost.name)}' (${vhost.queuesMax}) is reached`,
  );
}
