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

/** What is looked at. `CONNECTION` and `CHANNEL` stand for the client's, `NODE` for the server's name. */
export const looks: readonly string[] = [
  "/api/overview",
  "/api/cluster-name",
  "/api/nodes",
  "/api/nodes/NODE",
  "/api/nodes/NODE/memory",
  "/api/nodes/NODE/memory/relative",
  "/api/nodes/nobody@nowhere",
  "/api/extensions",
  "/api/feature-flags",
  "/api/auth",
  "/api/whoami",
  "/api/connections",
  "/api/connections/CONNECTION",
  "/api/connections/nobody",
  "/api/connections/CONNECTION/channels",
  "/api/connections/nobody/channels",
  "/api/connections/username/guest",
  "/api/connections/username/nobody",
  "/api/vhosts/cmp/connections",
  "/api/vhosts/nowhere/connections",
  "/api/channels",
  "/api/channels/CHANNEL",
  "/api/channels/nobody",
  "/api/vhosts/cmp/channels",
  "/api/vhosts/nowhere/channels",
  "/api/consumers",
  "/api/consumers/cmp",
  "/api/consumers/nowhere",
  "/api/exchanges/cmp",
  "/api/exchanges",
  "/api/exchanges/nowhere",
  "/api/exchanges/cmp/e.topic",
  "/api/exchanges/cmp/amq.direct",
  "/api/exchanges/cmp/amq.default",
  "/api/exchanges/cmp/none",
  "/api/exchanges/cmp/e.topic/bindings/source",
  "/api/exchanges/cmp/e.fan/bindings/destination",
  "/api/exchanges/cmp/amq.default/bindings/source",
  "/api/exchanges/cmp/none/bindings/source",
  "/api/exchanges/cmp?page=1&page_size=3",
  "/api/exchanges/cmp?page=9",
  "/api/exchanges/cmp?page=0",
  "/api/exchanges/cmp?page=one",
  "/api/exchanges/cmp?page=1&page_size=501",
  "/api/exchanges/cmp?page=1&page_size=100&name=TOPIC",
  "/api/exchanges/cmp?page=1&page_size=100&name=%5Ee%5C.&use_regex=true",
  "/api/exchanges/cmp?page=1&name=%28&use_regex=true",
  "/api/exchanges/cmp?sort=type&columns=name,type",
  "/api/exchanges/cmp?page=1&sort=name&sort_reverse=true&columns=name",
  "/api/queues/cmp",
  "/api/queues",
  "/api/queues?page=1&page_size=2&name=q.&sort=messages&sort_reverse=true&columns=name,messages",
  "/api/queues/cmp?disable_stats=true&enable_queue_totals=true",
  "/api/queues/nowhere",
  "/api/queues/cmp/q.classic",
  "/api/queues/cmp/q.quorum",
  "/api/queues/cmp/q.stream",
  "/api/queues/cmp/q.auto",
  "/api/queues/cmp/q.plain",
  "/api/queues/cmp/q.held",
  "/api/queues/cmp/q.client",
  "/api/queues/cmp/q.none",
  "/api/queues/cmp/q.held?lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5",
  "/api/queues/cmp/q.classic/bindings",
  "/api/queues/cmp/q.plain/bindings",
  "/api/queues/cmp/q.none/bindings",
  "/api/bindings",
  "/api/bindings/cmp",
  "/api/bindings/nowhere",
  "/api/bindings/cmp/e/e.topic/q/q.plain",
  "/api/bindings/cmp/e/e.topic/q/none",
  "/api/bindings/cmp/e/e.topic/e/e.fan",
  "/api/bindings/cmp/e/e.topic/q/q.classic/a.%23",
  "/api/bindings/cmp/e/e.topic/q/q.classic/none",
  "/api/bindings/cmp/e/e.topic/q/q.plain/~",
  "/api/bindings/cmp/e/amq.default/q/q.plain",
  "/api/vhosts",
  "/api/vhosts/cmp",
  "/api/vhosts/nowhere",
  "/api/vhosts/cmp/permissions",
  "/api/vhosts/cmp/topic-permissions",
  "/api/aliveness-test/cmp",
  "/api/aliveness-test/nowhere",
  "/api/healthchecks/node",
  "/api/health/checks/alarms",
  "/api/health/checks/local-alarms",
  "/api/health/checks/certificate-expiration/1/months",
  "/api/health/checks/certificate-expiration/1/centuries",
  "/api/health/checks/port-listener/1",
  "/api/health/checks/port-listener/port",
  "/api/health/checks/protocol-listener/amqp091",
  "/api/health/checks/protocol-listener/mqtt",
  "/api/health/checks/protocol-listener/nonsense",
  "/api/health/checks/virtual-hosts",
  "/api/health/checks/node-is-mirror-sync-critical",
  "/api/health/checks/node-is-quorum-critical",
  "/api/shovels",
  "/api/shovels/cmp",
  "/api/federation-links",
  "/api/federation-links/cmp",
  "/api/login",
  "/api/nothing",
  "/api/overview?columns=rabbitmq_version,object_totals.queues",
];
