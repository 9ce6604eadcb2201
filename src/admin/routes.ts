/**
 * What the HTTP interface answers. Not here: sockets (net/http.ts), users (broker/access/access.ts).
 *
 * Health and metrics are answered here; all below /api/ is handed to its router (api/), which knows who may ask what (api/audience.ts).
 * Where a password is set, all but the health pages needs it (HTTP Basic), and those tell strangers yes or no only.
 * Invariant: nothing is changed but by a request that brings its user's password itself and comes from no other site's page, so there is
 * nothing that a forged one could do.
 */
import type { HttpAnswer, HttpHandler, HttpRequest, HttpStream, HttpText } from "../base/http.ts";
import type { Logger } from "../base/logger.ts";
import type { MetricsRegistry } from "../base/metrics.ts";
import { version } from "../base/version.ts";
import type { Authorization } from "../broker/access/permissions.ts";
import { json, refuse } from "./answers.ts";
import { nothingAround, type Surroundings } from "./api/surroundings.ts";
import { isForeign, isOwnHost, whoAsks } from "./authorization.ts";
import type { Broker } from "../broker/broker.ts";
import type { MetricsPage } from "./metrics/pages.ts";

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
  readonly broker: Broker;
  /** Absent: there are no protocols around the broker. */
  readonly surroundings?: Surroundings;
  /** By their paths, the protocols that are spoken over WebSocket, which let their clients in by their own words. */
  readonly webSockets?: ReadonlyMap<string, string>;
}

type Route = (
  site: Site,
  isAllowed: boolean,
  query: URLSearchParams,
) => HttpText | HttpStream | Promise<HttpText | HttpStream>;

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
  "/metrics": async ({ registry }) => metrics(await registry.scrape()),
  "/metrics/per-object": async (site, _, query) => metrics(await pageOf(site, "per-object", query)),
  "/metrics/detailed": async (site, _, query) => metrics(await pageOf(site, "detailed", query)),
};

function metrics(body: string): HttpText {
  return { status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body };
}

async function pageOf(site: Site, page: MetricsPage, query: URLSearchParams): Promise<string> {
  const { metricsText } = await import("./metrics/pages.ts");
  return metricsText(site, page, query);
}

/** A fault in what is looked at must not end the broker that it looks at. */
export function siteHandler(site: Site): HttpHandler {
  return async (request) => {
    const path = request.url.split("?", 1)[0]!;
    const failed = (error: unknown): void => {
      const reason = error instanceof Error ? error.message : String(error);
      site.logger.error("http answer failed", { method: request.method, path, reason });
    };
    try {
      const given = await answer(site, request, path);
      return "chunks" in given ? { ...given, chunks: (gone) => told(given.chunks(gone), failed) } : given;
    } catch (error) {
      failed(error);
      return refuse(500, "internal", "see the server's log");
    }
  };
}

/** What fails in the middle of a stream is logged; the client sees that the stream is cut off. */
async function* told<Chunk>(
  chunks: AsyncIterable<Chunk>,
  failed: (error: unknown) => void,
): AsyncGenerator<Chunk, void> {
  try {
    yield* chunks;
  } catch (error) {
    failed(error);
    throw error;
  }
}

async function answer(site: Site, request: HttpRequest, path: string): Promise<HttpAnswer> {
  const { access } = site.broker;
  if (isForeign(request)) return refuse(403, "forbidden", "pages of other sites have no business here");
  if (!access.isRequired && !access.isInsecure && !isOwnHost(request.host)) {
    return refuse(421, "misdirected", "ask by an address, or by localhost");
  }
  const protocol = site.webSockets?.get(path);
  if (protocol !== undefined) return { upgradeTo: protocol };
  const caller = request.authorization === undefined ? null : await whoAsks(access, request);
  if (path.startsWith("/api/")) return await answerApi(site, request, path, caller);
  const isAllowed = caller !== null || (request.authorization === undefined && !access.isRequired);
  if (!isAllowed && !openPaths.has(path)) return unauthorized(request);
  if (!Object.hasOwn(routes, path)) return refuse(404, "not_found", `there is no ${path}`);
  if (request.method !== "GET" && request.method !== "HEAD") {
    const refusal = refuse(405, "method_not_allowed", `${path} can only be read`);
    return { ...refusal, headers: { allow: "GET, HEAD" } };
  }
  return await routes[path]!(site, isAllowed, new URLSearchParams(request.url.split("?", 2)[1] ?? ""));
}

async function answerApi(
  site: Site,
  request: HttpRequest,
  path: string,
  caller: Authorization | null,
): Promise<HttpText | HttpStream> {
  // Most brokers are never asked.
  const { apiRouter } = await import("./api/index.ts");
  const { surroundings = nothingAround } = site;
  const wrongPassword = caller === null && request.authorization !== undefined;
  const found = wrongPassword
    ? undefined
    : await apiRouter.answer(site.broker, caller, request, path, surroundings);
  return found ?? unauthorized(request);
}

function unauthorized({ authorization }: HttpRequest): HttpText {
  const reason =
    authorization === undefined
      ? "give a user and its password"
      : "the user or the password is wrong, or the user may not log in from there";
  const refusal = refuse(401, "not_authorized", reason);
  return { ...refusal, headers: { "www-authenticate": 'Basic realm="TroikaMQ", charset="UTF-8"' } };
}
