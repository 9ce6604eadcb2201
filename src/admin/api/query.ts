/**
 * The query of a request: for paths of TroikaMQ's own it has only what the endpoint knows, since a bound that is misspelled would be none.
 *
 * RabbitMQ ignores what it does not know in its own, and its clients send such.
 */
import { badRequest } from "./body.ts";
import type { Endpoint } from "./endpoint.ts";

const ownPaths = "/api/troika/";
/** Ends a parameter that stands for all of that beginning, such as `header.NAME`. */
const anyName = ".NAME";

/** @throws Refusal */
export function assertQuery({ path, query = {} }: Endpoint, given: URLSearchParams): void {
  if (!path.startsWith(ownPaths)) return;
  const known = Object.keys(query);
  for (const name of given.keys()) {
    if (Object.hasOwn(query, name)) continue;
    if (known.some((each) => each.endsWith(anyName) && name.startsWith(each.slice(0, 1 - anyName.length))))
      continue;
    const which = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
    throw badRequest(`unknown query parameter '${name}': ${which}`);
  }
}
