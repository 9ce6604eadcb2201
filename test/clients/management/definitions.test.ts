/** RabbitMQ's definitions: imported over the API and at the start, exported, and the same after both. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { api, basic } from "../../support/users.ts";

/** As RabbitMQ 3.10.8 exports it; the user's password is `pw`. */
const document = {
  rabbit_version: "3.10.8",
  rabbitmq_version: "3.10.8",
  product_name: "RabbitMQ",
  product_version: "3.10.8",
  users: [
    {
      name: "moved",
      password_hash: "c2FsdCG67ZSbcWxJy/fY/nlBLx3BBHRWUKMgga4L4Llnrrfz",
      hashing_algorithm: "rabbit_password_hashing_sha256",
      tags: ["management", "our-own"],
      limits: { "max-connections": 9 },
    },
  ],
  vhosts: [{ name: "moved/host" }, { name: "/" }],
  permissions: [{ user: "moved", vhost: "moved/host", configure: ".*", write: ".*", read: ".*" }],
  topic_permissions: [{ user: "moved", vhost: "moved/host", exchange: "news", write: "^a", read: ".*" }],
  parameters: [
    { value: { "max-queues": 20 }, vhost: "moved/host", component: "vhost-limits", name: "limits" },
    {
      value: { pattern: "^q", definition: { expires: 900_000 }, priority: 0, "apply-to": "queues" },
      vhost: "moved/host",
      component: "operator_policy",
      name: "op",
    },
  ],
  global_parameters: [
    { name: "mine", value: { a: [1, { b: 2 }] } },
    { name: "internal_cluster_id", value: "rabbitmq-cluster-id-of-another" },
  ],
  policies: [
    {
      vhost: "moved/host",
      name: "short",
      pattern: "^q",
      "apply-to": "queues",
      definition: { "max-length": 3 },
      priority: 4,
    },
  ],
  queues: [
    {
      name: "q.classic",
      vhost: "moved/host",
      durable: true,
      auto_delete: false,
      arguments: { "x-dead-letter-exchange": "news", "x-max-length": 10 },
    },
    {
      name: "q.quorum",
      vhost: "moved/host",
      durable: true,
      auto_delete: false,
      arguments: { "x-queue-type": "quorum" },
    },
    {
      name: "q.é",
      vhost: "moved/host",
      durable: true,
      auto_delete: false,
      arguments: { "x-max-age": "7D", "x-queue-type": "stream" },
    },
  ],
  exchanges: [
    {
      name: "news",
      vhost: "moved/host",
      type: "topic",
      durable: true,
      auto_delete: false,
      internal: false,
      arguments: { "alternate-exchange": "rest" },
    },
    {
      name: "rest",
      vhost: "moved/host",
      type: "headers",
      durable: true,
      auto_delete: false,
      internal: true,
      arguments: {},
    },
  ],
  bindings: [
    {
      source: "news",
      vhost: "moved/host",
      destination: "q.classic",
      destination_type: "queue",
      routing_key: "a.#",
      arguments: {},
    },
    {
      source: "news",
      vhost: "moved/host",
      destination: "rest",
      destination_type: "exchange",
      routing_key: "#",
      arguments: {},
    },
    {
      source: "rest",
      vhost: "moved/host",
      destination: "q.quorum",
      destination_type: "queue",
      routing_key: "",
      arguments: { k: 1, "x-match": "any" },
    },
  ],
};

type Exported = typeof document;

/** What of an export came from the document: without what every broker has, in one order. */
function own(exported: Exported): object {
  const isOwn = (item: { readonly name?: string; readonly user?: string }): boolean =>
    !["guest", "/"].includes(item.user ?? item.name ?? "") && !(item.name ?? "").startsWith("internal");
  const lists = Object.entries(exported).filter(([, items]) => Array.isArray(items)) as [string, object[]][];
  return Object.fromEntries(
    lists.map(([name, items]) => {
      const kept = items.filter(isOwn);
      return [
        name,
        kept
          .map((item) =>
            JSON.stringify(sorted(item), (key, value: unknown) => (key === "metadata" ? undefined : value)),
          )
          .toSorted(),
      ];
    }),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-definitions-"));
const file = path.join(directory, "definitions.json");
fs.writeFileSync(file, JSON.stringify(document));

let broker: TestBroker;
before(async () => (broker = await startTestBroker()));
after(async () => {
  await broker.stop();
  fs.rmSync(directory, { recursive: true });
});

test("an export of RabbitMQ imports, and is exported the same", async () => {
  assert.equal((await api(broker, "POST", "definitions", document)).status, 204);
  const exported = (await api(broker, "GET", "definitions")).body as Exported;
  assert.deepEqual(own(exported), own(document));
  assert.equal((await api(broker, "POST", "definitions", exported)).status, 204);
  assert.deepEqual((await api(broker, "GET", "definitions")).body, exported);
});

test("what was imported works: the password, the policy, the bindings", async () => {
  assert.equal((await api(broker, "GET", "whoami", undefined, basic("moved", "pw"))).status, 200);
  assert.equal((await api(broker, "GET", "whoami", undefined, basic("moved", "px"))).status, 401);
  const connection = await amqplib.connect(`amqp://moved:pw@127.0.0.1:${broker.ports.amqp}/moved%2Fhost`);
  const channel = await connection.createConfirmChannel();
  for (let i = 0; i < 5; i++) channel.publish("news", "a.b", Buffer.from("m"), { headers: { k: 1 } });
  await channel.waitForConfirms();
  assert.equal((await channel.checkQueue("q.classic")).messageCount, 3);
  assert.equal((await channel.checkQueue("q.quorum")).messageCount, 3);
  await connection.close();
});

test("what is there already gets what the document says: permissions, topic permissions, policies", async () => {
  const place = { user: "moved", vhost: "moved/host" };
  const changed = {
    permissions: [{ ...place, configure: "^c", write: "^w", read: "^r" }],
    topic_permissions: [{ ...place, exchange: "news", write: "^b", read: "^c" }],
    policies: [{ ...document.policies[0]!, priority: 9 }],
  };
  assert.equal((await api(broker, "POST", "definitions", changed)).status, 204);
  const exported = (await api(broker, "GET", "definitions")).body as Exported;
  const isMeant = (item: { vhost: string; user?: string }): boolean =>
    item.vhost === "moved/host" && (item.user ?? "moved") === "moved";
  assert.deepEqual(exported.permissions.filter(isMeant), changed.permissions);
  assert.deepEqual(exported.topic_permissions.filter(isMeant), changed.topic_permissions);
  assert.deepEqual(exported.policies.filter(isMeant), changed.policies);
  const { permissions, topic_permissions, policies } = document;
  await api(broker, "POST", "definitions", { permissions, topic_permissions, policies });
});

test("one virtual host imports and exports by itself", async () => {
  await api(broker, "PUT", "vhosts/copy", {});
  const { body } = await api(broker, "GET", "definitions/moved%2Fhost");
  const one = body as Exported;
  assert.ok(one.queues.every((item) => !("vhost" in item)));
  const { parameters: _, ...rest } = one;
  assert.equal((await api(broker, "POST", "definitions/copy", rest)).status, 204);
  const copy = (await api(broker, "GET", "definitions/copy")).body as Exported;
  assert.deepEqual(
    own({ ...copy, parameters: [], policies: [] }),
    own({ ...one, parameters: [], policies: [] }),
  );
  assert.deepEqual(
    copy.policies.map(({ name, vhost }) => [name, vhost]),
    [["short", "copy"]],
  );
  assert.equal((await api(broker, "GET", "definitions/none")).status, 400);
  assert.equal((await api(broker, "POST", "definitions/none", {})).status, 404);
});

test("what cannot be made is refused in RabbitMQ's words", async () => {
  const cases: [document: unknown, reason: unknown][] = [
    [[], "failed_to_parse_json"],
    [{ policies: [{ vhost: "/" }] }, "policy in virtual host '/' has undefined name"],
    [{ queues: [{ name: "q", vhost: "none" }] }, ["no_such_vhost", "none"]],
    [{ permissions: [{ user: "none", vhost: "/" }] }, ["no_such_user", "none"]],
    [{ users: [{ name: "d1" }] }, "tags_not_present"],
    [
      { queues: [{ name: "d2", vhost: "/", arguments: { "x-max-priority": 300 } }] },
      "invalid arg 'x-max-priority' for queue 'd2' in vhost '/': {max_value_exceeded,300}",
    ],
    [
      { queues: [{ name: "d3", vhost: "/", arguments: { "x-queue-type": "stream", "x-max-age": "soon" } }] },
      "invalid arg 'x-max-age' for queue 'd3' in vhost '/': invalid_max_age",
    ],
    [
      { queues: [{ name: "d4", vhost: "/", arguments: { "x-queue-type": "odd" } }] },
      "invalid arg 'x-queue-type' for queue 'd4' in vhost '/': \"unsupported queue type 'odd'\"",
    ],
    [
      { parameters: [{ component: "nope", name: "x", vhost: "/", value: {} }] },
      "Validation failed\n\ncomponent nope not found\n (//nope/x)",
    ],
    [
      {
        queues: [
          ...Array.from({ length: 30 }, (_, i) => ({ name: `n${i}`, vhost: "moved/host" })),
          // One that is there twice is one, and a name that the server has given is not made.
          { name: "n0", vhost: "moved/host" },
          { name: "amq.gen-x", vhost: "moved/host" },
        ],
      },
      'Adding 30 queue(s) to virtual host "moved/host" would exceed the limit of 20 queue(s).\n\nThis virtual host currently has 3 queue(s) defined.\n\nImport aborted!',
    ],
  ];
  for (const [given, reason] of cases) {
    const { status, body } = await api(broker, "POST", "definitions", given);
    const { error, reason: why } = body as { error: string; reason: unknown };
    assert.deepEqual({ status, error, why }, { status: 400, error: "bad_request", why: reason });
  }
});

test("a document that is refused names the entry and leaves nothing behind", async () => {
  const untouched = (await api(broker, "GET", "definitions")).body;
  const first = {
    vhosts: [{ name: "zvhost" }],
    users: [{ name: "zed", tags: ["administrator"] }],
    permissions: [{ user: "zed", vhost: "zvhost", configure: "", write: "", read: "" }],
  };
  const place = { name: "z", vhost: "zvhost" };
  const cases: [document: object, entry: string][] = [
    [{ queues: [{ ...place, arguments: { "x-max-priority": 300 } }] }, "queue 'z' in virtual host 'zvhost'"],
    [{ exchanges: [{ ...place, type: "odd" }] }, "exchange 'z' in virtual host 'zvhost'"],
    [
      { exchanges: [{ ...place, name: "z".repeat(300), type: "topic" }] },
      `exchange '${"z".repeat(300)}' in virtual host 'zvhost'`,
    ],
    [
      { policies: [{ ...place, pattern: "(", definition: { expires: 1 } }] },
      "policy 'z' in virtual host 'zvhost'",
    ],
    [
      { parameters: [{ ...place, component: "nope", value: {} }] },
      "parameter 'nope/z' in virtual host 'zvhost'",
    ],
    [{ bindings: [{ vhost: "zvhost", source: "z" }] }, "binding 'z' -> '' by '' in virtual host 'zvhost'"],
    [{ queues: [{ name: "z", vhost: "none" }] }, "queue 'z' in virtual host 'none'"],
    [
      { topic_permissions: [{ user: "nobody", vhost: "zvhost" }] },
      "topic permission of user 'nobody' on exchange '' in virtual host 'zvhost'",
    ],
  ];
  for (const [rest, entry] of cases) {
    const { status, body } = await api(broker, "POST", "definitions", { ...first, ...rest });
    const { entry: named, advice } = body as { entry: string; advice: string };
    assert.deepEqual([status, named], [400, entry]);
    assert.match(advice, /^nothing is changed: mend this entry/);
  }
  // The last administrator, who is one until the second user of the document.
  const locked = { users: [first.users[0]!, { name: "guest", tags: "" }] };
  const refused = await api(broker, "POST", "definitions", locked);
  assert.deepEqual([refused.status, (refused.body as { entry: string }).entry], [409, "user 'guest'"]);
  // Nobody logs in with the hash of an empty password.
  const salt = Buffer.from("salt");
  const blank = Buffer.concat([salt, createHash("sha256").update(salt).digest()]).toString("base64");
  const guest = { tags: "administrator", password_hash: blank };
  assert.equal((await api(broker, "PUT", "users/guest", guest)).status, 409);
  assert.deepEqual((await api(broker, "GET", "definitions")).body, untouched);
});

test("an imported hash of the empty password opens nothing, over any protocol", async () => {
  const salt = Buffer.from("salt");
  const password_hash = Buffer.concat([salt, createHash("sha256").update(salt).digest()]).toString("base64");
  assert.equal(
    (await api(broker, "PUT", "users/blank", { password_hash, tags: "administrator" })).status,
    201,
  );
  const permissions = { configure: ".*", write: ".*", read: ".*" };
  await api(broker, "PUT", "permissions/%2F/blank", permissions);
  assert.equal((await api(broker, "GET", "whoami", undefined, basic("blank", ""))).status, 401);
  for (const options of [{}, { credentials: amqplib.credentials.amqplain("blank", "") }]) {
    const url = `amqp://blank:@127.0.0.1:${broker.ports.amqp}`;
    await assert.rejects(amqplib.connect(url, options), /ACCESS.REFUSED/);
  }
  const redis = await RawRedis.open(broker.ports.redis);
  assert.match(await redis.call("auth", "blank", ""), /^-WRONGPASS/);
  await redis.call("acl", "setuser", "open", "on", "nopass");
  assert.equal(await redis.call("auth", "open", ""), "+OK\r\n");
  await redis.close();
  for (const name of ["blank", "open"]) await api(broker, "DELETE", `users/${name}`);
});

/** As a user of shovels and federation has it. */
const ofSeveralBrokers = {
  queues: [{ name: "kept", vhost: "/" }],
  exchanges: [{ name: "federation: news", vhost: "/", type: "x-federation-upstream", internal: true }],
  parameters: [
    { vhost: "/", component: "shovel", name: "move", value: { "src-uri": "amqp://", "src-queue": "a" } },
    { vhost: "/", component: "federation-upstream", name: "up", value: { uri: "amqp://x" } },
    { vhost: "/", component: "federation-upstream-set", name: "set", value: [{ upstream: "up" }] },
  ],
  policies: [
    { vhost: "/", name: "fed", pattern: "^fed", definition: { "federation-upstream-set": "all" } },
    { vhost: "/", name: "both", pattern: "^b", definition: { "federation-upstream": "up", expires: 9000 } },
  ],
};

test("shovels and federation are left out of an import, and stay refused by themselves", async () => {
  assert.equal((await api(broker, "POST", "definitions", ofSeveralBrokers)).status, 204);
  await broker.logged(/left out.*shovel\/move/);
  const { parameters: _, ...one } = ofSeveralBrokers;
  assert.equal((await api(broker, "POST", "definitions/%2F", one)).status, 204);
  const { body } = await api(broker, "GET", "definitions");
  const { policies, parameters, exchanges } = body as Exported;
  assert.deepEqual(
    policies.filter(({ vhost }) => vhost === "/").map(({ name, definition }) => [name, definition]),
    [["both", { expires: 9000 }]],
  );
  assert.deepEqual(
    parameters.filter(({ vhost }) => vhost === "/"),
    [],
  );
  assert.deepEqual(
    exchanges.filter(({ name }) => name.startsWith("federation")),
    [],
  );
  const shovel = await api(broker, "PUT", "parameters/shovel/%2F/move", { value: {} });
  assert.match(JSON.stringify(shovel), /400.*component shovel not found/);
  const policy = { pattern: "^f", definition: { "federation-upstream-set": "all" } };
  const fed = await api(broker, "PUT", "policies/%2F/fed", policy);
  assert.match(JSON.stringify(fed), /400.*are not recognised policy settings/);
  await api(broker, "DELETE", "policies/%2F/both");
  await api(broker, "DELETE", "queues/%2F/kept");
});

test("a virtual host that is full takes the same definitions again, and not one queue more", async () => {
  const limit = (value: number) => api(broker, "PUT", "vhost-limits/moved%2Fhost/max-queues", { value });
  const importing = async (names: readonly string[], where = "definitions") => {
    const queues = names.map((name) => ({ name, vhost: "moved/host", durable: true }));
    return (await api(broker, "POST", where, { queues })).status;
  };
  const there = (await api(broker, "GET", "queues/moved%2Fhost")).body as { name: string }[];
  const names = there.map(({ name }) => name);
  assert.equal((await limit(names.length)).status, 204);
  for (const where of ["definitions", "definitions/moved%2Fhost"]) {
    assert.equal(await importing(names, where), 204);
    assert.equal(await importing([...names, "one-more"], where), 400);
  }
  await limit(names.length + 1);
  assert.equal(await importing([...names, "one-more"]), 204);
  assert.equal(await importing([...names, "one-more"]), 204);
  assert.equal(await importing(["two-more"]), 400);
  await api(broker, "DELETE", "queues/moved%2Fhost/one-more");
  await limit(20);
});

test("--definitions imports at the start, again and again", async () => {
  const other = await startTestBroker({ args: ["--definitions", file] });
  const exported = (await api(other, "GET", "definitions")).body as Exported;
  assert.deepEqual(own(exported), own(document));
  await other.kill();
  await other.restart();
  assert.deepEqual((await api(other, "GET", "definitions")).body, exported);
  await other.stop();
});

test("--definitions starts with a file that has shovels and federation", async () => {
  const several = path.join(directory, "several.json");
  fs.writeFileSync(several, JSON.stringify(ofSeveralBrokers));
  const other = await startTestBroker({ args: ["--definitions", several] });
  assert.equal((await api(other, "GET", "queues/%2F/kept")).status, 200);
  await other.stop();
});

test("a file of definitions that cannot be imported ends the start with one line", async () => {
  const bad = path.join(directory, "bad.json");
  fs.writeFileSync(bad, JSON.stringify({ queues: [{ name: "q", vhost: "none" }] }));
  await assert.rejects(
    startTestBroker({ args: ["--definitions", bad] }),
    /--definitions .*queue 'q' in virtual host 'none': .*no_such_vhost.*nothing is changed/,
  );
});
