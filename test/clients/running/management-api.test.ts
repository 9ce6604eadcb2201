/**
 * The management API as its clients use it: what makes, changes and deletes is answered as a real RabbitMQ 3.10.8 answered the same
 * (differential/http/answers-3.10.8.json), and what is there then is shown.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ask, type Client, connectClient, type Server } from "../../../differential/http/scenario.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";

type Recorded = readonly [
  method: string,
  path: string,
  body: unknown,
  answer: { readonly status: number; readonly body: unknown },
];

const recorded = JSON.parse(
  readFileSync(new URL("../../../differential/http/answers-3.10.8.json", import.meta.url), "utf8"),
) as readonly Recorded[];

let broker: TestBroker;
let server: Server;
let client: Client;

before(async () => {
  broker = await startTestBroker({ dataDir: "memory", env: { TROIKAMQ_PASSWORD: "guest" } });
  server = {
    amqpUrl: `amqp://guest:guest@127.0.0.1:${broker.ports.amqp}`,
    httpUrl: `http://127.0.0.1:${broker.ports.http}`,
    authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}`,
  };
});

after(async () => {
  await client?.end();
  await broker.stop();
});

async function get(path: string): Promise<Record<string, unknown>> {
  const { status, body } = await ask(server, "GET", path);
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body as Record<string, unknown>;
}

test("what changes things is answered as RabbitMQ answers it", async () => {
  for (const [method, path, body, answer] of recorded) {
    const given = await ask(server, method, path, body ?? undefined);
    assert.deepEqual(given, answer, `${method} ${path} ${JSON.stringify(body)}`);
  }
});

test("a name and a password are tried as RabbitMQ's page does it", async () => {
  const logIn = async (form: string): Promise<readonly unknown[]> => {
    const response = await fetch(`${server.httpUrl}/api/login`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    return [response.status, response.headers.get("set-cookie"), await response.json()];
  };
  const plain = { password: "p&w", tags: "" };
  assert.equal((await ask(server, "PUT", "/api/users/plain", plain)).status, 201);
  const cookie = "auth=Z3Vlc3Q6Z3Vlc3Q=; Version=1";
  const failed = [401, null, { error: "not_authorized", reason: "Login failed" }];
  assert.deepEqual(await logIn("username=guest&password=guest"), [200, cookie, "ok"]);
  for (const form of [
    "username=guest&password=g",
    "username=guest",
    "",
    '{"username":"guest"}',
    "username=%zz",
  ])
    assert.deepEqual(await logIn(form), failed, form);
  const refused = { error: "not_authorised", reason: "Not management user" };
  assert.deepEqual(await logIn("username=plain&password=p%26w"), [401, null, refused]);
  // The cookie lets nobody in.
  const { status } = await fetch(`${server.httpUrl}/api/whoami`, { headers: { cookie } });
  assert.equal(status, 401);
  await ask(server, "DELETE", "/api/users/plain");
});

test("a client's connection, channels and consumers are shown, and it is closed with a reason", async () => {
  client = await connectClient(server);
  const [connection] = (await get("/api/vhosts/cmp/connections")) as unknown as Record<string, unknown>[];
  assert.equal(connection!["user_provided_name"], "the client");
  assert.equal(connection!["channels"], 3);
  const name = encodeURIComponent(connection!["name"] as string);
  const [first, second, third] = (await get(`/api/connections/${name}/channels`)) as unknown as Record<
    string,
    Record<string, unknown>
  >[];
  assert.equal(first!["messages_unacknowledged"], 3);
  assert.equal(first!["message_stats"]!["deliver"], 3);
  assert.equal(first!["message_stats"]!["deliver_no_ack"], 1);
  assert.equal(second!["message_stats"]!["confirm"], 4);
  assert.equal(third!["message_stats"]!["get_empty"], 1);
  const consumers = (await get("/api/consumers/cmp")) as unknown as { consumer_tag: string }[];
  assert.deepEqual(
    consumers.map(({ consumer_tag: tag }) => tag),
    ["own", "the-tag"],
  );
  const held = await get("/api/queues/cmp/q.held?lengths_age=10&lengths_incr=5");
  assert.equal(held["messages_unacknowledged"], 3);
  const { samples } = held["messages_details"] as { samples: unknown[] };
  assert.equal(samples.length, 3);
  const overview = await get("/api/overview");
  assert.deepEqual(overview["object_totals"], {
    channels: 3,
    connections: 1,
    consumers: 2,
    exchanges: 18,
    queues: 9,
  });
  const closed = client.closed();
  const response = await fetch(`${server.httpUrl}/api/connections/${name}`, {
    method: "DELETE",
    headers: { authorization: server.authorization, "x-reason": "for the test" },
  });
  assert.equal(response.status, 204);
  assert.match(await closed, /CONNECTION_FORCED - for the test/);
});

test("users see what RabbitMQ shows to users of their tag", async () => {
  const tags = ["administrator", "monitoring", "policymaker", "management", ""];
  for (const tag of tags) {
    await ask(server, "PUT", `/api/users/see.${tag}`, { password: "p", tags: tag });
    await ask(server, "PUT", `/api/permissions/cmp/see.${tag}`, { configure: "", write: "", read: "" });
  }
  await ask(server, "PUT", "/api/queues/%2F/other", {});
  client = await connectClient(server);
  const [connection] = (await get("/api/connections")) as unknown as { name: string }[];
  const name = encodeURIComponent(connection!.name);
  const seen = async (path: string): Promise<unknown[]> => {
    const answers: unknown[] = [];
    for (const tag of tags) {
      const authorization = `Basic ${Buffer.from(`see.${tag}:p`).toString("base64")}`;
      const { status, body } = await ask({ ...server, authorization }, "GET", path);
      const vhosts = (body as { vhost: string }[]).filter?.(({ vhost }) => vhost === "/").length;
      answers.push(vhosts ?? (status === 200 ? 200 : (body as { reason: string }).reason));
    }
    return answers;
  };
  const [none, vhost] = ["Not management user", "User not authorised to access virtual host"];
  const [object, admin] = ["User not authorised to access object", "Not administrator user"];
  assert.deepEqual(await seen("/api/queues"), [1, 0, 0, 0, none]);
  assert.deepEqual(await seen("/api/queues/%2F/other"), [200, vhost, vhost, vhost, none]);
  assert.deepEqual(await seen("/api/vhosts/cmp"), [200, admin, admin, admin, none]);
  assert.deepEqual(await seen(`/api/connections/${name}`), [200, 200, object, object, none]);
  assert.deepEqual(await seen("/api/parameters"), [0, object, 0, object, none]);
  assert.deepEqual(await seen("/api/user-limits/guest"), [0, 0, object, object, none]);
  assert.deepEqual(await seen("/api/permissions"), [1, admin, admin, admin, none]);
  for (const tag of tags) await ask(server, "DELETE", `/api/users/see.${tag}`);
  await ask(server, "DELETE", "/api/queues/%2F/other");
});

test("bindings are found by their properties_key, and removed by it", async () => {
  const path = "/api/bindings/cmp/e/e.topic/q/q.plain";
  await ask(server, "POST", path, { routing_key: "with ~ and /", arguments: { n: 1 } });
  const bindings = (await get(path)) as unknown as { properties_key: string; routing_key: string }[];
  const found = bindings.find(({ routing_key: key }) => key === "with ~ and /")!;
  const one = `${path}/${encodeURIComponent(found.properties_key)}`;
  assert.deepEqual(await get(one), found);
  assert.equal((await ask(server, "DELETE", one)).status, 204);
  assert.equal((await ask(server, "GET", one)).status, 404);
});

test("the default exchange has an empty name in paths too", async () => {
  const message = { properties: {}, routing_key: "q.plain", payload: "x", payload_encoding: "string" };
  const { body } = await ask(server, "POST", "/api/exchanges/cmp//publish", message);
  assert.deepEqual(body, { routed: true });
  assert.equal((await get("/api/bindings/cmp/e//q/q.plain"))["length"], 1);
});

test("what tools of later versions ask for is answered", async () => {
  assert.equal(await get("/api/version"), "3.10.8");
  assert.deepEqual(await get("/api/deprecated-features/used"), []);
  assert.deepEqual(await get("/api/queues/detailed?columns=name"), await get("/api/queues?columns=name"));
  const [node] = (await get("/api/nodes")) as unknown as Record<string, unknown>[];
  assert.equal(node!["being_drained"], false);
  const checks = ["ready-to-serve-clients", "is-in-service", "metadata-store/initialized/with-data"];
  const leaders = "quorum-queues-without-elected-leaders";
  for (const check of [...checks, `${leaders}/all-vhosts`, `${leaders}/vhost/cmp/pattern/q`])
    assert.deepEqual(await get(`/api/health/checks/${check}`), { status: "ok" }, check);
  assert.equal((await ask(server, "GET", `/api/health/checks/${leaders}/vhost/nowhere`)).status, 404);
  const open = await fetch(`${server.httpUrl}/api/health/checks/below-node-connection-limit`);
  assert.equal(open.status, 200);
});

test("logins are counted by protocol, and forgotten", async () => {
  const path = `/api/auth/attempts/${encodeURIComponent((await get("/api/overview"))["node"] as string)}`;
  const shown = (await get(path)) as unknown as Record<string, number | string>[];
  const amqp = shown.find(({ protocol }) => protocol === "amqp091")!;
  assert.deepEqual(
    [amqp["auth_attempts"], amqp["auth_attempts_succeeded"], amqp["auth_attempts_failed"]],
    [2, 2, 0],
  );
  assert.equal((await ask(server, "DELETE", path)).status, 204);
  const left = (await get(path)) as unknown as { protocol: string }[];
  assert.deepEqual(
    left.map(({ protocol }) => protocol),
    ["http"],
  );
  assert.equal((await ask(server, "GET", "/api/auth/attempts/nobody")).status, 404);
});

test("a super stream is made whole, or not at all", async () => {
  const path = "/api/stream/super-streams/cmp/super";
  const refused = async (body: object): Promise<unknown> => {
    const answer = await ask(server, "PUT", path, body);
    assert.equal(answer.status, 400);
    return (answer.body as { reason: unknown }).reason;
  };
  assert.equal(await refused({}), "Must specify partitions or binding keys");
  assert.equal(await refused({ partitions: 0 }), "The partition number must be greater than 0");
  assert.equal(
    await refused({ "binding-keys": "a,b", partitions: 2 }),
    "Specify partitions or binding keys, not both",
  );
  const fault = "invalid arg 'x-max-age' for queue 'super-0' in vhost 'cmp': invalid_max_age";
  assert.equal(await refused({ partitions: 2, arguments: { "max-age": "soon" } }), fault);
  assert.equal((await ask(server, "GET", "/api/exchanges/cmp/super")).status, 404);
  const wanted = { "binding-keys": "emea, apac", arguments: { "max-length-bytes": "1000000" } };
  assert.equal((await ask(server, "PUT", path, wanted)).status, 204);
  const bindings = (await get("/api/exchanges/cmp/super/bindings/source")) as unknown as object[];
  const shown = bindings.map((binding) => {
    const { destination, routing_key, arguments: args } = binding as Record<string, unknown>;
    return { destination, routing_key, args };
  });
  const order = "x-stream-partition-order";
  assert.deepEqual(shown, [
    { destination: "super-apac", routing_key: "apac", args: { [order]: 1 } },
    { destination: "super-emea", routing_key: "emea", args: { [order]: 0 } },
  ]);
  const stream = await get("/api/queues/cmp/super-emea");
  assert.deepEqual(stream["arguments"], { "x-max-length-bytes": 1000000, "x-queue-type": "stream" });
  assert.equal(await refused({ partitions: 1 }), "there is an exchange super");
});

test("destinations of every protocol are in one list", async () => {
  const items = (await get("/api/troika/destinations/cmp?sort=name")) as unknown as {
    name: string;
    kind: string;
  }[];
  const kinds = new Map(items.map(({ name, kind }) => [name, kind]));
  assert.equal(kinds.get("q.stream"), "stream");
  assert.equal(kinds.get("q.quorum"), "queue");
});
