/**
 * One thing that the HTTP API answers: its method and path, who may ask, what its body must be, and what it does.
 *
 * Endpoints are rows, like the commands of Redis: a resource's file under `rabbitmq/` or `troika/` exports a list of them, and the
 * router (router.ts) and the OpenAPI document (openapi.ts) are made from all lists. Not here: HTTP itself (net/http.ts).
 * Invariant: the body has come, and was checked, before `run` looks at anything, so that nothing changes between its look and its change.
 */
import type { GenericSchema, InferOutput } from "valibot";
import type { HttpStream, HttpText } from "../../base/http.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Surroundings } from "./surroundings.ts";

export type Method = "GET" | "PUT" | "POST" | "DELETE";

/**
 * Who may ask, by RabbitMQ's tags: a user with any tag, one that may set policies, one that sees all virtual hosts, or one that may
 * do everything. `anyone` needs no password.
 */
export type Audience = "anyone" | "management" | "policymaker" | "monitoring" | "administrator";

export interface Asked<Body = undefined> {
  readonly broker: Broker;
  readonly caller: Authorization;
  /** What stands in the path's places, decoded, by the names of the places. */
  readonly names: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
  /** What the broker's parts outside of the room `broker` say and do. */
  readonly around: Surroundings;
  readonly remoteHost: string;
  /** The header X-Reason. */
  readonly reason: string | undefined;
}

export type Answer = HttpText | HttpStream;

export interface Endpoint {
  readonly method: Method;
  /** With places: `/api/queues/{vhost}/{name}`. */
  readonly path: string;
  readonly audience: Audience;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  /** What the body must be; left out: the endpoint has no body. */
  readonly body?: GenericSchema;
  /**
   * For the OpenAPI document, where `body` takes anything: what the endpoint itself looks at, since RabbitMQ looks at other things
   * before it, and its texts for what does not fit are of its own.
   */
  readonly shape?: GenericSchema;
  /** `form`: the body is what a browser's form sends, name=value; absent: it is JSON. */
  readonly bodyType?: "form";
  /** How long the body may be; absent: `limits.httpBodyBytesMax`. */
  readonly bodyBytesMax?: number;
  /** How deep it may nest; absent: `limits.jsonDepthMax`. */
  readonly bodyDepthMax?: number;
  /** Query parameters that mean something here, and what. */
  readonly query?: Readonly<Record<string, string>>;
  /** One item of the answer, for the OpenAPI document. */
  readonly answer?: GenericSchema;
  readonly run: (asked: Asked<never>) => Answer | Promise<Answer>;
}

type EndpointOf<Schema extends GenericSchema> = Omit<Endpoint, "body" | "run"> & {
  readonly body?: Schema;
  readonly run: (asked: Asked<InferOutput<Schema>>) => Answer | Promise<Answer>;
};

/** Whether a path is of our own part of the API, where errors are in our words rather than in RabbitMQ's. */
export function isOurs(path: string): boolean {
  return path.startsWith("/api/troika/") || path === "/api/troika";
}

/** The row of an endpoint, whose handler gets the body that its schema lets through. */
export function endpoint<const Schema extends GenericSchema = GenericSchema<undefined>>(
  row: EndpointOf<Schema>,
): Endpoint {
  return row;
}
