/**
 * What the HTTP interface answers. Not here: sockets (net/http.ts), users (broker/access.ts).
 *
 * Where a password is set, all but the health pages needs it (HTTP Basic), and those tell strangers yes or no only.
 * Invariant: nothing is changed by any request, so there is nothing that a forged one could do.
 */
import type { HttpAnswer, HttpHandler, HttpRequest } from "../base/http.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import { version } from "../base/version.ts";

export interface Readiness {
  readonly ready: boolean;
  /** By the name of what was looked at: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/** What the answers are made of. */
export interface Site {
  readonly registry: MetricsRegistry;
  readonly readiness: () => Readiness;
  readonly logger: Logger;
  /** Whether this request may see everything. */
  readonly isAllowed: (request: HttpRequest) => boolean;
}

type Route = (site: Site, isAllowed: boolean) => HttpAnswer;

/** Orchestrators ask these, and they have no password. */
const openPaths: ReadonlySet<string> = new Set(["/livez", "/readyz"]);

const routes: Readonly<Record<string, Route>> = {
  "/": () =>
    json(200, {
      name: "TroikaMQ",
      version,
      links: { live: "/livez", ready: "/readyz", metrics: "/metrics" },
    }),
  "/livez": () => ({ status: 200, type: "text/plain; charset=utf-8", body: "ok" }),
  "/readyz": ({ readiness }, isAllowed) => {
    const { ready, checks } = readiness();
    return json(ready ? 200 : 503, isAllowed ? { ready, checks } : { ready });
  },
  "/metrics": ({ registry }) => ({
    status: 200,
    type: "text/plain; version=0.0.4; charset=utf-8",
    body: registry.text(),
  }),
};

/** A fault in what is looked at must not end the broker that it looks at. */
export function siteHandler(site: Site): HttpHandler {
  return (request) => {
    const path = request.url.split("?", 1)[0]!;
    try {
      return answer(site, request, path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      site.logger.error("http answer failed", { method: request.method, path, reason });
      return json(500, { error: "internal", reason: "see the server's log" });
    }
  };
}

function answer(site: Site, request: HttpRequest, path: string): HttpAnswer {
  const isAllowed = site.isAllowed(request);
  if (!isAllowed && !openPaths.has(path)) {
    const refusal = json(401, { error: "not_authorised", reason: "give a user and its password" });
    return { ...refusal, headers: { "www-authenticate": 'Basic realm="TroikaMQ", charset="UTF-8"' } };
  }
  if (!Object.hasOwn(routes, path)) return json(404, { error: "not_found", reason: `there is no ${path}` });
  if (request.method !== "GET" && request.method !== "HEAD") {
    const refusal = json(405, { error: "method_not_allowed", reason: `${path} can only be read` });
    return { ...refusal, headers: { allow: "GET, HEAD" } };
  }
  return routes[path]!(site, isAllowed);
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
