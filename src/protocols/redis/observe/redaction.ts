/** What stands in the place of arguments that are secrets: MONITOR and SLOWLOG show `(redacted)`, as redis does. Which they are is in the commands' rows. */
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { WatchedSpec } from "./watched.ts";

export const redacted = "(redacted)";

/** Null for a command without secrets. */
export function secretsOf({ secrets }: WatchedSpec, request: RequestArguments): ReadonlySet<number> | null {
  return secrets === undefined ? null : new Set(secrets(request));
}

/** All arguments from `first` on. */
export function argumentsFrom({ argumentCount }: RequestArguments, first: number): number[] {
  return Array.from({ length: Math.max(argumentCount - first, 0) }, (_, at) => first + at);
}
