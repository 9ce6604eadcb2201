/** Users and permissions as RabbitMQ has them, over HTTP and AMQP; and that they hold for Kafka and Redis as well. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { Connection } from "rabbitmq-client";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { api, basic, makeUser, nothingAllowed, permit } from "../../support/users.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

async function connect(name: string, password: string): Promise<amqplib.ChannelModel> {
  const connection = await amqplib.connect(`amqp://${name}:${password}@127.0.0.1:${broker.ports.amqp}`);
  connection.on("error", () => {});
  return connection;
}

/** What a channel is closed with when this is done on it; "" if nothing. */
async function refusalOf(
  connection: amqplib.ChannelModel,
  act: (channel: amqplib.ConfirmChannel) => Promise<unknown>,
): Promise<string> {
  const channel = await connection.createConfirmChannel();
  const failed = new Promise<string>((resolve) =>
    channel.on("error", (error: Error) => resolve(error.message)),
  );
  const done = act(channel).then(
    () => "",
    (error: Error) => error.message,
  );
  const text = await Promise.race([failed, done]);
  if (text === "") await channel.close();
  return text;
}

const refused = (what: string, user: string): RegExp =>
  new RegExp(`ACCESS_REFUSED - access to ${what} in vhost '/' refused for user '${user}'`);

test("the API makes users and permissions, in RabbitMQ's forms, for administrators only", async () => {
  assert.deepEqual(await api(broker, "GET", "whoami"), {
    status: 200,
    body: { name: "guest", tags: ["administrator"] },
  });
  await makeUser(broker, "ann", "secret", { configure: "^ann-", write: "^ann-", read: ".*" }, "monitoring");
  const { password_hash: hash, ...ann } = (await api(broker, "GET", "users/ann")).body as Record<
    string,
    unknown
  >;
  const algorithm = "troikamq_password_hashing_scrypt";
  assert.deepEqual(ann, { name: "ann", tags: ["monitoring"], hashing_algorithm: algorithm, limits: {} });
  assert.equal(typeof hash, "string");
  const permission = { user: "ann", vhost: "/", configure: "^ann-", write: "^ann-", read: ".*" };
  assert.deepEqual((await api(broker, "GET", "users/ann/permissions")).body, [permission]);
  assert.deepEqual((await api(broker, "GET", "permissions/%2F/ann")).body, permission);
  const again = { password: "secret", tags: "" };
  assert.equal((await api(broker, "PUT", "users/ann", again)).status, 204);
  assert.equal((await api(broker, "GET", "users", undefined, basic("ann", "secret"))).status, 401);
  const wrongPassword = await api(broker, "GET", "users", undefined, basic("ann", "wrong"));
  assert.equal(wrongPassword.status, 401);
  assert.match((wrongPassword.body as { reason: string }).reason, /^the user or the password is wrong/);
  const shown = JSON.stringify((await api(broker, "GET", "users")).body);
  assert.ok(!shown.includes("secret"), shown);
  const wrong: [method: string, path: string, body: unknown, status: number, reason: string | RegExp][] = [
    ["PUT", "users/bob", [], 400, "not_json"],
    ["PUT", "users/bob", { password: 3, tags: "" }, 400, "password is no text; give it in quotes"],
    ["PUT", "users/bob", { password_hash: "AAAA" }, 400, "tags_not_present"],
    ["PUT", "users/bob", { password: "x" }, 400, "tags_not_present"],
    ["PUT", "users/bob", { password: "x", tags: 3 }, 400, /^tags is neither a text .* nor a list/],
    [
      "PUT",
      "users/bob",
      { tags: "administrater" },
      400,
      'unknown tag "administrater"; did you mean administrator?',
    ],
    ["PUT", "users/bob", { pasword: "x", tags: "" }, 400, 'unknown key "pasword"; did you mean password?'],
    ["PUT", "users/bob", { name: "ann", tags: "" }, 400, 'name is "ann" in the body and another in the path'],
    ["PUT", "users/b%00b", { password: "x", tags: "" }, 400, "a user needs a name"],
    ["PUT", "users/%ff", { password: "x" }, 400, "a name in the path is not percent-encoded UTF-8"],
    ["PUT", "permissions/%2F/nobody", nothingAllowed, 400, "vhost_or_user_not_found"],
    ["PUT", "permissions/none/ann", nothingAllowed, 400, "vhost_or_user_not_found"],
    [
      "PUT",
      "permissions/%2F/ann",
      { configure: "(", write: "", read: "" },
      400,
      /^configure: the pattern is no regular expression: a \( without its \)/,
    ],
    [
      "PUT",
      "permissions/%2F/ann",
      { ...nothingAllowed, write: "(a)\\1" },
      400,
      /^write: .* back-reference .* write the names/,
    ],
    [
      "PUT",
      "permissions/%2F/ann",
      { ...nothingAllowed, read: "a".repeat(1001) },
      400,
      /^read: the pattern is longer than 1000 bytes/,
    ],
    ["PUT", "permissions/%2F/ann", { configure: "" }, 400, "[{key_missing,write},{key_missing,read}]"],
    ["PUT", "permissions/%2F/ann", { ...nothingAllowed, read: 1 }, 400, "read is no text; give it in quotes"],
    [
      "PUT",
      "permissions/%2F/ann",
      { ...nothingAllowed, wirte: "" },
      400,
      'unknown key "wirte"; did you mean write?',
    ],
    ["POST", "users/ann", {}, 405, "/api/users/ann takes GET, HEAD, PUT, DELETE"],
    ["GET", "users/nobody/permissions", undefined, 404, "Not Found"],
    ["GET", "permissions/%2F/default", undefined, 404, "Not Found"],
    ["GET", "vhosts/none", undefined, 404, "Not Found"],
    ["DELETE", "users/nobody", undefined, 404, "Not Found"],
    ["DELETE", "users/default", undefined, 400, "the user 'default' cannot be deleted"],
    ["GET", "nothing", undefined, 404, "Not Found"],
  ];
  for (const [method, path, body, status, reason] of wrong) {
    const answer = await api(broker, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}`);
    const told = (answer.body as { reason: string }).reason;
    if (typeof reason === "string") assert.equal(told, reason);
    else assert.match(told, reason);
  }
  // What RabbitMQ's own clients say besides.
  const wordy = { name: "bob", password: "x", tags: [], hashing_algorithm: "rabbit_password_hashing_sha256" };
  assert.equal((await api(broker, "PUT", "users/bob", wordy)).status, 201);
  const wordyToo = { ...nothingAllowed, vhost: "/", username: "bob" };
  assert.equal((await api(broker, "PUT", "permissions/%2F/bob", wordyToo)).status, 201);
  assert.equal((await api(broker, "DELETE", "users/bob")).status, 204);
});

test("a virtual host may have the name of what every object has", async () => {
  await makeUser(broker, "eve", "x", nothingAllowed);
  for (const name of ["constructor", "__proto__"]) {
    const path = `permissions/${name}/eve`;
    assert.equal((await api(broker, "PUT", `vhosts/${name}`)).status, 201);
    assert.equal((await api(broker, "GET", path)).status, 404);
    assert.equal((await api(broker, "DELETE", path)).status, 404);
    assert.equal((await api(broker, "PUT", path, nothingAllowed)).status, 201);
    assert.equal((await api(broker, "PUT", path, nothingAllowed)).status, 204);
    assert.deepEqual((await api(broker, "GET", path)).body, { user: "eve", vhost: name, ...nothingAllowed });
    assert.equal((await api(broker, "DELETE", path)).status, 204);
  }
  // A virtual host that only Redis has.
  assert.equal((await api(broker, "PUT", "permissions/%00redis%2F1/eve", nothingAllowed)).status, 400);
  assert.equal((await api(broker, "DELETE", "users/eve")).status, 204);
});

test("a user who is deleted while a request about it comes stays deleted", async () => {
  await makeUser(broker, "mallory", "x", null);
  const asking = request({
    host: "127.0.0.1",
    port: broker.ports.http,
    path: "/api/permissions/%2F/mallory",
    method: "PUT",
    headers: {
      authorization: basic("guest", "guest"),
      "content-type": "application/json",
      expect: "100-continue",
    },
  });
  const status = new Promise<number>((resolve, reject) => {
    asking.on("response", (answer) => resolve(answer.resume().statusCode!)).on("error", reject);
  });
  const body = JSON.stringify(nothingAllowed);
  asking.write(body.slice(0, 5));
  // The head and the beginning of the body are there before the next request.
  await new Promise((resolve) => asking.on("socket", (socket) => socket.on("connect", resolve)));
  await api(broker, "GET", "whoami");
  assert.equal((await api(broker, "DELETE", "users/mallory")).status, 204);
  asking.end(body.slice(5));
  assert.equal(await status, 400);
  assert.equal((await api(broker, "GET", "users/mallory")).status, 404);
});

test("the last administrator, and the operator's own user, stay what they are: 409", async () => {
  const last =
    /^user 'guest' is the last administrator who can log in; give another user the tag administrator/;
  const refusals: [method: string, body: unknown][] = [
    ["DELETE", undefined],
    ["PUT", { password: "guest", tags: "monitoring" }],
    ["PUT", { tags: "administrator" }],
  ];
  for (const [method, body] of refusals) {
    const { status, body: told } = await api(broker, method, "users/guest", body);
    assert.equal(status, 409, method);
    assert.match((told as { reason: string }).reason, last);
  }
  const redis = await RawRedis.open(broker.ports.redis);
  assert.match(await redis.call("ACL", "DELUSER", "nobody", "guest"), /^-ERR user 'guest' is the last/);
  assert.match(await redis.call("ACL", "SETUSER", "guest", "off"), /^-ERR user 'guest' is the last/);
  await redis.close();
  await makeUser(broker, "root", "r", null, "administrator");
  const asRoot = basic("root", "r");
  const { status } = await api(broker, "PUT", "users/guest", { password: "guest", tags: "" }, asRoot);
  assert.equal(status, 204);
  assert.equal((await api(broker, "DELETE", "users/root", undefined, asRoot)).status, 409);
  const guest = { password: "guest", tags: "administrator" };
  assert.equal((await api(broker, "PUT", "users/guest", guest, asRoot)).status, 204);
  assert.equal((await api(broker, "DELETE", "users/root")).status, 204);

  const operated = await startTestBroker({ args: ["--user", "ops"], env: { TROIKAMQ_PASSWORD: "secret" } });
  try {
    const ops = basic("ops", "secret");
    for (const [method, body] of [
      ["DELETE", undefined],
      ["PUT", { password: "x", tags: "" }],
    ] as const) {
      const { status: code, body: told } = await api(operated, method, "users/ops", body, ops);
      assert.equal(code, 409);
      assert.match(
        (told as { reason: string }).reason,
        /^user 'ops' is the operator's own \(--user and --password/,
      );
    }
    assert.equal((await api(operated, "DELETE", "users/guest", undefined, ops)).status, 204);
    assert.equal((await api(operated, "GET", "whoami", undefined, ops)).status, 200);
  } finally {
    await operated.stop();
  }
});

test("a body of more than 64 KiB is not read", async () => {
  const { status } = await fetch(`http://127.0.0.1:${broker.ports.http}/api/users/big`, {
    method: "PUT",
    headers: { authorization: basic("guest", "guest") },
    body: JSON.stringify({ password: "x".repeat(100_000), tags: "" }),
  });
  assert.equal(status, 413);
  assert.equal((await api(broker, "GET", "users/big")).status, 404);
});

test("a page of another site, or one that calls itself this machine, is refused", async () => {
  const ask = (headers: Record<string, string>, path = "/metrics"): Promise<Response> =>
    fetch(`http://127.0.0.1:${broker.ports.http}${path}`, { headers });
  assert.equal((await ask({ origin: "http://evil.example" })).status, 403);
  assert.equal((await ask({ origin: "null" })).status, 403);
  assert.equal((await ask({ origin: `http://127.0.0.1:${broker.ports.http}` })).status, 200);
  // fetch says itself which host it asks.
  const askAs = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const options = { port: broker.ports.http, host: "127.0.0.1", path: "/metrics", headers: { host } };
      request(options, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on("error", reject)
        .end();
    });
  assert.equal(await askAs("evil.example"), 421);
  assert.equal(await askAs("localhost:1"), 200);
});

test("AMQP: each method needs what it needs in RabbitMQ, and says so in its words", async () => {
  const guest = await connect("guest", "guest");
  const setup = await guest.createChannel();
  await setup.assertQueue("other");
  await setup.assertExchange("out", "topic");
  await makeUser(broker, "bea", "b", { configure: "^bea-", write: "^(bea-|amq\\.default$)", read: "^bea-" });
  const bea = await connect("bea", "b");
  const check = async (
    what: string,
    act: (channel: amqplib.ConfirmChannel) => Promise<unknown>,
  ): Promise<void> => assert.match(await refusalOf(bea, act), refused(what, "bea"));
  assert.equal(await refusalOf(bea, (channel) => channel.assertQueue("bea-q")), "");
  assert.equal(await refusalOf(bea, (channel) => channel.assertExchange("bea-x", "direct")), "");
  assert.equal(await refusalOf(bea, (channel) => channel.bindQueue("bea-q", "bea-x", "k")), "");
  assert.equal(await refusalOf(bea, (channel) => channel.checkQueue("other")), "", "passive");
  await check("queue 'other'", (channel) => channel.assertQueue("other"));
  await check("queue 'other'", (channel) => channel.deleteQueue("other"));
  await check("queue 'other'", (channel) => channel.purgeQueue("other"));
  await check("queue 'other'", (channel) => channel.consume("other", () => {}));
  await check("queue 'other'", (channel) => channel.get("other"));
  await check("queue 'other'", (channel) => channel.bindQueue("other", "bea-x", "k"));
  await check("exchange 'out'", (channel) => channel.bindQueue("bea-q", "out", "k"));
  await check("exchange 'out'", (channel) => channel.unbindQueue("bea-q", "out", "k"));
  await check("exchange 'out'", (channel) => channel.bindExchange("bea-x", "out", "k"));
  await check("exchange 'out'", (channel) => channel.assertExchange("out", "topic"));
  await check("exchange 'out'", (channel) => channel.deleteExchange("out"));
  await check("exchange 'out'", (channel) => channel.assertQueue("bea-d", { deadLetterExchange: "out" }));
  await check("exchange 'out'", (channel) =>
    channel.assertExchange("bea-a", "direct", { alternateExchange: "out" }),
  );
  const publish = (exchange: string, key: string) => (channel: amqplib.ConfirmChannel) => {
    channel.publish(exchange, key, Buffer.from("x"));
    return channel.waitForConfirms();
  };
  await check("exchange 'out'", publish("out", "k"));
  assert.equal(await refusalOf(bea, publish("", "other")), "", "amq.default is allowed");
  assert.equal(await refusalOf(bea, publish("bea-x", "k")), "");
  await bea.close();
  await guest.close();
});

test("what is taken from a user is taken from its open channels; a user that is deleted is sent away", async () => {
  await makeUser(broker, "cyd", "c", { configure: ".*", write: ".*", read: ".*" });
  const cyd = await connect("cyd", "c");
  const channel = await cyd.createConfirmChannel();
  await channel.assertQueue("cyd-q");
  const publish = async (): Promise<void> => {
    channel.sendToQueue("cyd-q", Buffer.from("x"));
    await channel.waitForConfirms();
  };
  await publish();
  const failed = new Promise<Error>((resolve) => channel.on("error", resolve));
  await permit(broker, "cyd", { configure: "", write: "", read: ".*" });
  void publish().catch(() => {});
  assert.match((await failed).message, refused("exchange 'amq.default'", "cyd"));
  // amqplib takes this code for no error.
  const gone = new Promise<Error>((resolve) => cyd.on("close", resolve));
  assert.equal((await api(broker, "DELETE", "users/cyd")).status, 204);
  assert.match((await gone).message, /CONNECTION_FORCED - user 'cyd' was deleted/);
  await assert.rejects(connect("cyd", "c"), /ACCESS.REFUSED/);
});

test("virtual hosts: who makes one may do everything there, others what they are permitted there", async () => {
  assert.equal((await api(broker, "PUT", "vhosts/zo%C3%A9", {})).status, 201);
  assert.equal((await api(broker, "PUT", "vhosts/zo%C3%A9", {})).status, 204);
  const vhosts = (await api(broker, "GET", "vhosts")).body as { name: string }[];
  const odd = new Set(["constructor", "__proto__"]);
  assert.deepEqual(
    vhosts.map(({ name }) => name).filter((name) => !odd.has(name)),
    ["/", "zoé"],
  );
  await makeUser(broker, "fay", "f", nothingAllowed);
  const there = { configure: "^fay$", write: ".*", read: ".*" };
  assert.equal((await api(broker, "PUT", "permissions/zo%C3%A9/fay", there)).status, 201);
  assert.deepEqual((await api(broker, "GET", "permissions/zo%C3%A9/fay")).body, {
    user: "fay",
    vhost: "zoé",
    ...there,
  });
  await broker.kill();
  await broker.restart();
  const open = (name: string, password: string, vhost: string): Promise<amqplib.ChannelModel> =>
    amqplib.connect(`amqp://${name}:${password}@127.0.0.1:${broker.ports.amqp}/${encodeURIComponent(vhost)}`);
  const fay = await open("fay", "f", "zoé");
  assert.equal(await refusalOf(fay, (channel) => channel.assertQueue("fay")), "");
  assert.match(await refusalOf(fay, (channel) => channel.assertQueue("no")), /access to queue 'no' in vhost/);
  const elsewhere = await open("fay", "f", "/");
  assert.match(
    await refusalOf(elsewhere, (channel) => channel.assertQueue("fay")),
    refused("queue 'fay'", "fay"),
  );
  const guest = await open("guest", "guest", "zoé");
  assert.equal(await refusalOf(guest, (channel) => channel.checkQueue("fay")), "");
  for (const connection of [fay, elsewhere, guest]) await connection.close();
  for (const [method, path, status] of [
    ["POST", "vhosts/zo%C3%A9", 405],
    ["PUT", "vhosts/a%00b", 400],
    ["PUT", `vhosts/${"x".repeat(256)}`, 400],
    ["GET", "vhosts/none", 404],
  ] as const) {
    assert.equal((await api(broker, method, path, method === "GET" ? undefined : {})).status, status, path);
  }
});

test("with the tag impersonator a user publishes in the name of others, until it is taken", async () => {
  const all = { configure: ".*", write: ".*", read: ".*" };
  await makeUser(broker, "imp", "i", all, "impersonator");
  await makeUser(broker, "adm", "a", all, "administrator");
  const publishAsBob = async (channel: amqplib.ConfirmChannel): Promise<void> => {
    channel.publish("", "named", Buffer.from("m"), { userId: "bob" });
    await channel.waitForConfirms();
  };
  const impersonator = await connect("imp", "i");
  const channel = await impersonator.createChannel();
  await channel.assertQueue("named");
  assert.equal(await refusalOf(impersonator, publishAsBob), "");
  const got = await channel.get("named", { noAck: true });
  assert.ok(got);
  assert.equal(got.properties.userId, "bob");
  const administrator = await connect("adm", "a");
  const refusal = /user_id property set to 'bob' but authenticated user was '(adm|imp)'/;
  assert.match(await refusalOf(administrator, publishAsBob), refusal);
  assert.equal((await api(broker, "PUT", "users/imp", { password: "i", tags: "" })).status, 204);
  assert.match(await refusalOf(impersonator, publishAsBob), refusal);
  for (const connection of [impersonator, administrator]) await connection.close();
});

test("without a permission in the vhost there is no way in", async () => {
  await makeUser(broker, "dot", "d", null);
  const client = new Connection({ url: `amqp://dot:d@127.0.0.1:${broker.ports.amqp}`, retryLow: 60_000 });
  const error = await new Promise<Error>((resolve) => client.on("error", resolve));
  assert.match(error.message, /access to vhost '\/' refused for user 'dot'/);
  await client.close();
});

test("the same permissions hold for Kafka and Redis", async () => {
  await makeUser(broker, "eva", "e", { configure: "^eva", write: "^eva", read: "^(eva|shared)" });
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: "plain", username: "eva", password: "e" },
  });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: "eva-topic", messages: [{ value: "1" }] });
  await assert.rejects(producer.send({ topic: "other", messages: [{ value: "1" }] }), /not authorized/i);
  await producer.disconnect();
  const redis = await RawRedis.open(broker.ports.redis);
  assert.equal(await redis.call("auth", "eva", "e"), "+OK\r\n");
  assert.equal(await redis.call("xlen", "eva-topic"), ":1\r\n");
  assert.match(await redis.call("xadd", "eva-stream", "*", "a", "1"), /^\$/);
  const noKey = "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n";
  assert.equal(await redis.call("xadd", "shared", "*", "a", "1"), noKey);
  assert.equal(await redis.call("xlen", "shared"), ":0\r\n");
  assert.equal(await redis.call("xlen", "other"), noKey);
  assert.equal(
    await redis.call("flushall"),
    "-NOPERM this user has no permissions to run the 'flushall' command\r\n",
  );
  await redis.close();
});
