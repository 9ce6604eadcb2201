/**
 * The matrix of rights: every operation that touches a named thing, by each protocol, as a user who has one right alone,
 * and as one who has all but one. What each needs is written by hand in support/rights; commands, methods and requests
 * that are in no row of it fail the test.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type ChannelModel } from "amqplib";
import { type RunningBroker, startBroker } from "../../../src/embed.ts";
import { handlers as amqpHandlers } from "../../../src/protocols/amqp/commands/index.ts";
import { handlers as kafkaHandlers } from "../../../src/protocols/kafka/core/handlers.ts";
import { commandTable } from "../../../src/protocols/redis/command-table.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import * as amqp from "../../support/rights/amqp.ts";
import {
  everything,
  expected,
  type Given,
  ofKafka,
  ofKafkaCluster,
  ofKafkaGroups,
  ofRabbit,
  ofRedis,
  type Operation,
  type Right,
} from "../../support/rights/cell.ts";
import * as kafka from "../../support/rights/kafka.ts";
import * as redis from "../../support/rights/redis.ts";
import { api, type Permission } from "../../support/users.ts";

const nothing: Permission = { configure: "", write: "", read: "" };
const free: Permission = { configure: ".*", write: ".*", read: ".*" };

/** A user with a connection of each protocol, over which its rules change. */
class Person {
  readonly name: string;
  readonly operations: Operation[] = [];
  redis!: RawRedis;
  amqp!: ChannelModel;
  kafka!: KafkaWireClient;

  constructor(name: string) {
    this.name = name;
  }

  async connect(ports: RunningBroker["ports"]): Promise<void> {
    this.redis = await RawRedis.open(ports.redis!);
    assert.match(await this.redis.call("HELLO", "3", "AUTH", this.name, this.name), /^%/);
    this.amqp = await amqplib.connect(`amqp://${this.name}:${this.name}@127.0.0.1:${ports.amqp}`);
    this.amqp.on("error", () => {});
    this.kafka = await KafkaWireClient.connect(ports.kafka!);
    await this.kafka.request("SaslHandshake", 1, { mechanism: "PLAIN" });
    const authBytes = Buffer.from(`\0${this.name}\0${this.name}`);
    assert.equal((await this.kafka.request("SaslAuthenticate", 2, { authBytes })).errorCode, 0);
  }

  async disconnect(): Promise<void> {
    await this.redis.close();
    await this.amqp.close();
    this.kafka.close();
  }
}

let broker: RunningBroker;
/** What the tests of support/users.ts ask a broker for. */
let http: Parameters<typeof api>[0];
const admin = new Person("guest");
const plain = new Person("plain");
const bob = new Person("bob");
const root = new Person("root");

async function permit(person: Person, permission: Permission): Promise<void> {
  const { status } = await api(http, "PUT", `permissions/%2F/${person.name}`, permission);
  assert.ok(status === 201 || status === 204, String(status));
}

before(async () => {
  broker = await startBroker({ logLevel: "error" });
  http = { ports: broker.ports } as Parameters<typeof api>[0];
  await admin.connect(broker.ports);
  for (const person of [plain, bob, root]) {
    const tags = person === root ? "administrator" : "";
    const { status } = await api(http, "PUT", `users/${person.name}`, { password: person.name, tags });
    assert.equal(status, 201);
    await permit(person, free);
    await person.connect(broker.ports);
    person.operations.push(
      ...redis.redisOperations(admin.redis, person.redis),
      ...(await amqp.amqpOperations(admin.amqp, person.amqp)),
      ...kafka.kafkaOperations(admin.kafka, person.kafka),
    );
  }
});

after(async () => {
  for (const person of [admin, plain, bob, root]) await person.disconnect();
  await broker.close();
});

let cells = 0;
const wrong: string[] = [];

/** Each operation under what the person has been given; `assertAsExpected` tells what was otherwise than expected. */
async function walk({ operations }: Pick<Person, "operations">, given: Given, of = /./): Promise<void> {
  for (const operation of operations) {
    if (!of.test(operation.needs.join(" "))) continue;
    await operation.prepare();
    const wanted = expected(operation.needs, given);
    const outcome = await operation.run();
    cells++;
    if (outcome !== wanted) wrong.push(`${given.name}: ${operation.what} is ${outcome}, not ${wanted}`);
  }
}

function assertAsExpected(): void {
  assert.deepEqual(wrong.splice(0), []);
}

const none: ReadonlySet<Right> = new Set();

test("one of RabbitMQ's words alone", async () => {
  await permit(plain, nothing);
  await walk(plain, { name: "nothing", rights: none, denied: none });
  for (const word of ["configure", "write", "read"] as const) {
    await permit(plain, { ...nothing, [word]: "^m-" });
    await walk(plain, { name: word, rights: new Set(ofRabbit[word]), denied: none });
  }
  await permit(plain, free);
  await walk(plain, { name: "all three", rights: everything, denied: none });
  assertAsExpected();
});

interface Binding {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly resourcePatternType: number;
  readonly operation: number;
  readonly permissionType: number;
}

const [allow, deny] = [3, 2];
const [literal, prefixed] = [3, 4];

/** Bindings of the person's are these alone. */
async function bind({ name }: Person, ...bindings: Binding[]): Promise<void> {
  const principal = `User:${name}`;
  await admin.kafka.request("DeleteAcls", 2, {
    filters: [
      {
        resourceTypeFilter: 1,
        resourceNameFilter: null,
        patternTypeFilter: 1,
        principalFilter: principal,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      },
    ],
  });
  const creations = bindings.map((binding) => Object.assign({ principal, host: "*" }, binding));
  const { results } = await admin.kafka.request("CreateAcls", 2, { creations });
  assert.ok(results.every(({ errorCode }) => errorCode === 0));
}

/** Of rights to groups and the cluster, only what needs such a one is asked again. */
const kinds = [
  {
    kind: "topic",
    needs: /./,
    table: ofKafka,
    resourceType: 2,
    resourceName: "m-",
    resourcePatternType: prefixed,
  },
  {
    kind: "group",
    needs: /group:/,
    table: ofKafkaGroups,
    resourceType: 3,
    resourceName: "m-",
    resourcePatternType: prefixed,
  },
  {
    kind: "cluster",
    needs: /cluster:/,
    table: ofKafkaCluster,
    resourceType: 4,
    resourceName: "kafka-cluster",
    resourcePatternType: literal,
  },
] as const;

test("one of Kafka's operations alone", async () => {
  await permit(plain, nothing);
  for (const { kind, needs, table, ...pattern } of kinds) {
    for (const [operation, { number, rights }] of Object.entries(table)) {
      await bind(plain, { ...pattern, operation: number, permissionType: allow });
      const given = { name: `${operation} on ${kind}`, rights: new Set<Right>(rights), denied: none };
      await walk(plain, given, needs);
    }
  }
  assertAsExpected();
});

test("everything but what one of Kafka's operations is", async () => {
  await permit(plain, free);
  for (const { kind, needs, table, ...pattern } of kinds) {
    for (const [operation, { number, denied }] of Object.entries(table)) {
      await bind(plain, { ...pattern, operation: number, permissionType: deny });
      const given = {
        name: `no ${operation} on ${kind}`,
        rights: everything,
        denied: new Set<Right>(denied),
      };
      await walk(plain, given, needs);
    }
  }
  await bind(plain);
  assertAsExpected();
});

test("one of Redis's words alone", async () => {
  await permit(bob, nothing);
  for (const [word, rights] of Object.entries(ofRedis)) {
    const words = word === "" ? [] : [word];
    const reply = await admin.redis.call(
      "ACL",
      "SETUSER",
      "bob",
      "+@all",
      "resetkeys",
      "resetchannels",
      ...words,
    );
    assert.match(reply, /OK/);
    await walk(bob, { name: `Redis's "${word}"`, rights: new Set(rights), denied: none });
  }
  assertAsExpected();
});

test("the same words in a selector count for Redis's commands, and for no other protocol", async () => {
  await permit(bob, nothing);
  const { operations } = bob;
  const isOfRedis = ({ of }: Operation): boolean => commandTable.findByName(of) !== undefined;
  const ofOthers = operations.filter((operation) => !isOfRedis(operation));
  assert.ok(ofOthers.length > 50 && ofOthers.length < operations.length);
  for (const word of ["%R~m-*", "~m-*", "&m-*"]) {
    const words = ["-@all", "resetkeys", "resetchannels", "clearselectors", "(-@all", word, "+@all)"];
    assert.match(await admin.redis.call("ACL", "SETUSER", "bob", "(+ping", "~*)", ...words), /OK/);
    const given = { name: `Redis's "(${word} +@all)"`, rights: new Set(ofRedis[word]), denied: none };
    await walk({ operations: operations.filter(isOfRedis) }, given);
    if (word !== "%R~m-*") await walk({ operations: ofOthers }, { ...given, rights: none });
  }
  await admin.redis.call("ACL", "SETUSER", "bob", "clearselectors");
  assertAsExpected();
});

test("nothing is denied to an administrator", async () => {
  const [topic] = kinds;
  const { resourceType, resourceName, resourcePatternType } = topic;
  await bind(root, { resourceType, resourceName, resourcePatternType, operation: 2, permissionType: deny });
  // Redis's other databases are virtual hosts of their own, which `.*` in one does not open.
  const rights = new Set<Right>([...everything, "redis:dangerous", "administrator", "cluster:create"]);
  await walk(root, { name: "administrator", rights, denied: none });
  assertAsExpected();
});

test("whoever is no administrator has no business with the API", async () => {
  const asPlain = `Basic ${Buffer.from("plain:plain").toString("base64")}`;
  for (const path of [
    "whoami",
    "users",
    "users/plain",
    "permissions",
    "permissions/%2F/plain",
    "vhosts",
    "vhosts/%2F",
  ])
    assert.equal((await api(http, "GET", path, undefined, asPlain)).status, 401, path);
  for (const path of ["users/plain", "permissions/%2F/plain", "vhosts/mine"])
    assert.equal((await api(http, "PUT", path, {}, asPlain)).status, 401, path);
});

test("every command, method and request is in the matrix, or is known to touch nothing", () => {
  const seen = new Set(plain.operations.map(({ of }) => of));
  const known = new Set<string>([
    ...seen,
    ...redis.touchesNothing,
    ...amqp.touchesNothing,
    ...kafka.touchesNothing,
  ]);
  const commands = commandTable.all.filter(({ run }) => run !== undefined);
  const all = [
    ...commands.map(({ fullName }) => fullName),
    ...Object.keys(amqpHandlers),
    "basic.publish",
    ...Object.keys(kafkaHandlers),
  ];
  assert.ok(all.length > 190, String(all.length));
  assert.deepEqual(
    all.filter((name) => !known.has(name)),
    [],
  );
  // What has keys cannot be said to touch nothing.
  const quiet = new Set(redis.touchesNothing);
  assert.deepEqual(
    commands
      .filter(({ keys }) => keys.some(({ flags }) => !flags.includes("not_key")))
      .map(({ fullName }) => fullName)
      .filter((name) => quiet.has(name)),
    [],
  );
  assert.ok(cells > 2000, String(cells));
});
