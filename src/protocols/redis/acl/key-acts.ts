/**
 * What each command does to its keys, in the words of the broker's table of rights (broker/access/rights.ts).
 *
 * Most of it follows from the flags that the command table has of each key, by what is done to the data as redis has it:
 * DEL of a key does not read it. Redis's own `%R~` and `%W~` cannot tell more acts than these flags do; the rights of
 * RabbitMQ and Kafka can, so what the flags leave open is said in a command's row (`acts`).
 * Not here: what depends on what is under the key (a new name, a stream that gives way, another database): whoever makes
 * or removes it asks, see key-rights.ts.
 */
import type { LogAct } from "../../../broker/access/rights.ts";
import type { CommandSpec, KeyFlag } from "../core/command-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

type Acts = readonly LogAct[];

const byFlags = new Map<readonly KeyFlag[], Acts>();

export function keyActs(spec: CommandSpec, flags: readonly KeyFlag[], request: RequestArguments): Acts {
  const own = typeof spec.acts === "function" ? spec.acts(request) : spec.acts;
  if (own !== undefined && own !== null) return own;
  let acts = byFlags.get(flags);
  if (acts === undefined) byFlags.set(flags, (acts = actsOf(flags)));
  return acts;
}

function actsOf(flags: readonly KeyFlag[]): Acts {
  const acts: LogAct[] = [];
  if (flags.includes("access")) acts.push("read");
  if (flags.includes("insert") || flags.includes("update")) acts.push("write");
  if (flags.includes("delete")) acts.push("delete");
  // EXISTS, TYPE, OBJECT.
  return acts.length > 0 ? acts : ["describe"];
}

/** Whether the command makes a value under each of its keys that is not there. */
export function makesValues({ makesValues: makes }: CommandSpec, request: RequestArguments): boolean {
  return typeof makes === "function" ? makes(request) : makes === true;
}
