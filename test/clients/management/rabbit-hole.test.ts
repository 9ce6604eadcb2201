/**
 * What rabbit-hole, the Go client of the management API, asks for and others do not: fields that it leaves empty, paths that only it knows.
 * The answers are those of RabbitMQ 3.10.8.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker({ env: { TROIKAMQ_PASSWORD: "guest" } });
});

after(() => broker.stop());

async function ask(method: string, path: string, body?: unknown): Promise<readonly [number, any]> {
  const response = await fetch(`http://127.0.0.1:${broker.ports.http}/api/${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return [response.status, text === "" ? null : JSON.parse(text)];
}

const get = async (path: string): Promise<any> => (await ask("GET", path))[1];

test("a name that the body leaves empty is the one of the path", async () => {
  assert.deepEqual(await ask("PUT", "users/go", { name: "", password: "p", tags: "management" }), [
    201,
    null,
  ]);
  assert.deepEqual((await get("users/go")).tags, ["management"]);
  assert.equal((await ask("PUT", "users/go", { name: "other", password: "p", tags: "" }))[0], 400);
});

test("topic permissions are deleted for one exchange, or for all", async () => {
  const one = { exchange: "amq.topic", write: "a", read: "b" };
  const other = { exchange: "amq.direct", write: "c", read: "d" };
  for (const [at, given] of [
    ["topic-permissions/%2F/go", one],
    ["topic-permissions/%2F/go/ignored", other],
  ] as const)
    await ask("PUT", at, given);
  assert.deepEqual(await ask("DELETE", "topic-permissions/%2F/go/amq.topic"), [204, null]);
  const left = [{ user: "go", vhost: "/", ...other }];
  assert.deepEqual(await get("topic-permissions/%2F/go"), left);
  assert.deepEqual(await ask("DELETE", "topic-permissions/%2F/go/amq.topic"), [204, null]);
  assert.deepEqual(await get("topic-permissions/%2F/go/amq.topic"), left);
  assert.deepEqual(await ask("DELETE", "topic-permissions/%2F/go/amq.direct"), [204, null]);
  assert.equal((await ask("DELETE", "topic-permissions/%2F/go/amq.direct"))[0], 404);
});

test("limits that are gone are shown among all virtual hosts only", async () => {
  await ask("PUT", "vhost-limits/%2F/max-queues", { value: 7 });
  assert.deepEqual(await get("vhost-limits/%2F"), [{ vhost: "/", value: { "max-queues": 7 } }]);
  await ask("DELETE", "vhost-limits/%2F/max-queues");
  assert.deepEqual(await get("vhost-limits/%2F"), []);
  assert.deepEqual(await get("vhost-limits"), [{ vhost: "/", value: [] }]);
});

test("policies come by priority, the lowest first", async () => {
  for (const [name, priority] of Object.entries({ a: 5, b: 0, c: 5, d: -1 }))
    await ask("PUT", `policies/%2F/${name}`, { pattern: "^$", definition: { "max-length": 1 }, priority });
  const names = (await get("policies")).map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ["d", "b", "a", "c"]);
});

test("the name of the cluster is a global parameter, after a restart too", async () => {
  await ask("PUT", "cluster-name", { name: "mine" });
  const [name, id] = await get("global-parameters");
  assert.deepEqual(name, { name: "cluster_name", value: "mine" });
  assert.match(id.value, /^rabbitmq-cluster-id-[\w-]{22}$/);
  const { global_parameters: exported } = await get("definitions");
  assert.deepEqual(exported.toSorted(), [name, id]);
  await broker.restart();
  assert.deepEqual(await get("cluster-name"), { name: "mine" });
  assert.deepEqual(await get("global-parameters"), [name, id]);
  await ask("PUT", "global-parameters/cluster_name", { name: "cluster_name", value: "other" });
  assert.deepEqual(await get("cluster-name"), { name: "other" });
  assert.deepEqual(await get("parameters"), [
    { value: [], vhost: "/", component: "vhost-limits", name: "limits" },
  ]);
});
