/** What the HTTP interface answers: a function of method and path. Not here: sockets (net/http.ts). */
import type { HttpAnswer, HttpHandler } from "../base/http.ts";
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
}

type Route = (site: Site) => HttpAnswer;

const routes: Readonly<Record<string, Route>> = {
  "/": () =>
    json(200, {
      name: "TroikaMQ",
      version,
      links: { live: "/livez", ready: "/readyz", metrics: "/metrics" },
    }),
  "/livez": () => ({ status: 200, type: "text/plain; charset=utf-8", body: "ok" }),
  "/readyz": ({ readiness }) => {
    const { ready, checks } = readiness();
    return json(ready ? 200 : 503, { ready, checks });
  },
  "/metrics": ({ registry }) => ({
    status: 200,
    type: "text/plain; version=0.0.4; charset=utf-8",
    body: registry.text(),
  }),
};

/** A fault in what is looked at must not end the broker that it looks at. */
export function siteHandler(site: Site): HttpHandler {
  return (method, url) => {
    try {
      return answer(site, method, url);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      site.logger.error("http answer failed", { method, url, reason });
      return json(500, { error: "internal", reason });
    }
  };
}

function answer(site: Site, method: string, url: string): HttpAnswer {
  const path = url.split("?", 1)[0]!;
  if (!Object.hasOwn(routes, path)) return json(404, { error: "not_found", reason: `there is no ${path}` });
  if (method !== "GET" && method !== "HEAD") {
    const refusal = json(405, { error: "method_not_allowed", reason: `${path} can only be read` });
    return { ...refusal, headers: { allow: "GET, HEAD" } };
  }
  return routes[path]!(site);
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
