/** What the HTTP interface answers: a pure function of method and path. Not here: sockets (http.ts). */
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
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = (site: Site) => Answer;

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

export function answer(site: Site, method: string, url: string): Answer {
  const path = url.split("?", 1)[0]!;
  if (!Object.hasOwn(routes, path)) return json(404, { error: "not_found", reason: `there is no ${path}` });
  if (method !== "GET" && method !== "HEAD") {
    const refusal = json(405, { error: "method_not_allowed", reason: `${path} can only be read` });
    return { ...refusal, headers: { allow: "GET, HEAD" } };
  }
  return routes[path]!(site);
}

function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}
