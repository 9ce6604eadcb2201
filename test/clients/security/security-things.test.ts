/**
 * A right is asked for the thing that is touched, by whichever way: partitions of a topic, channels behind amq.topic,
 * queues behind the default exchange, other databases; and names are hidden from who may not describe them.
 * The matrix of all operations is security-matrix.test.ts.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type ChannelModel, type ConfirmChannel } from "amqplib";
import kafkajs, { type Admin, type Producer } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { makeUser, type Permission, permit } from "../../support/users.ts";

// CommonJS, whose enumerations Node does not see as names.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } =
  kafkajs;

const free: Permission = { configure: ".*", write: ".*", read: ".*" };
const noKey = "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n";
const noChannel = "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n";
const topicAuthorizationFailed = 29;

let broker: TestBroker;
let admin: Admin;
let operator: RawRedis;
const ends: (() => Promise<unknown> | void)[] = [];

before(async () => {
  broker = await startTestBroker();
  admin = kafkaAs("guest", "guest").admin();
  await admin.connect();
  operator = await RawRedis.open(broker.ports.redis);
  ends.push(
    () => operator.close(),
    () => admin.disconnect(),
  );
});
after(async () => {
  for (const end of ends.toReversed()) await end();
  await broker.stop();
});

function kafkaAs(username: string, password: string): InstanceType<typeof Kafka> {
  return new Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: "plain", username, password },
  });
}

async function redisAs(name: string): Promise<(line: string) => Promise<string>> {
  const client = await RawRedis.open(broker.ports.redis);
  ends.push(() => client.close());
  assert.equal(await client.call("AUTH", name, "pw"), "+OK\r\n");
  return (line) => client.call(...line.split(" "));
}

async function wireAs(name: string): Promise<KafkaWireClient> {
  const client = await KafkaWireClient.connect(broker.ports.kafka);
  ends.push(() => client.close());
  await client.request("SaslHandshake", 1, { mechanism: "PLAIN" });
  await client.request("SaslAuthenticate", 2, { authBytes: Buffer.from(`\0${name}\0pw`) });
  return client;
}

async function amqpAs(name: string): Promise<ChannelModel> {
  const connection = await amqplib.connect(`amqp://${name}:pw@127.0.0.1:${broker.ports.amqp}`);
  connection.on("error", () => {});
  ends.push(() => connection.close());
  return connection;
}

/** What a channel of its own is closed with; "" if nothing. */
async function refusalOf(
  connection: ChannelModel,
  act: (channel: ConfirmChannel) => Promise<unknown>,
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

const published = (exchange: string, key: string) => (channel: ConfirmChannel) => {
  channel.publish(exchange, key, Buffer.from("x"));
  return channel.waitForConfirms();
};

type Words = keyof typeof AclOperationTypes;

async function setAcl(
  user: string,
  permission: "ALLOW" | "DENY",
  operation: Words,
  topic: string,
): Promise<void> {
  await admin.createAcls({
    acl: [
      {
        resourceType: AclResourceTypes.TOPIC,
        resourceName: topic,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: `User:${user}`,
        host: "*",
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes[permission],
      },
    ],
  });
}

async function fetchError(client: KafkaWireClient, topic: string, partition: number): Promise<number> {
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const { responses } = await client.request("Fetch", 11, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic, partitions }],
  });
  return responses[0]!.partitions[0]!.errorCode;
}

test("a denial of a topic is one of its partitions, by whichever name and protocol", async () => {
  await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
  await makeUser(broker, "dan", "pw", free);
  const dan = await redisAs("dan");
  const amqp = await amqpAs("dan");
  const wire = await wireAs("dan");
  assert.match(await dan("XADD orders-0 * f v"), /^\$/);
  await setAcl("dan", "DENY", "READ", "orders");
  await setAcl("dan", "DENY", "WRITE", "orders");
  await setAcl("dan", "DENY", "DELETE", "orders");
  for (const line of [
    "XRANGE orders-0 - +",
    "XREAD STREAMS orders-1 0",
    "XINFO STREAM orders-0",
    "XADD orders-0 * f v",
    "XDEL orders-0 1-1",
    "XTRIM orders-0 MAXLEN 0",
    "DEL orders-0",
    "EXPIRE orders-1 1",
    "XADD orders * f v",
  ])
    assert.equal(await dan(line), noKey, line);
  assert.equal(await dan("XLEN orders-0"), ":1\r\n", "it is seen, and nothing is gone");
  for (const [topic, partition] of [
    ["orders", 0],
    ["orders", 1],
    ["orders-0", 0],
  ] as const)
    assert.equal(await fetchError(wire, topic, partition), topicAuthorizationFailed, topic);
  assert.match(await refusalOf(amqp, published("", "orders-0")), /ACCESS_REFUSED/);
  assert.match(await refusalOf(amqp, published("orders", "k")), /ACCESS_REFUSED/);
  const consume = async (channel: ConfirmChannel): Promise<void> => {
    await channel.prefetch(1);
    await channel.consume("orders-0", () => {});
  };
  assert.match(await refusalOf(amqp, consume), /ACCESS_REFUSED/);
  assert.match(await refusalOf(amqp, (channel) => channel.deleteQueue("orders-0")), /ACCESS_REFUSED/);
  await assert.rejects(
    kafkaAs("dan", "pw")
      .admin()
      .deleteTopics({ topics: ["orders-1"] }),
  );
});

test("a denial of one partition is one of what touches it, and of what touches the whole topic", async () => {
  await admin.createTopics({ topics: [{ topic: "parts", numPartitions: 2 }] });
  await makeUser(broker, "eve", "pw", free);
  const eve = await redisAs("eve");
  const wire = await wireAs("eve");
  await setAcl("eve", "DENY", "READ", "parts-0");
  await setAcl("eve", "DENY", "DELETE", "parts-0");
  await setAcl("eve", "DENY", "CREATE", "parts-2");
  assert.equal(await fetchError(wire, "parts", 0), topicAuthorizationFailed);
  assert.equal(await fetchError(wire, "parts", 1), 0);
  assert.equal(await eve("XRANGE parts-0 - +"), noKey);
  assert.equal(await eve("XRANGE parts-1 - +"), "*0\r\n");
  const { responses } = await wire.request("DeleteTopics", 4, { topicNames: ["parts"], timeoutMs: 1000 });
  assert.equal(responses[0]!.errorCode, topicAuthorizationFailed);
  const grown = await wire.request("CreatePartitions", 1, {
    topics: [{ name: "parts", count: 3, assignments: null }],
    timeoutMs: 1000,
    validateOnly: false,
  });
  assert.equal(grown.results[0]!.errorCode, topicAuthorizationFailed);
  await setAcl("eve", "DENY", "CREATE", "more-1");
  const made = await wire.request("CreateTopics", 4, {
    topics: [{ name: "more", numPartitions: 2, replicationFactor: 1 }],
  });
  assert.equal(made.topics[0]!.errorCode, topicAuthorizationFailed);
});

test("a rule for a partition alone allows what touches that partition", async () => {
  await makeUser(broker, "pat", "pw", null);
  await setAcl("pat", "ALLOW", "READ", "parts-1");
  const wire = await wireAs("pat");
  assert.equal(await fetchError(wire, "parts", 1), 0);
  assert.equal(await fetchError(wire, "parts-1", 0), 0);
  assert.equal(await fetchError(wire, "parts", 0), topicAuthorizationFailed);
});

test("COPY and MOVE ask for the database that they write to", async () => {
  await makeUser(broker, "cop", "pw", free);
  const cop = await redisAs("cop");
  assert.equal(await cop("SET mine 1"), "+OK\r\n");
  assert.equal(await cop("COPY mine mine DB 3"), noKey);
  assert.equal(await cop("MOVE mine 3"), noKey);
  assert.equal(await cop("GET mine"), "$1\r\n1\r\n");
  await operator.call("SELECT", "3");
  assert.equal(await operator.call("EXISTS", "mine"), ":0\r\n");
  await operator.call("SELECT", "0");
  assert.match(await operator.call("ACL", "SETUSER", "cop", "+@all", "~mine"), /OK/);
  assert.equal(await cop("COPY mine mine DB 3"), ":1\r\n", "Redis's rules are for every database");
});

test("rules for channels hold for whatever publishes to amq.topic, or takes from it", async () => {
  const rules = "on >pw +@all ~* &news.*".split(" ");
  assert.match(await operator.call("ACL", "SETUSER", "cho", ...rules), /OK/);
  const cho = await redisAs("cho");
  const amqp = await amqpAs("cho");
  assert.match(await cho("XADD amq.topic * routing_key news.a body x"), /^\$/);
  assert.equal(await cho("XADD amq.topic * routing_key other body x"), noChannel);
  assert.equal(await refusalOf(amqp, published("amq.topic", "news.a")), "");
  assert.match(await refusalOf(amqp, published("amq.topic", "other")), /ACCESS_REFUSED/);
  const producer: Producer = kafkaAs("cho", "pw").producer();
  await producer.connect();
  const send = (...keys: string[]): Promise<unknown> =>
    producer.send({ topic: "amq.topic", messages: keys.map((key) => ({ key, value: "x" })) });
  await send("news.a");
  const guest = await amqplib.connect(broker.amqpUrl);
  const listening = await guest.createChannel();
  await listening.assertQueue("heard");
  await listening.bindQueue("heard", "amq.topic", "#");
  await assert.rejects(send("news.b", "other"), /not authorized/i);
  assert.equal((await listening.checkQueue("heard")).messageCount, 0, "a batch is refused whole");
  await send("news.c");
  assert.equal((await listening.checkQueue("heard")).messageCount, 1);
  await guest.close();
  await producer.disconnect();
  const bind = (key: string) => async (channel: ConfirmChannel) => {
    await channel.assertQueue("cho-q");
    await channel.bindQueue("cho-q", "amq.topic", key);
  };
  for (const key of ["news.a", "news.*", "news.sport.#", "news.*.b"])
    assert.equal(await refusalOf(amqp, bind(key)), "", key);
  // `news.#` is `news` as well.
  for (const key of ["other", "#", "*.a", "news.#", "news"])
    assert.match(await refusalOf(amqp, bind(key)), /access to exchange 'amq.topic'/, key);
  const lead = async (channel: ConfirmChannel): Promise<void> => {
    await channel.assertExchange("cho-x", "fanout");
    await channel.bindExchange("amq.topic", "cho-x", "");
  };
  assert.match(await refusalOf(amqp, lead), /access to exchange 'amq.topic'/);
  const dead = (key: string) => (channel: ConfirmChannel) =>
    channel.assertQueue(`cho-${key}`, { deadLetterExchange: "amq.topic", deadLetterRoutingKey: key });
  assert.equal(await refusalOf(amqp, dead("news.dead")), "");
  assert.match(await refusalOf(amqp, dead("other")), /access to exchange 'amq.topic'/);
  // Who has no rules for channels goes by those for the exchange.
  await makeUser(broker, "rab", "pw", { ...free, write: "^amq.topic$" });
  const rab = await amqpAs("rab");
  assert.equal(await refusalOf(rab, published("amq.topic", "other")), "");
  await setAcl("rab", "DENY", "WRITE", "amq.topic");
  assert.match(await refusalOf(rab, published("amq.topic", "other")), /ACCESS_REFUSED/);
});

test("who publishes by the default exchange is denied the queues that it is denied", async () => {
  await makeUser(broker, "def", "pw", free);
  const def = await amqpAs("def");
  await setAcl("def", "DENY", "WRITE", "secret");
  assert.equal(await refusalOf(def, published("", "open")), "");
  assert.match(await refusalOf(def, published("", "secret")), /access to exchange 'amq.default'/);
  const dead = (channel: ConfirmChannel): Promise<unknown> =>
    channel.assertQueue("def-q", { deadLetterExchange: "", deadLetterRoutingKey: "secret" });
  assert.match(await refusalOf(def, dead), /access to exchange 'amq.default'/);
  // The key of a message would be the queue's name, whatever exchange of his own it had come through.
  const bySource = (channel: ConfirmChannel): Promise<unknown> =>
    channel.assertQueue("def-any", { deadLetterExchange: "" });
  assert.match(await refusalOf(def, bySource), /access to exchange 'amq.default'/);
  const unrouted = (channel: ConfirmChannel): Promise<unknown> =>
    channel.assertExchange("def-x", "direct", { arguments: { "alternate-exchange": "" } });
  assert.match(await refusalOf(def, unrouted), /access to exchange 'amq.default'/);
  const copied = (channel: ConfirmChannel): Promise<unknown> => {
    channel.publish("", "open", Buffer.from("x"), { CC: ["secret"] });
    return channel.waitForConfirms();
  };
  assert.match(await refusalOf(def, copied), /access to exchange 'amq.default'/);
});

test("nobody publishes to an internal exchange but by bindings", async () => {
  const amqp = await amqplib.connect(broker.amqpUrl);
  const channel = await amqp.createChannel();
  await channel.assertExchange("inner", "fanout", { internal: true });
  await channel.assertQueue("inner-q");
  await channel.bindQueue("inner-q", "inner", "");
  assert.match(
    await operator.call("XADD", "inner", "*", "f", "v"),
    /^-ERR cannot publish to internal exchange/,
  );
  const producer = kafkaAs("guest", "guest").producer();
  await producer.connect();
  await assert.rejects(producer.send({ topic: "inner", messages: [{ value: "x" }] }));
  await producer.disconnect();
  assert.equal((await channel.checkQueue("inner-q")).messageCount, 0);
  await amqp.close();
});

test("a user-id that nobody has checked is none for AMQP's readers", async () => {
  const amqp = await amqplib.connect(broker.amqpUrl);
  const channel = await amqp.createChannel();
  await channel.assertQueue("ids");
  await operator.call("XADD", "ids", "*", "body", "x", "amqp.user-id", "root", "amqp.type", "t");
  const producer = kafkaAs("guest", "guest").producer();
  await producer.connect();
  await producer.send({ topic: "ids", messages: [{ value: "x", headers: { "amqp.user-id": "root" } }] });
  await producer.disconnect();
  channel.sendToQueue("ids", Buffer.from("x"), { userId: "guest" });
  for (const [userId, header] of [
    [undefined, "root"],
    [undefined, "root"],
    ["guest", undefined],
  ]) {
    let message = await channel.get("ids", { noAck: true });
    while (message === false) message = await channel.get("ids", { noAck: true });
    assert.equal(message.properties.userId, userId);
    assert.equal(message.properties.headers?.["amqp.user-id"], header);
  }
  await amqp.close();
});

test("names of streams, queues and topics are hidden from who may not describe them", async () => {
  const makers = ["XADD seen:1 * f v", "XADD hidden * f v", "SET seen:s 1", "SET other 1"];
  for (const line of makers) await operator.call(...line.split(" "));
  assert.match(await operator.call("ACL", "SETUSER", "red", "on", ">pw", "+@all", "~seen:*"), /OK/);
  await makeUser(broker, "kaf", "pw", null);
  await setAcl("kaf", "ALLOW", "DESCRIBE", "seen:1");
  const names = async (say: (line: string) => Promise<string>, line: string): Promise<string[]> => {
    const reply = await say(line);
    return ["seen:1", "hidden", "seen:s", "other", "parts-1"].filter((name) => reply.includes(`\n${name}\r`));
  };
  const red = await redisAs("red");
  const kaf = await redisAs("kaf");
  // Keys of Redis are shown to who has Redis's rules as redis shows them; other protocols' rules show what they allow.
  assert.deepEqual(await names(red, "KEYS *"), ["seen:1", "seen:s", "other"]);
  assert.deepEqual(await names(red, "SCAN 0 COUNT 10000"), ["seen:1", "seen:s", "other"]);
  assert.deepEqual(await names(kaf, "SCAN 0 COUNT 10000"), ["seen:1"]);
  for (let i = 0; i < 20; i++) assert.equal(await kaf("RANDOMKEY"), "$6\r\nseen:1\r\n");
  const size = async (say: (line: string) => Promise<string>): Promise<number> =>
    Number((await say("DBSIZE")).slice(1));
  const sizeBefore = await size(red);
  await operator.call("XADD", "seen:2", "*", "f", "v");
  await operator.call("XADD", "hidden:2", "*", "f", "v");
  assert.equal(await size(red), sizeBefore + 1);
  await operator.call("DEL", "seen:1", "seen:2", "hidden");
  assert.equal(await size(red), sizeBefore - 1);
  assert.match(await operator.call("ACL", "SETUSER", "red", "~hidden:*"), /OK/);
  assert.equal(await size(red), sizeBefore);
  // A partition is seen by who sees its topic.
  await admin.createTopics({ topics: [{ topic: "hidden:t".replace(":", "-"), numPartitions: 2 }] });
  assert.equal(await size(red), sizeBefore);
  await setAcl("red", "ALLOW", "DESCRIBE", "hidden-t");
  assert.equal(await size(red), sizeBefore + 2);
  await operator.call("DEL", "hidden-t-0");
  assert.equal(await size(red), sizeBefore + 2, "made again");
  const listener = await RawRedis.open(broker.ports.redis);
  ends.push(() => listener.close());
  await listener.call("SUBSCRIBE", "news.secret");
  assert.match(await red("PUBSUB CHANNELS"), /news\.secret/, "as in redis");
  assert.equal(await kaf("PUBSUB CHANNELS"), "*0\r\n");
});

test("a database is emptied only by who may delete each of its streams", async () => {
  for (const line of ["XADD flush:1 * f v", "XADD kept * f v", "SET flush:s 1"])
    await operator.call(...line.split(" "));
  assert.match(await operator.call("ACL", "SETUSER", "flo", "on", ">pw", "+@all", "~flush:*"), /OK/);
  const flo = await redisAs("flo");
  for (const line of ["FLUSHDB", "FLUSHALL"]) assert.equal(await flo(line), noKey);
  assert.equal(await flo("EXISTS flush:1 flush:s"), ":2\r\n");
  assert.equal(await operator.call("EXISTS", "kept"), ":1\r\n");
});

test("what a command asks while it runs is asked in a transaction too, and logged", async () => {
  await makeUser(broker, "wri", "pw", { configure: "", write: "^wri", read: "^wri" });
  const wri = await redisAs("wri");
  await operator.call("ACL", "LOG", "RESET");
  assert.equal(await wri("MULTI"), "+OK\r\n");
  assert.equal(await wri("XADD wri-new * f v"), "+QUEUED\r\n");
  assert.equal(await wri("SET wri-string 1"), "+QUEUED\r\n");
  const reply = await wri("EXEC");
  assert.equal(reply.match(/NOPERM/g)?.length, 2, reply);
  assert.equal(await operator.call("EXISTS", "wri-new", "wri-string"), ":0\r\n");
  assert.match(await operator.call("ACL", "LOG"), /wri-new/);
  await permit(broker, "wri", { configure: "^wri", write: "^wri", read: "^wri" });
  assert.match(await wri("XADD wri-new * f v"), /^\$/);
});
