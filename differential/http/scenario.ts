/**
 * The objects of the comparison, made on one server by the same calls: HTTP's own where the API makes them, else amqplib's.
 *
 * Not here: what is asked and how it is compared (compare.ts). Names are the same on both servers, so that names in answers are
 * comparable; what each server names by itself is renamed there.
 */
import amqp, { type ChannelModel } from "amqplib";

export interface Server {
  readonly amqpUrl: string;
  readonly httpUrl: string;
  readonly authorization: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function ask(
  { httpUrl, authorization }: Server,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${httpUrl}${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: text === "" ? null : JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}

/** Requests that make, change and delete, whose answers are compared too. In order: each builds on those before. */
export const changes: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ["PUT", "/api/vhosts/cmp"],
  ["PUT", "/api/vhosts/cmp"],
  ["PUT", "/api/permissions/cmp/guest", { configure: ".*", write: ".*", read: ".*" }],
  [
    "PUT",
    "/api/exchanges/cmp/e.topic",
    { type: "topic", durable: true, arguments: { "alternate-exchange": "e.fan" } },
  ],
  ["PUT", "/api/exchanges/cmp/e.fan", { type: "fanout", auto_delete: true, internal: false }],
  ["PUT", "/api/exchanges/cmp/e.int", { type: "headers", internal: true }],
  [
    "PUT",
    "/api/exchanges/cmp/e.topic",
    { type: "topic", durable: true, arguments: { "alternate-exchange": "e.fan" } },
  ],
  ["PUT", "/api/exchanges/cmp/e.topic", { type: "direct", durable: true }],
  ["PUT", "/api/exchanges/cmp/e.none", { type: "none" }],
  ["PUT", "/api/exchanges/cmp/e.none", {}],
  ["PUT", "/api/exchanges/cmp/amq.mine", { type: "direct" }],
  ["PUT", "/api/exchanges/nowhere/e", { type: "direct" }],
  ["PUT", "/api/exchanges/cmp/e.none", "{no json"],
  [
    "PUT",
    "/api/queues/cmp/q.classic",
    { durable: true, arguments: { "x-max-length": 1000, "x-message-ttl": 3600000 } },
  ],
  ["PUT", "/api/queues/cmp/q.quorum", { durable: true, arguments: { "x-queue-type": "quorum" } }],
  ["PUT", "/api/queues/cmp/q.stream", { durable: true, arguments: { "x-queue-type": "stream" } }],
  ["PUT", "/api/queues/cmp/q.auto", { auto_delete: true, durable: false }],
  ["PUT", "/api/queues/cmp/q.plain", {}],
  ["PUT", "/api/queues/cmp/q.plain", {}],
  ["PUT", "/api/queues/cmp/q.plain", { durable: false }],
  ["PUT", "/api/queues/cmp/q.plain", { arguments: { "x-max-length": 5 } }],
  ["PUT", "/api/queues/cmp/q.bad", { arguments: { "x-max-length": -5 } }],
  ["PUT", "/api/queues/cmp/q.bad", { arguments: { "x-max-length": "many" } }],
  ["PUT", "/api/queues/cmp/q.bad", { arguments: [] }],
  ["PUT", "/api/queues/cmp/q.bad", { durable: "perhaps" }],
  ["PUT", "/api/queues/cmp/q.true", { durable: "true" }],
  ["PUT", "/api/queues/cmp/amq.mine", {}],
  ["PUT", "/api/queues/nowhere/q", {}],
  ["POST", "/api/bindings/cmp/e/e.topic/q/q.classic", { routing_key: "a.#", arguments: {} }],
  ["POST", "/api/bindings/cmp/e/e.topic/q/q.classic", { routing_key: "a.#", arguments: {} }],
  ["POST", "/api/bindings/cmp/e/e.topic/q/q.plain", {}],
  [
    "POST",
    "/api/bindings/cmp/e/e.topic/q/q.plain",
    { routing_key: "with ~ and /", arguments: { n: 1, s: "text" } },
  ],
  ["POST", "/api/bindings/cmp/e/e.topic/e/e.fan", { routing_key: "to.fan" }],
  ["POST", "/api/bindings/cmp/e/e.fan/q/q.auto", { routing_key: "" }],
  ["POST", "/api/bindings/cmp/e/e.nothing/q/q.auto", { routing_key: "" }],
  ["POST", "/api/bindings/cmp/e/e.topic/q/nothing", { routing_key: "" }],
  ["POST", "/api/bindings/cmp/e//q/q.auto", { routing_key: "" }],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    {
      properties: { delivery_mode: 2, headers: { h: "v", n: 1 }, content_type: "text/plain" },
      routing_key: "a.b",
      payload: "one",
      payload_encoding: "string",
    },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, routing_key: "a.c", payload: "AP8=", payload_encoding: "base64" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, routing_key: "lost.to.nobody", payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/amq.default/publish",
    {
      properties: {
        message_id: "m1",
        priority: 3,
        timestamp: 1700000000,
        expiration: "600000",
        correlation_id: "c",
        reply_to: "r",
        type: "t",
        app_id: "a",
      },
      routing_key: "q.plain",
      payload: "to plain",
      payload_encoding: "string",
    },
  ],
  [
    "POST",
    "/api/exchanges/cmp/amq.default/publish",
    { properties: {}, routing_key: "q.nowhere", payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.nothing/publish",
    { properties: {}, routing_key: "", payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { routing_key: "", payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, routing_key: "k", payload_encoding: "string" },
  ],
  ["POST", "/api/exchanges/cmp/e.topic/publish", { properties: {}, routing_key: "k", payload: "x" }],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, routing_key: "k", payload: "x", payload_encoding: "hex" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: {}, routing_key: "k", payload: "%%%", payload_encoding: "base64" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: { user_id: "other" }, routing_key: "k", payload: "x", payload_encoding: "string" },
  ],
  [
    "POST",
    "/api/exchanges/cmp/e.topic/publish",
    { properties: { delivery_mode: "two" }, routing_key: "k", payload: "x", payload_encoding: "string" },
  ],
  ["POST", "/api/queues/cmp/q.classic/get", { count: 5, ackmode: "ack_requeue_true", encoding: "auto" }],
  [
    "POST",
    "/api/queues/cmp/q.classic/get",
    { count: 5, ackmode: "reject_requeue_true", encoding: "base64", truncate: 1 },
  ],
  ["POST", "/api/queues/cmp/q.classic/get", { count: 1, ackmode: "ack_requeue_false", encoding: "auto" }],
  [
    "POST",
    "/api/queues/cmp/q.plain/get",
    { count: 1, ackmode: "ack_requeue_true", encoding: "auto", truncate: 3 },
  ],
  ["POST", "/api/queues/cmp/q.plain/get", { count: 1, requeue: true, encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.plain/get", { count: 1, ackmode: "none", encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.plain/get", { count: 1, ackmode: "ack_requeue_true", encoding: "none" }],
  ["POST", "/api/queues/cmp/q.plain/get", { count: 1, ackmode: "ack_requeue_true" }],
  ["POST", "/api/queues/cmp/q.plain/get", { ackmode: "ack_requeue_true", encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.plain/get", { count: "1", ackmode: "ack_requeue_true", encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.stream/get", { count: 1, ackmode: "ack_requeue_true", encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.none/get", { count: 1, ackmode: "ack_requeue_true", encoding: "auto" }],
  ["POST", "/api/queues/cmp/q.plain/actions", { action: "sync" }],
  ["POST", "/api/queues/cmp/q.plain/actions", { action: "cancel_sync" }],
  ["POST", "/api/queues/cmp/q.plain/actions", { action: "dance" }],
  ["POST", "/api/queues/cmp/q.none/actions", { action: "sync" }],
  ["DELETE", "/api/queues/cmp/q.plain/contents"],
  ["DELETE", "/api/queues/cmp/q.none/contents"],
  ["DELETE", "/api/queues/cmp/q.stream/contents"],
  ["DELETE", "/api/queues/cmp/q.none"],
  ["DELETE", "/api/queues/cmp/q.classic?if-empty=true"],
  ["DELETE", "/api/exchanges/cmp/e.nothing"],
  ["DELETE", "/api/exchanges/cmp/amq.direct"],
  ["DELETE", "/api/exchanges/cmp/amq.default"],
  ["DELETE", "/api/exchanges/cmp/e.topic?if-unused=true"],
  ["DELETE", "/api/bindings/cmp/e/e.topic/q/q.plain/nothing"],
  ["DELETE", "/api/vhosts/nowhere"],
  ["DELETE", "/api/connections/nobody"],
  ["PUT", "/api/cluster-name", { name: "cmp@cluster" }],
  ["PUT", "/api/cluster-name", {}],
  ["POST", "/api/rebalance/queues"],
  ["DELETE", "/api/reset"],
  ["POST", "/api/vhosts/cmp/start/nobody@nowhere"],
  ["POST", "/api/vhosts/nowhere/start/nobody@nowhere"],
  ["PUT", "/api/overview", {}],
  ["POST", "/api/queues/cmp", {}],
  ["DELETE", "/api/nothing"],
];

/** A client with a consumer, an unacknowledged delivery and confirms, which stays until `end`. */
export interface Client {
  readonly end: () => Promise<void>;
  /** What the server closes it with. */
  readonly closed: () => Promise<string>;
}

export async function connectClient({ amqpUrl }: Server): Promise<Client> {
  const model: ChannelModel = await amqp.connect(`${amqpUrl}/cmp`, {
    clientProperties: { connection_name: "the client", product: "cmp", version: "1" },
  });
  const channel = await model.createChannel();
  await channel.prefetch(7);
  await channel.assertQueue("q.client", { exclusive: true, arguments: { "x-max-length": 10 } });
  await channel.assertQueue("q.held", { durable: true });
  await channel.bindQueue("q.held", "amq.direct", "held");
  await channel.consume("q.held", () => {}, { consumerTag: "the-tag", arguments: { "x-priority": 2 } });
  await channel.consume("q.client", () => {}, { consumerTag: "own", noAck: true, exclusive: true });
  const confirming = await model.createConfirmChannel();
  for (let at = 0; at < 3; at++)
    confirming.publish("amq.direct", "held", Buffer.from(`held ${at}`), { persistent: true });
  confirming.publish("", "q.client", Buffer.from("to the client"));
  await confirming.waitForConfirms();
  const transactional = await model.createChannel();
  await transactional.get("q.held");
  let isOpen = true;
  model.on("error", () => {});
  model.on("close", () => (isOpen = false));
  return {
    end: async () => {
      if (isOpen) await model.close();
    },
    closed: () =>
      new Promise((resolve) => model.once("close", (error?: Error) => resolve(error?.message ?? ""))),
  };
}

/** By what they are here for, users that look: each with the tag of its name, and one without permissions in the virtual host. */
export const lookers = [
  "administrator",
  "monitoring",
  "policymaker",
  "management",
  "none",
  "stranger",
] as const;

/** The same hash on both servers: of the password "p". */
const hash = "AQIDBJdEbMXW6f+VE3iMWG11UIgf0WmDaykMvsT/nerMRhNV";

export function authorizationOf(looker: (typeof lookers)[number]): string {
  return `Basic ${Buffer.from(`c.${looker}:p`).toString("base64")}`;
}

const all = { configure: ".*", write: ".*", read: ".*" };

/** Made behind `changes`: users, and all that the API keeps beside queues and exchanges. */
export const furnishing: readonly (readonly [method: string, path: string, body: unknown])[] = [
  ...lookers.flatMap((looker) => {
    const tags = { none: "", stranger: "management" }[looker as string] ?? looker;
    const user = ["PUT", `/api/users/c.${looker}`, { password_hash: hash, tags }] as const;
    if (looker === "stranger") return [user];
    return [user, ["PUT", `/api/permissions/cmp/c.${looker}`, all] as const];
  }),
  ["PUT", "/api/topic-permissions/cmp/c.monitoring", { exchange: "e.topic", write: "^a", read: ".*" }],
  ["PUT", "/api/user-limits/c.monitoring/max-connections", { value: 1000 }],
  ["PUT", "/api/vhost-limits/cmp/max-queues", { value: 1000 }],
  [
    "PUT",
    "/api/policies/cmp/pol",
    {
      pattern: "^q\\.cl",
      definition: { "max-length": 100, expires: 3600000 },
      priority: 3,
      "apply-to": "queues",
    },
  ],
  ["PUT", "/api/policies/cmp/low", { pattern: "^nothing", definition: { "max-length": 1 } }],
  [
    "PUT",
    "/api/operator-policies/cmp/op",
    { pattern: "^q\\.cl", definition: { "max-length": 50 }, "apply-to": "queues" },
  ],
  ["POST", "/api/bindings/cmp/e/e.topic/q/q.plain", { routing_key: "plain", arguments: { n: 1, s: "text" } }],
  // What only some of them see: the virtual host where none of them has permissions.
  ["PUT", "/api/queues/%2F/q.default", { durable: true }],
  ["POST", "/api/bindings/%2F/e/amq.topic/q/q.default", { routing_key: "k" }],
  ["PUT", "/api/policies/%2F/default", { pattern: "^nothing", definition: { "max-length": 1 } }],
  ["PUT", "/api/operator-policies/%2F/default", { pattern: "^nothing", definition: { "max-length": 1 } }],
  ["PUT", "/api/vhost-limits/%2F/max-queues", { value: 1000 }],
  ["PUT", "/api/global-parameters/mine", { value: { a: [1, "b", null], c: true } }],
];

const message = { properties: {}, routing_key: "none", payload: "x", payload_encoding: "string" };
const getting = { count: 1, ackmode: "ack_requeue_true", encoding: "auto" };
const policy = { pattern: "^nothing", definition: { "max-length": 1 } };
const nothing = { configure: "", write: "", read: "" };

type Try = readonly [method: string, path: string, body?: unknown];

function triesIn(vhost: string): readonly Try[] {
  return [
    ["PUT", `/api/queues/${vhost}/w.LOOKER`, {}],
    ["POST", `/api/queues/${vhost}/w.LOOKER/get`, getting],
    ["DELETE", `/api/queues/${vhost}/w.LOOKER/contents`],
    ["POST", `/api/queues/${vhost}/w.LOOKER/actions`, { action: "sync" }],
    ["PUT", `/api/exchanges/${vhost}/w.LOOKER`, {}],
    ["POST", `/api/exchanges/${vhost}/amq.default/publish`, message],
    ["POST", `/api/bindings/${vhost}/e/w.LOOKER/q/w.LOOKER`, {}],
    ["DELETE", `/api/bindings/${vhost}/e/w.LOOKER/q/w.LOOKER/~`],
    ["DELETE", `/api/queues/${vhost}/w.LOOKER`],
    ["DELETE", `/api/exchanges/${vhost}/w.LOOKER`],
    ["PUT", `/api/policies/${vhost}/w.LOOKER`, policy],
    ["DELETE", `/api/policies/${vhost}/w.LOOKER`],
    ["PUT", `/api/operator-policies/${vhost}/w.LOOKER`, policy],
    ["DELETE", `/api/operator-policies/${vhost}/w.LOOKER`],
    ["PUT", `/api/parameters/nothing/${vhost}/w`, { value: {} }],
    ["DELETE", `/api/parameters/nothing/${vhost}/w`],
    ["PUT", `/api/vhost-limits/${vhost}/max-queues`, { value: 1000 }],
    ["DELETE", `/api/vhost-limits/${vhost}/max-connections`],
    ["PUT", `/api/permissions/${vhost}/nobody`, nothing],
    ["DELETE", `/api/permissions/${vhost}/nobody`],
    ["PUT", `/api/topic-permissions/${vhost}/nobody`, { exchange: "", write: "", read: "" }],
    ["DELETE", `/api/topic-permissions/${vhost}/nobody`],
    ["POST", `/api/definitions/${vhost}`, {}],
  ];
}

/** What users of each tag try to change, and mostly may not. LOOKER stands for who tries. */
export const tries: readonly Try[] = [
  ...["cmp", "%2F", "nowhere"].flatMap(triesIn),
  ["PUT", "/api/vhosts/w.LOOKER", {}],
  ["DELETE", "/api/vhosts/w.LOOKER"],
  ["PUT", "/api/users/w.LOOKER", { password: "p", tags: "" }],
  ["DELETE", "/api/users/w.LOOKER"],
  ["POST", "/api/users/bulk-delete", { users: [] }],
  ["PUT", "/api/user-limits/guest/max-channels", { value: 1000 }],
  ["DELETE", "/api/user-limits/guest/max-channels"],
  ["PUT", "/api/global-parameters/w.LOOKER", { value: 1 }],
  ["DELETE", "/api/global-parameters/w.LOOKER"],
  ["PUT", "/api/cluster-name", { name: "n" }],
  ["POST", "/api/definitions", {}],
  ["DELETE", "/api/reset"],
  ["POST", "/api/rebalance/queues", {}],
  ["PUT", "/api/feature-flags/quorum_queue/enable", {}],
  ["DELETE", "/api/connections/nobody"],
];
