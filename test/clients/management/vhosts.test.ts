/** Virtual hosts over the API: metadata, limits, a default queue type, and their deletion with everything in them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import amqplib, { type ChannelModel } from "amqplib";
import { open, protocolHeader, RawClient, startOk, tuneOk } from "../../support/amqp-raw.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api, makeUser, permit } from "../../support/users.ts";

let broker: TestBroker;
before(async () => (broker = await startTestBroker()));
after(() => broker.stop());

async function put(path: string, body: object = {}): Promise<void> {
  const { status } = await api(broker, "PUT", path, body);
  assert.ok(status === 201 || status === 204, `${path}: ${status}`);
}

async function connect(vhost: string, user = "guest:guest"): Promise<ChannelModel> {
  const url = `amqp://${user}@127.0.0.1:${broker.ports.amqp}/${encodeURIComponent(vhost)}`;
  const connection = await amqplib.connect(url);
  connection.on("error", () => {});
  return connection;
}

/** What a client is told that may not connect: amqplib keeps the broker's words to itself. */
async function refusal(vhost: string, user = "guest", password = "guest"): Promise<string> {
  const client = new RawClient(broker.amqpUrl);
  client.send(protocolHeader);
  await client.method("10.10");
  client.send(startOk(user, password, ["authentication_failure_close"]));
  await client.method("10.30");
  client.send(tuneOk(100, 131_072, 0), open(vhost));
  const { payload } = await client.method("10.50");
  client.socket.destroy();
  return payload.toString("latin1");
}

test("metadata and a default queue type", async () => {
  await put("vhosts/meta", { description: "about", tags: "one, two", default_queue_type: "quorum" });
  const { body } = await api(broker, "GET", "vhosts/meta");
  const { description, tags, default_queue_type: type, metadata } = body as Record<string, unknown>;
  assert.deepEqual([description, tags, type], ["about", ["one", "two"], "quorum"]);
  assert.deepEqual(metadata, { default_queue_type: "quorum", description: "about", tags: ["one", "two"] });
  const connection = await connect("meta");
  const channel = await connection.createChannel();
  await channel.assertQueue("q", { durable: true });
  // It is the same queue with the type named, and without.
  await channel.assertQueue("q", { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.assertQueue("q", { durable: true });
  // Neither durable nor shared ones can be of that type.
  await channel.assertQueue("t", { durable: false, exclusive: true });
  await connection.close();
});

test("limits of a virtual host and of a user are refused in RabbitMQ's words", async () => {
  await put("vhosts/small");
  await put("vhost-limits/small/max-queues", { value: 1 });
  await put("vhost-limits/small/max-connections", { value: 1 });
  const first = await connect("small");
  assert.match(
    await refusal("small"),
    /NOT_ALLOWED - access to vhost 'small' refused for user 'guest': connection limit \(1\) is reached/,
  );
  const channel = await first.createChannel();
  channel.on("error", () => {});
  await channel.assertQueue("a");
  await assert.rejects(
    channel.assertQueue("b"),
    /PRECONDITION_FAILED - cannot declare queue 'b': queue limit in vhost 'small' \(1\) is reached/,
  );
  await (await first.createChannel()).assertQueue("a");
  await first.close();
  await makeUser(broker, "few", "pw", { configure: ".*", write: ".*", read: ".*" });
  await put("user-limits/few/max-connections", { value: 1 });
  await put("user-limits/few/max-channels", { value: 1 });
  const only = await connect("/", "few:pw");
  assert.match(
    await refusal("/", "few", "pw"),
    /NOT_ALLOWED - connection refused for user 'few': user connection limit \(1\) is reached/,
  );
  await (await only.createChannel()).close();
  await only.createChannel();
  await assert.rejects(only.createChannel(), /channel|closed/i);
  const again = await connect("/", "few:pw");
  await again.close();
});

test("a virtual host is deleted with all that is in it, and its clients are told", async () => {
  await put("vhosts/gone");
  await makeUser(broker, "there", "pw", null);
  assert.equal(
    (await api(broker, "PUT", "permissions/gone/there", { configure: ".*", write: ".*", read: ".*" })).status,
    201,
  );
  await put("policies/gone/p", { pattern: ".*", definition: { "max-length": 9 } });
  const connection = await connect("gone", "there:pw");
  const closed = once(connection, "close");
  const errors: string[] = [];
  connection.on("error", (error: Error) => errors.push(error.message));
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  for (let i = 0; i < 300; i++) await channel.assertQueue(`q${i}`, { durable: true });
  await channel.assertExchange("e", "topic");
  await channel.bindQueue("q1", "e", "a.#");
  channel.sendToQueue("q1", Buffer.from("m"), { persistent: true });
  assert.equal((await api(broker, "DELETE", "vhosts/gone")).status, 204);
  await closed;
  // amqplib tells of CONNECTION_FORCED by operator as a close without an error.
  assert.ok(
    errors.every((text) => text.includes("vhost 'gone' is deleted")),
    errors.join(),
  );
  for (const path of ["vhosts/gone", "policies/gone/p", "permissions/gone/there"]) {
    assert.equal((await api(broker, "GET", path)).status, 404, path);
  }
  assert.deepEqual((await api(broker, "GET", "users/there/permissions")).body, []);
  assert.match(await refusal("gone"), /vhost gone not found/);
  await put("vhosts/gone");
  assert.deepEqual((await api(broker, "GET", "policies/gone")).body, []);
  const anew = await connect("gone");
  const fresh = await anew.createChannel();
  assert.equal((await fresh.assertQueue("q1", { durable: true })).messageCount, 0);
  await anew.close();
});

test("a deletion is whole after SIGKILL", async () => {
  await put("vhosts/killed");
  const connection = await connect("killed");
  const channel = await connection.createChannel();
  for (let i = 0; i < 100; i++) await channel.assertQueue(`k${i}`, { durable: true });
  await connection.close();
  const deleted = api(broker, "DELETE", "vhosts/killed").catch(() => null);
  await deleted;
  await broker.kill();
  await broker.restart();
  assert.equal((await api(broker, "GET", "vhosts/killed")).status, 404);
  await put("vhosts/killed");
  assert.deepEqual((await api(broker, "GET", "queues/killed")).body, []);
});

test("a virtual host that is protected is not deleted, after SIGKILL neither", async () => {
  assert.equal((await api(broker, "PUT", "vhosts/kept", { description: "d" })).status, 201);
  assert.equal((await api(broker, "POST", "vhosts/kept/deletion/protection", {})).status, 204);
  await broker.kill();
  await broker.restart();
  assert.equal((await api(broker, "PUT", "vhosts/kept", { description: "e" })).status, 204);
  const { body } = await api(broker, "GET", "vhosts/kept");
  const { metadata, protected_from_deletion: isProtected } = body as Record<string, unknown>;
  assert.deepEqual(metadata, { description: "e", tags: [], protected_from_deletion: true });
  assert.equal(isProtected, true);
  assert.deepEqual(await api(broker, "DELETE", "vhosts/kept"), {
    status: 412,
    body: {
      error: "precondition_failed",
      reason: "Refusing to delete virtual host 'kept' because it is protected from deletion",
    },
  });
  assert.equal((await api(broker, "DELETE", "vhosts/kept/deletion/protection")).status, 204);
  assert.equal((await api(broker, "DELETE", "vhosts/kept")).status, 204);
  assert.equal((await api(broker, "POST", "vhosts/kept/deletion/protection", {})).status, 404);
});

test("the virtual host of Redis and Kafka stays", async () => {
  const { status, body } = await api(broker, "DELETE", "vhosts/%2F");
  assert.equal(status, 400);
  assert.match((body as { reason: string }).reason, /Redis and Kafka/);
});

test("topic permissions bound the keys that a user publishes and binds by", async () => {
  await makeUser(broker, "topical", "pw", { configure: ".*", write: ".*", read: ".*" });
  await permit(broker, "topical", { configure: ".*", write: ".*", read: ".*" });
  await put("topic-permissions/%2F/topical", {
    exchange: "amq.topic",
    write: "^{username}\\.",
    read: "^open",
  });
  const connection = await connect("/", "topical:pw");
  const refused = async (act: (channel: amqplib.ConfirmChannel) => Promise<unknown>): Promise<string> => {
    const channel = await connection.createConfirmChannel();
    const failed = once(channel, "error");
    await act(channel).catch(() => {});
    return ((await failed)[0] as Error).message;
  };
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, "amq.topic", "open.#");
  channel.publish("amq.topic", "topical.a", Buffer.from("m"));
  await channel.waitForConfirms();
  // Other exchanges are not concerned.
  channel.publish("amq.direct", "any", Buffer.from("m"));
  await channel.waitForConfirms();
  const written = await refused(async (other) => {
    other.publish("amq.topic", "foreign.a", Buffer.from("m"));
    await other.waitForConfirms();
  });
  assert.match(
    written,
    /ACCESS_REFUSED - access to topic 'foreign\.a' in exchange 'amq\.topic' in vhost '\/' refused for user 'topical'/,
  );
  const bound = await refused((other) => other.bindQueue(queue, "amq.topic", "closed.#"));
  assert.match(bound, /access to topic 'closed\.#' in exchange 'amq\.topic'/);
  assert.equal((await api(broker, "DELETE", "topic-permissions/%2F/topical")).status, 204);
  channel.publish("amq.topic", "foreign.a", Buffer.from("m"));
  await channel.waitForConfirms();
  await connection.close();
});

/** What stands for a place of a path, where something of that name is in both virtual hosts. */
const places: Readonly<Record<string, string>> = {
  vhost: "one",
  user: "in-both",
  exchange: "x",
  source: "x",
  component: "federation-upstream-set",
};
const namesIn: Readonly<Record<string, string>> = { queues: "q", exchanges: "x" };

test("what is asked of one virtual host shows nothing of another", async () => {
  const all = { configure: ".*", write: ".*", read: ".*" };
  await makeUser(broker, "in-both", "pw", null, "administrator");
  const connections: ChannelModel[] = [];
  for (const vhost of ["two", "one"]) {
    await put(`vhosts/${vhost}`);
    await put(`permissions/${vhost}/in-both`, all);
    await put(`permissions/${vhost}/guest`, all);
    await put(`topic-permissions/${vhost}/in-both`, { exchange: `only-${vhost}`, write: ".*", read: ".*" });
    for (const name of ["p", `only-${vhost}`]) {
      const policy = { pattern: "^none$", definition: { "max-length": 5 }, priority: 0 };
      await put(`policies/${vhost}/${name}`, policy);
      await put(`operator-policies/${vhost}/${name}`, policy);
      await put(`queues/${vhost}/${name}`, { durable: true });
      await put(`exchanges/${vhost}/${name}`, { type: "fanout" });
    }
    await put(`queues/${vhost}/q`, { durable: true });
    await put(`exchanges/${vhost}/x`, { type: "fanout" });
    const connection = await connect(vhost);
    connections.push(connection);
    const channel = await connection.createChannel();
    for (const name of ["q", `only-${vhost}`]) await channel.bindQueue(name, "x", `only-${vhost}`);
    await channel.bindExchange("p", "x", `only-${vhost}`);
    await channel.bindExchange("x", `only-${vhost}`, `only-${vhost}`);
    await channel.consume("q", () => {}, { consumerTag: `only-${vhost}` });
    await put(`vhost-limits/${vhost}/max-queues`, { value: vhost === "one" ? 111 : 222 });
  }
  const paths = (await api(broker, "GET", "openapi.json")).body as {
    paths: Record<string, Record<string, unknown>>;
  };
  const asked: string[] = [];
  const empty: string[] = [];
  for (const [path, { get }] of Object.entries(paths.paths)) {
    if (get === undefined || !path.includes("{vhost}")) continue;
    const family = path.split("/")[2]!;
    const at = path.replace("/api/", "").replaceAll(/\{(\w+)\}/g, (_, place: string) => {
      if (place === "destination") return path.includes("/q/") ? "q" : "p";
      if (place === "props") return "only-one";
      return places[place] ?? namesIn[family] ?? "p";
    });
    const { status, body } = await api(broker, "GET", at);
    asked.push(path);
    if (status !== 200) {
      assert.match(path, /parameters/, `${at}: ${status}`);
      continue;
    }
    const text = JSON.stringify(body);
    if (text === "[]") empty.push(path);
    assert.doesNotMatch(text, /only-two|"max-queues":222|"vhost":"(?!one")/, at);
  }
  assert.ok(asked.length > 30, `${asked.length} paths`);
  for (const path of empty) assert.match(path, /shovels|federation|stream|parameters/);
  for (const connection of connections) await connection.close();
});
