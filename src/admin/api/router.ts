/**
 * From a request below /api/ to its endpoint, and what is asked of every request: who may ask, a body as its schema wants it, an
 * answer that speaks only of what is on the disk.
 *
 * The paths are found by Hono's router, which is loaded with this module at the first request. Not here: who the caller is
 * (../authorization.ts), what endpoints do. Invariant: what an endpoint has changed is on the disk before it is answered.
 */
import { TrieRouter } from "hono/router/trie-router";
import type { HttpRequest } from "../../base/http.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Broker } from "../../broker/broker.ts";
import { notFound, refuse, Refusal } from "../answers.ts";
import { mayAsk } from "./audience.ts";
import { bodyFor } from "./body.ts";
import { assertQuery } from "./query.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Answer, type Endpoint, isOurs, type Method } from "./endpoint.ts";

/** Stands for a name of no characters, since the router takes none for a place; no path that is sent has it. */
const emptyName = "\0";

const methods: readonly Method[] = ["GET", "PUT", "POST", "DELETE"];

export class ApiRouter {
  readonly #router = new TrieRouter<Endpoint>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const each of endpoints)
      this.#router.add(each.method, each.path.replaceAll(/\{(\w+)\}/g, ":$1"), each);
  }

  #find(method: string, path: string): [Endpoint, Record<string, string>] | undefined {
    const [matches] = this.#router.match(method === "HEAD" ? "GET" : method, path);
    return matches[0] as [Endpoint, Record<string, string>] | undefined;
  }

  /** `caller` is null without a password, and then only what is for anyone is answered. Undefined: the caller has to log in. */
  async answer(
    broker: Broker,
    caller: Authorization | null,
    request: HttpRequest,
    path: string,
    around: Surroundings,
  ): Promise<Answer | undefined> {
    // Some clients write one at the end, and two around the default exchange's name, which is empty.
    const plain = (path.endsWith("/") ? path.slice(0, -1) : path).replaceAll(/\/(?=\/)/g, `/${emptyName}`);
    const found = this.#find(request.method, plain);
    if (found === undefined) {
      if (caller === null) return undefined;
      return this.#noEndpoint(plain);
    }
    const [endpoint, places] = found;
    try {
      if (endpoint.audience !== "anyone") {
        if (caller === null) return undefined;
        mayAsk(caller, endpoint.audience);
      }
      const names = decoded(places);
      const body = await bodyFor(endpoint, request, broker.work);
      // The body may have been long in coming: the caller may be another by now.
      if (endpoint.audience !== "anyone") mayAsk(caller!, endpoint.audience);
      const query = new URLSearchParams(request.url.split("?", 2)[1] ?? "");
      assertQuery(endpoint, query);
      const { remoteHost, reason } = request;
      const asked = { broker, caller: caller!, names, query, body, around, remoteHost, reason };
      const answer = await endpoint.run(asked as never);
      // Also what only looks: it may have seen what another has changed.
      const mustBeWritten = endpoint.method !== "GET" || broker.hasUnwrittenDefinitions;
      if (mustBeWritten && !(await broker.sync())) throw unwritten();
      return answer;
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  }

  #noEndpoint(path: string): Answer {
    const others = methods.filter((each) => this.#find(each, path) !== undefined);
    if (others.length === 0)
      return isOurs(path) ? notFound(`there is no ${path}: /api/openapi.json has all paths`) : notFound();
    const allow = others.flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each])).join(", ");
    return { ...refuse(405, "method_not_allowed", `${path} takes ${allow}`), headers: { allow } };
  }
}

function unwritten(): Refusal {
  return new Refusal(
    503,
    "unavailable",
    "the journal cannot be written; see the server's log, and ask again",
  );
}

function decoded(places: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(places).map(([place, text]) => [
        place,
        text === emptyName ? "" : decodeURIComponent(text),
      ]),
    );
  } catch {
    throw new Refusal(400, "bad_request", "a name in the path is not percent-encoded UTF-8");
  }
}
