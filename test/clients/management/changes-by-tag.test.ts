/**
 * Every endpoint that changes something, asked by a user of each tag: the tags that /api/openapi.json names may ask it, no others, and
 * where a real RabbitMQ is at hand it refuses the same users.
 *
 * Not here: what the endpoints do, and users of other virtual hosts (management-real.test.ts). Every user here has all permissions of
 * the virtual host, so what is refused is refused for the tag. Invariant: no endpoint of the document is left out.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { ask, type Server } from "../../../differential/http/scenario.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const tags = ["none", "management", "policymaker", "monitoring", "administrator"] as const;
type Tag = (typeof tags)[number];

/** By what the document says of an endpoint, the tags that may ask it. */
const may: Readonly<Record<string, readonly Tag[]>> = {
  management: ["management", "policymaker", "monitoring", "administrator"],
  policymaker: ["policymaker", "administrator"],
  monitoring: ["monitoring", "administrator"],
  administrator: ["administrator"],
};

/** Endpoints that any user may ask for what is its own, and administrators alone for what is another's. */
const forOwners = /^DELETE \/api\/connections\//;

interface Change {
  readonly name: string;
  readonly method: string;
  /** CONNECTION stands for the name of a connection of another user. */
  readonly path: string;
  readonly allowed: readonly Tag[];
}

let broker: TestBroker;
let server: Server;
let changes: readonly Change[];
const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;

function authorizationOf(tag: Tag): string {
  return `Basic ${Buffer.from(`tag.${tag}:p`).toString("base64")}`;
}

type Operations = Readonly<Record<string, { readonly description: string }>>;

function changesIn(path: string, operations: Operations): Change[] {
  return Object.entries(operations).flatMap(([lower, { description }]) => {
    const method = lower.toUpperCase();
    const audience = /For users with the tag (\w+)/.exec(description)?.[1];
    if (method === "GET" || audience === undefined) return [];
    const name = `${method} ${path}`;
    const allowed = may[forOwners.test(name) ? "administrator" : audience]!;
    const components = path.includes("{component}") ? ["policy", "operator_policy", "vhost-limits"] : [""];
    return components.map((component) => ({
      name: `${name} ${component}`.trim(),
      method,
      allowed,
      path: path
        .replace("/api/vhosts/{vhost}", "/api/vhosts/none")
        .replace("/api/connections/{name}", "/api/connections/CONNECTION")
        .replace("{vhost}", "%2F")
        .replace("{component}", component)
        .replaceAll(/\{\w+\}/g, "none"),
    }));
  });
}

async function furnish(on: Server): Promise<void> {
  for (const tag of tags) {
    await ask(on, "PUT", `/api/users/tag.${tag}`, { password: "p", tags: tag === "none" ? "" : tag });
    const all = { configure: ".*", write: ".*", read: ".*" };
    await ask(on, "PUT", `/api/permissions/%2F/tag.${tag}`, all);
  }
}

before(async () => {
  broker = await startTestBroker({ dataDir: "memory", env: { TROIKAMQ_PASSWORD: "guest" } });
  server = {
    amqpUrl: `amqp://guest:guest@127.0.0.1:${broker.ports.amqp}`,
    httpUrl: `http://127.0.0.1:${broker.ports.http}`,
    authorization,
  };
  await furnish(server);
  const { paths } = (await ask(server, "GET", "/api/openapi.json")).body as {
    paths: Readonly<Record<string, Operations>>;
  };
  changes = Object.entries(paths).flatMap(([path, operations]) => changesIn(path, operations));
});

after(() => broker.stop());

/** By endpoint and tag, the status; administrators come last, since they do what they ask for. */
async function statuses(on: Server): Promise<ReadonlyMap<string, number>> {
  const connection = await amqplib.connect(on.amqpUrl);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  connection.on("error", () => {});
  connection.on("close", resolve);
  const name = await until(async () => {
    const [found] = (await ask(on, "GET", "/api/connections")).body as { name?: string }[];
    return found?.name;
  }, "the connection");
  const found = new Map<string, number>();
  for (const tag of tags) {
    for (const { name: change, method, path } of changes) {
      const as = { ...on, authorization: authorizationOf(tag) };
      const { status } = await ask(as, method, path.replace("CONNECTION", encodeURIComponent(name)), {});
      found.set(`${tag}: ${change}`, status);
    }
  }
  await closed;
  return found;
}

test("who has no tag that an endpoint asks for is refused, and nobody else", async () => {
  assert.ok(changes.length > 40, `${changes.length} changes`);
  const found = await statuses(server);
  const wrong = tags.flatMap((tag) =>
    changes.flatMap(({ name, allowed }) => {
      const status = found.get(`${tag}: ${name}`)!;
      return (status === 401) === allowed.includes(tag) ? [`${tag}: ${name}: ${status}`] : [];
    }),
  );
  assert.deepEqual(wrong, []);
});

test("a user closes its own connections, and no other's", async () => {
  const own = await amqplib.connect(server.amqpUrl.replace("guest:guest", "tag.management:p"));
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  own.on("error", () => {});
  own.on("close", resolve);
  const path = "/api/connections/username/tag.management";
  const as = (tag: Tag): Server => ({ ...server, authorization: authorizationOf(tag) });
  assert.equal((await ask(as("monitoring"), "DELETE", path)).status, 401);
  assert.equal((await ask(as("management"), "DELETE", path)).status, 204);
  await closed;
});

/** A policymaker's way to them that their own endpoints refuse it: as RabbitMQ 3.10.8 has it, see audience.ts. */
test("a policymaker sets operator policies and limits of virtual hosts as parameters", async () => {
  const as = { ...server, authorization: authorizationOf("policymaker") };
  const value = { pattern: "^none$", definition: { "max-length": 1 }, priority: 0, "apply-to": "queues" };
  const policy = "/api/parameters/operator_policy/%2F/op";
  const limit = "/api/parameters/vhost-limits/%2F/limits";
  assert.ok((await ask(as, "PUT", policy, { value })).status < 300);
  assert.ok((await ask(as, "PUT", limit, { value: { "max-queues": 100 } })).status < 300);
  assert.equal((await ask(as, "PUT", "/api/operator-policies/%2F/op", value)).status, 401);
  assert.equal((await ask(as, "PUT", "/api/vhost-limits/%2F/max-queues", { value: 1 })).status, 401);
  assert.equal((await ask(as, "DELETE", policy)).status, 204);
  assert.equal((await ask(as, "DELETE", limit)).status, 204);
});

test("RabbitMQ refuses the same users", { skip: noRealRabbitMq }, async () => {
  const rabbit = await RealRabbitMq.start();
  try {
    const real = { amqpUrl: rabbit.amqpUrl, httpUrl: rabbit.httpUrl, authorization };
    await furnish(real);
    const [expected, actual] = await Promise.all([statuses(real), statuses(server)]);
    const different = [...expected].flatMap(([what, status]) => {
      // What it does not have, and its own faults.
      if ([404, 405, 500].includes(status)) return [];
      const here = actual.get(what)!;
      return (status === 401) === (here === 401) ? [] : [`${what}: ${status}, here ${here}`];
    });
    assert.deepEqual(different, []);
  } finally {
    await rabbit.stop();
  }
});
