/** Which arguments of a command are secrets: MONITOR and SLOWLOG show `(redacted)` in their place, as redis does. */
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { WatchedSpec } from "./watched.ts";

export const redacted = "(redacted)";

const secretSettings: ReadonlySet<string> = new Set([
  "requirepass",
  "masterauth",
  "masteruser",
  "tls-key-file-pass",
  "tls-client-key-file-pass",
]);

/** Null for a command without secrets. */
export function secretsOf(spec: WatchedSpec, request: RequestArguments): ReadonlySet<number> | null {
  switch (spec.fullName) {
    case "auth":
      return new Set([1, 2]);
    case "acl|setuser":
      return new Set(indexes(2, request.argumentCount));
    case "hello":
      return secretsOfHello(request);
    case "migrate":
      return secretsOfMigration(request);
    case "config|set":
      return secretsOfSettings(request);
    default:
      return null;
  }
}

function secretsOfHello(request: RequestArguments): Set<number> {
  const secrets = new Set<number>();
  for (let at = 2; at < request.argumentCount; at++) {
    if (!request.is(at, "AUTH") || request.argumentCount - 1 - at < 2) continue;
    secrets.add(at + 1).add(at + 2);
    at += 2;
  }
  return secrets;
}

/** As in redis, the options are read up to KEYS. */
function secretsOfMigration(request: RequestArguments): Set<number> {
  const secrets = new Set<number>();
  for (let at = 6; at < request.argumentCount && !request.is(at, "KEYS"); at++) {
    if (request.is(at, "AUTH")) secrets.add(++at);
    else if (request.is(at, "AUTH2")) {
      secrets.add(at + 1).add(at + 2);
      at += 2;
    }
  }
  return secrets;
}

function secretsOfSettings(request: RequestArguments): Set<number> {
  const values = indexes(3, request.argumentCount).filter((at) => at % 2 === 1);
  return new Set(values.filter((at) => secretSettings.has(request.latin1(at - 1).toLowerCase())));
}

function indexes(first: number, end: number): number[] {
  return Array.from({ length: Math.max(end - first, 0) }, (_, at) => first + at);
}
