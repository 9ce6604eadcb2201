/** Kafka's ACLs through kafkajs: made, described, deleted; what they allow and deny on each kind of request. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import kafkajs, { type Admin, type AclOperationTypes as Operation, type Kafka as Client } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api, makeUser } from "../../support/users.ts";

// CommonJS, whose enumerations Node does not see as names.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } =
  kafkajs;

let broker: TestBroker;
let admin: Admin;
before(async () => {
  broker = await startTestBroker();
  admin = clientOf("guest", "guest").admin();
  await admin.connect();
  await makeUser(broker, "kim", "k", null);
  for (const topic of ["orders", "orders-eu", "secret"]) {
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  }
});
after(async () => {
  await admin.disconnect();
  await broker.stop();
});

function clientOf(username: string, password: string): Client {
  return new Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: "plain", username, password },
  });
}

const { ALLOW, DENY } = AclPermissionTypes;
const { TOPIC, GROUP, CLUSTER } = AclResourceTypes;
const { LITERAL, PREFIXED } = ResourcePatternTypes;

function binding(
  operation: Operation,
  resourceName: string,
  more: Partial<Parameters<Admin["createAcls"]>[0]["acl"][number]> = {},
) {
  return {
    resourceType: TOPIC,
    resourceName,
    resourcePatternType: LITERAL,
    principal: "User:kim",
    host: "*",
    operation,
    permissionType: ALLOW,
    ...more,
  };
}

/** What a request of kim's ends with: "" or the error. */
async function asKim(act: (kafka: Client) => Promise<unknown>): Promise<string> {
  try {
    await act(clientOf("kim", "k"));
    return "";
  } catch (error) {
    const { message, errors = [] } = error as Error & { errors?: Error[] };
    return [message, ...errors.map(({ message: inner }) => inner)].join("; ");
  }
}

async function withAdmin(act: (kim: Admin) => Promise<unknown>): Promise<string> {
  const kim = clientOf("kim", "k").admin();
  await kim.connect();
  try {
    return await asKim(() => act(kim));
  } finally {
    await kim.disconnect();
  }
}

const send =
  (topic: string) =>
  async (kafka: Client): Promise<void> => {
    const producer = kafka.producer();
    await producer.connect();
    try {
      await producer.send({ topic, messages: [{ value: "x" }] });
    } finally {
      await producer.disconnect();
    }
  };

const readAll =
  (topic: string, groupId: string) =>
  async (kafka: Client): Promise<void> => {
    const consumer = kafka.consumer({ groupId });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on("consumer.crash", ({ payload }) => reject(payload.error));
        consumer.run({ eachMessage: async () => resolve() }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  };

test("without an ACL nothing is allowed, nor seen", async () => {
  assert.match(await asKim(send("orders")), /not authorized/i);
  assert.match(await asKim(readAll("orders", "g")), /not authorized/i);
  const kim = clientOf("kim", "k").admin();
  await kim.connect();
  assert.deepEqual(await kim.listTopics(), []);
  await kim.disconnect();
  assert.match(await withAdmin((own) => own.createTopics({ topics: [{ topic: "mine" }] })), /uthoriz/);
  assert.match(await withAdmin((own) => own.deleteTopics({ topics: ["orders"] })), /uthoriz/);
  const everything = binding(AclOperationTypes.ALL, "*");
  assert.match(await withAdmin((own) => own.createAcls({ acl: [everything] })), /uthoriz/);
});

test("ACLs are made, described by filters, in force at once, and kept over a kill", async () => {
  await admin.createAcls({
    acl: [
      binding(AclOperationTypes.WRITE, "orders", { resourcePatternType: PREFIXED }),
      binding(AclOperationTypes.READ, "orders"),
      binding(AclOperationTypes.READ, "g", { resourceType: GROUP }),
    ],
  });
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourceName: "orders",
    resourcePatternType: ResourcePatternTypes.MATCH,
    principal: "User:kim",
    host: "*",
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  });
  assert.deepEqual(
    resources.map(({ resourceType, resourceName, resourcePatternType, acls }) => [
      resourceType,
      resourceName,
      resourcePatternType,
      acls.map(({ operation }) => operation),
    ]),
    [
      [TOPIC, "orders", PREFIXED, [AclOperationTypes.WRITE]],
      [TOPIC, "orders", LITERAL, [AclOperationTypes.READ]],
    ],
  );
  assert.equal(await asKim(send("orders")), "");
  assert.equal(await asKim(send("orders-eu")), "");
  assert.match(await asKim(send("secret")), /not authorized/i);
  assert.equal(await asKim(readAll("orders", "g")), "");
  assert.match(await asKim(readAll("orders-eu", "g")), /not authorized/i);
  assert.match(await asKim(readAll("orders", "other")), /group coordinator/i);
  await broker.kill();
  await broker.restart();
  await admin.disconnect();
  await admin.connect();
  assert.equal(await asKim(send("orders")), "");
  assert.match(await asKim(send("secret")), /not authorized/i);
});

test("a denial counts more; an ACL of the cluster allows any topic to be made; another host's is not ours", async () => {
  await admin.createAcls({
    acl: [
      binding(AclOperationTypes.WRITE, "orders-eu", { permissionType: DENY }),
      binding(AclOperationTypes.CREATE, "kafka-cluster", { resourceType: CLUSTER }),
      binding(AclOperationTypes.WRITE, "secret", { host: "10.1.2.3" }),
    ],
  });
  assert.match(await asKim(send("orders-eu")), /not authorized/i);
  assert.match(await asKim(send("secret")), /not authorized/i);
  // To make it is not to see it, which waiting for its leader would need.
  const wanted = { topics: [{ topic: "mine" }], waitForLeaders: false };
  assert.equal(await withAdmin((own) => own.createTopics(wanted)), "");
  await admin.createAcls({ acl: [binding(AclOperationTypes.WRITE, "secret", { host: "127.0.0.1" })] });
  assert.equal(await asKim(send("secret")), "");
});

test("deleted by a filter, they are said and no longer in force", async () => {
  const { filterResponses } = await admin.deleteAcls({
    filters: [
      {
        resourceType: TOPIC,
        resourceName: "orders-eu",
        resourcePatternType: ResourcePatternTypes.MATCH,
        principal: "User:kim",
        host: "*",
        operation: AclOperationTypes.WRITE,
        permissionType: AclPermissionTypes.ANY,
      },
    ],
  });
  assert.deepEqual(
    filterResponses[0]!.matchingAcls.map(({ resourceName, permissionType }) => [
      resourceName,
      permissionType,
    ]),
    [
      ["orders", ALLOW],
      ["orders-eu", DENY],
    ],
  );
  assert.match(await asKim(send("orders")), /not authorized/i);
});

test("what makes no sense is refused with a reason", async () => {
  const create = (more: Parameters<typeof binding>[2], name = "x"): Promise<unknown> =>
    admin.createAcls({ acl: [binding(AclOperationTypes.READ, name, more)] });
  await assert.rejects(create({ principal: "kim" }), /malformed/);
  await assert.rejects(create({ resourceType: CLUSTER }), /malformed/);
  await assert.rejects(create({ resourceType: AclResourceTypes.DELEGATION_TOKEN }), /malformed/);
});

test("a user that is deleted loses its connections and its way in", async () => {
  const producer = clientOf("kim", "k").producer();
  await producer.connect();
  assert.equal((await api(broker, "DELETE", "users/kim")).status, 204);
  await assert.rejects(producer.send({ topic: "orders", messages: [{ value: "x" }] }));
  await producer.disconnect();
});
