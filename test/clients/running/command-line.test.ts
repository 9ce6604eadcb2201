/** The commands that talk to a running broker, as somebody at a terminal or a script has them: output, errors and exit codes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { Kafka, logLevel } from "kafkajs";
import { findBun } from "../../../bin/runtime.js";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { ownPort } from "../../support/ports.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const program = path.join(import.meta.dirname, "../../../cli/main.ts");
// Half the time of Node to start, and what the launcher takes; one test has the other.
const bun = findBun() ?? process.execPath;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "command-line-"));
let broker: TestBroker;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly ended: Promise<Ended>;
  readonly saw: (text: string) => Promise<void>;
  readonly interrupt: () => void;
}

function begin(input: string | null, ...args: readonly string[]): Running {
  return beginBy(bun, input, args);
}

function beginBy(
  runtime: string,
  input: string | null,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(runtime, [program, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: directory,
      TROIKAMQ_HTTP_PORT: String(broker.ports.http),
      TROIKAMQ_PASSWORD: "secret",
      ...environment,
    },
  });
  child.stdin.end(input ?? "");
  let stdout = "";
  let stderr = "";
  let tell = (): void => {};
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    tell();
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (code) => resolve({ code, stdout, stderr })),
  );
  const saw = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) await new Promise<void>((resolve) => (tell = resolve));
  };
  return { ended, saw, interrupt: () => child.kill("SIGINT") };
}

const run = (...args: readonly string[]): Promise<Ended> => begin(null, ...args).ended;

/** What it printed, where it was to go well. */
async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args);
  assert.deepEqual([code, stderr], [0, ""], `${args.join(" ")}: ${stdout}`);
  return stdout;
}

const jsonOf = async (...args: readonly string[]): Promise<any> =>
  JSON.parse(await ok(...args, "-o", "json"));

function fileOf(name: string, text: string): string {
  const file = path.join(directory, name);
  fs.writeFileSync(file, text);
  return file;
}

before(async () => {
  broker = await startTestBroker({ dataDir: "memory", env: { TROIKAMQ_PASSWORD: "secret" } });
});

after(async () => {
  await broker.stop();
  fs.rmSync(directory, { recursive: true });
});

const definitions = `
queues:
  - { name: orders }
  - { name: events, arguments: { x-queue-type: stream } }
bindings:
  - { source: amq.topic, destination: orders, destination_type: queue, routing_key: "orders.#" }
policies:
  - { name: short, pattern: ^orders, apply-to: queues, definition: { max-length: 1000 } }
users:
  - { name: reporting, tags: [monitoring], password: first }
`;

test("apply makes what the file says, once; diff tells what it would make", async () => {
  const file = fileOf("broker.yaml", definitions);
  const planned = await run("diff", file);
  assert.equal(planned.code, 1, planned.stderr);
  assert.match(planned.stdout, /^\+ queue 'orders' in virtual host '\/'$/m);
  assert.match(planned.stdout, /^5 to add$/m);
  const applied = await run("apply", file);
  assert.deepEqual([applied.code, applied.stderr], [0, ""]);
  assert.match(applied.stdout, /^5 to add\napplied\n$/m);
  assert.equal(await ok("diff", file), "the broker has all of it already\n");
  assert.equal(await ok("apply", file), "the broker has all of it already\n");

  // A user that is there keeps its password where the file has none.
  const changed = fileOf(
    "changed.json",
    JSON.stringify({
      users: [{ name: "reporting", tags: "management" }],
      queues: [{ vhost: "/", name: "orders", durable: false, arguments: {} }],
      policies: [
        { name: "short", pattern: "^orders", "apply-to": "queues", definition: { "max-length": 2000 } },
      ],
    }),
  );
  const conflict = await run("apply", changed);
  assert.equal(conflict.code, 6);
  assert.match(conflict.stderr, /nothing is changed: queue 'orders'/);
  const [change] = (await jsonOf("ls", "policies")) as { definition: object }[];
  assert.deepEqual(change!.definition, { "max-length": 1000 });
  const pruned = fileOf(
    "pruned.yaml",
    "policies: []\nbindings: []\nusers: [{ name: reporting, tags: [management] }, { name: guest, tags: [administrator] }]",
  );
  const plan = await run("apply", pruned, "--prune");
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /^- policy 'short' in virtual host '\/'$/m);
  assert.match(plan.stdout, /^ {4}tags: \["monitoring"\] -> \["management"\]$/m);
  const as = (password: string): Promise<Ended> =>
    run("status", "--url", `http://reporting:${password}@127.0.0.1:${broker.ports.http}`);
  const [right, wrong] = await Promise.all([as("first"), as("second")]);
  assert.equal(right.code, 0, right.stderr);
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /refuses the user "reporting": the user or the password is wrong/);
  assert.match(await ok("apply", file), /^2 to add, 1 to change\napplied\n$/m);
});

test("a file that nests too deep is refused with one line", async () => {
  const [lists, flow] = await Promise.all([
    run("apply", fileOf("deep.json", `{"queues":${"[".repeat(9000)}${"]".repeat(9000)}}`)),
    run("apply", fileOf("deep.yaml", `queues: ${"[".repeat(40)}${"]".repeat(40)}`)),
  ]);
  for (const { code, stderr } of [lists, flow]) {
    assert.equal(code, 2);
    assert.match(stderr, /^[^\n]*deep[^\n]* nests deeper than 36 [^\n]*\n$/);
  }
});

test("a file that cannot be meant is refused with the entry and what to do", async () => {
  const cases: [text: string, code: number, told: RegExp][] = [
    ["queues: [{ nam: x }]", 2, /queues has \{"nam":"x"\}: nam is unknown; did you mean name\?\n$/],
    ["queues: [{ durable: true }]", 2, /queues has \{"durable":true\}: name is missing\n$/],
    ["queues: [orders]", 2, /queues has "orders": an entry is an object, such as \{name: \.\.\.\}\n$/],
    ["queues: [{ name: 5 }]", 2, /name is no text; put it in quotes\n$/],
    ["queues: [{ name: x, argumnts: {} }]", 2, /did you mean arguments\?\n$/],
    ["queues: [\n- a: [", 2, /is neither YAML nor JSON: .*[^:]\n$/],
    [
      "queues: [{ name: x, vhost: nope }]",
      5,
      /^troikamq: there is no virtual host "nope"; .*vhosts: \[\{ name: "nope" \}\]/,
    ],
    [
      "queues: [{ name: x, arguments: { x-max-priority: 300 } }]",
      6,
      /refuses: queue 'x' in virtual host '\/': invalid arg .*; nothing is changed: mend this entry/,
    ],
  ];
  for (const [index, [text, code, told]] of cases.entries()) {
    const ended = await run("apply", fileOf(`odd-${index}.yaml`, text));
    assert.deepEqual([ended.code, told.test(ended.stderr)], [code, true], ended.stderr);
  }
});

test("what RabbitMQ's plugins have left in a file is left out, and a new password of one's own is told", async () => {
  const file = fileOf(
    "plugins.yaml",
    "parameters: [{ component: shovel, name: move, value: {} }]\n" +
      "policies: [{ name: fed, pattern: x, definition: { federation-upstream-set: all } }]\n" +
      "users: [{ name: self, tags: [administrator], password: first }]\n",
  );
  const leftOut =
    "left out: policy 'fed' in virtual host '/': there is no federation here\n" +
    "left out: parameter 'shovel/move' in virtual host '/': there are no shovels here\n";
  const made = await run("apply", file);
  assert.deepEqual([made.code, made.stderr], [0, leftOut], made.stdout);
  const again = await run("diff", file);
  assert.deepEqual([again.code, again.stderr], [0, leftOut], again.stdout);
  const changed = fileOf(
    "self.yaml",
    "users: [{ name: self, tags: [administrator, monitoring], password: second }]",
  );
  const self = await run("apply", changed, "--url", `http://self:first@127.0.0.1:${broker.ports.http}`);
  assert.equal(self.code, 0, self.stderr);
  assert.match(
    self.stderr,
    /^the file changes the password of user 'self', as whom this command is logged in: .*\n$/,
  );
  await ok("user", "rm", "self");
});

test("apply --prune asks before it deletes messages, and keeps to the virtual host that is named", async () => {
  await ok("apply", fileOf("pruned-vhosts.yaml", "vhosts: [{ name: prunes }, { name: other }]"));
  const both = (vhost: string): string => `{ name: full, vhost: ${vhost} }, { name: empty, vhost: ${vhost} }`;
  await ok("apply", fileOf("pruned-queues.yaml", `queues: [${both("prunes")}, ${both("other")}]`));
  await ok("pub", "full", "one", "two", "--vhost", "prunes");
  const file = fileOf("prune.yaml", "queues: [{ name: full.stays }]");
  const inPrunes = ["apply", file, "--prune", "--vhost", "prunes"];
  const refused = await run(...inPrunes);
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stdout, /^- queue 'full' in virtual host 'prunes': 2 messages$/m);
  assert.match(refused.stdout, /^- queue 'empty' in virtual host 'prunes'$/m);
  assert.doesNotMatch(refused.stdout, /'other'/);
  assert.match(
    refused.stderr,
    /nothing is changed: the plan deletes queue 'full' in virtual host 'prunes' with 2 messages; add --yes to delete them\n$/,
  );
  const whole = await run("apply", fileOf("no-vhosts.yaml", "vhosts: []"), "--prune");
  assert.equal(whole.code, 6);
  assert.match(whole.stdout, /^- virtual host 'prunes': 2 messages$/m);
  assert.doesNotMatch(whole.stdout, /virtual host '\/'/);
  assert.equal((await jsonOf("ls", "queues", "--vhost", "prunes")).length, 2);
  const json = await jsonOf("apply", file, "--prune", "--vhost", "prunes", "--yes");
  assert.deepEqual(
    json.map(({ action, messages }: { action: string; messages?: number }) => [action, messages]),
    [
      ["add", undefined],
      ["delete", 0],
      ["delete", 2],
    ],
  );
  const left = (await jsonOf("ls", "queues", "--vhost", "prunes")) as { name: string }[];
  assert.deepEqual(
    left.map(({ name }) => name),
    ["full.stays"],
  );
  assert.equal((await jsonOf("ls", "queues", "--vhost", "other")).length, 2);
  // Nobody prunes the user that it is, nor asks where nothing is in the queues.
  await ok("apply", fileOf("nobody.yaml", "users: []\nvhosts: []"), "--prune");
  assert.deepEqual(
    (await jsonOf("ls", "users")).map(({ name }: { name: string }) => name).includes("guest"),
    true,
  );
});

test("what is published is shown, taken and purged", async () => {
  await ok(
    "apply",
    fileOf("two.yaml", "queues: [{ name: two }, { name: log, arguments: { x-queue-type: stream } }]"),
  );
  assert.equal(
    await ok("pub", "two", "one", "two\u001B[2J", "--header", "tenant=a"),
    "published 2 messages\n",
  );
  const lines = await begin("a\nb\nc\n", "pub", "log", "--lines", "-o", "json").ended;
  assert.deepEqual(JSON.parse(lines.stdout), { published: 3 });
  const [missing, peeked, stream] = await Promise.all([
    run("pub", "nowhere", "x"),
    jsonOf("peek", "two"),
    ok("peek", "log", "--from", "1", "-o", "ndjson"),
  ]);
  const table = await ok("peek", "two", "--limit", "2");
  assert.match(await ok("peek", "two", "--filter", "body ~ two and header.tenant = a"), /^two@1 /);
  assert.match((await run("peek", "two", "--filter", "colour = red")).stderr, /'colour' is no field/);
  assert.equal(missing.code, 5);
  assert.match(missing.stderr, /no queue is called "nowhere" \(NO_ROUTE\)/);
  assert.deepEqual(
    peeked.map((each: { payload: string; properties: { headers: object } }) => [
      each.payload,
      each.properties.headers,
    ]),
    [
      ["one", { tenant: "a" }],
      ["two\u001B[2J", { tenant: "a" }],
    ],
  );
  assert.match(table, /^two@0 3 B {2}one\ntwo@1 \d B {2}two\\u001b\[2J\n$/);
  const shown = stream
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    shown.map(({ payload }) => payload),
    ["b", "c"],
  );
  assert.equal(shown[0].offset, 1);

  const [taken, all] = await Promise.all([
    ok("sub", "two", "--count", "1", "--raw"),
    ok("sub", "log", "--from", "first", "--count", "3", "--raw"),
  ]);
  assert.equal(taken, "one\n");
  assert.equal(all, "a\nb\nc\n");
  assert.equal(
    await ok("replay", "log", "--to", "two", "--until", "2", "--dry-run"),
    "would copy 2 messages\n",
  );
  assert.equal(await ok("replay", "log", "--to", "two", "--filter", "body = c"), "copied 1 message\n");
  assert.equal(await ok("sub", "two", "--count", "2", "--raw"), "two\u001B[2J\nc\n");
  assert.match((await run("replay", "log")).stderr, /say where the copies go/);
  await ok("pub", "two", "left");
  const dry = await run("purge", "two");
  assert.deepEqual(
    [dry.code, dry.stdout, dry.stderr],
    [0, 'would delete 1 message of queue "two" in virtual host "/"\n', "nothing is deleted yet: add --yes\n"],
  );
  assert.equal((await jsonOf("describe", "two"))[0].facts.messages_ready, 1);
  assert.equal(await ok("purge", "two", "--yes"), 'deleted 1 message of queue "two" in virtual host "/"\n');
  assert.equal((await jsonOf("describe", "two"))[0].facts.messages_ready, 0);
  assert.equal((await run("purge", "log", "--yes")).code, 6);
});

test("dead letters are listed, go home and are taken back", async () => {
  await ok("apply", fileOf("dying.yaml", "queues: [{ name: dying, arguments: { x-retry-limit: 1 } }]"));
  await ok("pub", "dying", "one", "two", "three");
  const connection = await amqplib.connect(`amqp://guest:secret@127.0.0.1:${broker.ports.amqp}`);
  try {
    const channel = await connection.createChannel();
    const take = async (): Promise<amqplib.GetMessage> => (await channel.get("dying")) as amqplib.GetMessage;
    for (let left = 3; left > 0; left--) channel.nack(await take(), false, false);
    await channel.checkQueue("dying");
    assert.match(await ok("deadletters"), /^dying\.dead +\/ +rejected +dying +3 /m);
    assert.deepEqual(
      [await run("retry", "dying.dead", "--dry-run")].map(({ code, stdout, stderr }) => [
        code,
        stdout,
        stderr,
      ]),
      [[0, "would move 3 of 3 dead letters home\n", ""]],
    );
    const moved = await run("retry", "dying.dead", "--filter", "body != two", "--rate", "1000");
    assert.equal(moved.stdout, "moved 2 dead letters home\n");
    const [, id] = /troikamq undo (\S+)/.exec(moved.stderr) ?? [];
    const death = / {2}rejected in dying, after 1 delivery, \d{4}-\S+Z/.source;
    assert.match(await ok("peek", "dying.dead"), new RegExp(`^\\S+@1 3 B {2}two\n${death}\n$`));
    assert.match(await ok("peek", "dying", "--state", "dead"), new RegExp(`\n${death}\n$`));
    assert.doesNotMatch(await ok("peek", "dying"), /rejected in/);
    assert.match(await ok("operations"), new RegExp(`^${id!} +retry +finished +dying\\.dead +/ +2 +2 `, "m"));
    channel.ack(await take());
    await channel.checkQueue("dying");
    assert.equal(await ok("undo", id!), "took 1 dead letter back; 1 consumed\n");
    assert.equal((await jsonOf("peek", "dying.dead")).length, 2);
    const known = await ok("operations");
    assert.match(known, /^\S+ +retry, dry run +finished +dying\.dead +\/ +3 +0 /m);
    assert.match(known, new RegExp(`^\\S+ +undo of ${id!} +finished +dying\\.dead `, "m"));
    assert.equal((await run("operations", "--vhost", "elsewhere")).stderr, "no operation was started\n");
    await channel.deleteQueue("dying");
    assert.equal((await jsonOf("peek", "dying", "--state", "dead")).length, 2);
    assert.equal((await run("peek", "dying")).code, 5);
    const refused = await run("undo", "9999-ff");
    assert.deepEqual([refused.code, /no operation '9999-ff'/.test(refused.stderr)], [5, true]);
  } finally {
    await connection.close();
  }
});

test("why a message is unroutable", async () => {
  const file = fileOf(
    "why.yaml",
    "exchanges: [{ name: why, type: topic }]\nqueues: [{ name: because }]\nbindings: [{ source: why, destination: because, routing_key: eu.* }]",
  );
  await ok("apply", file);
  const told = await run("pub", "us.new", "lost", "--exchange", "why");
  assert.match(told.stderr, /"why" leads nowhere with the key "us.new" .*troikamq explain "why" "us.new"/);
  const lost = await run("unroutable", "--exchange", "why");
  assert.match(lost.stdout, /^\S+Z +why +us\.new +published +guest@\S+/m);
  assert.match(lost.stderr, /^why: 1 since the broker started/);
  const refused = await run("explain", "why", "us.new");
  assert.match(refused.stdout, /^why +eu\.\* +queue because +no +\S/m);
  assert.match(refused.stderr, /no queue would take it/);
  const taken = await run("explain", "why", "eu.new");
  assert.match(taken.stdout, /^why +eu\.\* +queue because +yes/m);
  assert.equal((await jsonOf("explain", "why", "eu.new")).routed, true);
  assert.equal((await run("explain", "nothing", "x")).code, 5);
});

test("what waits for a queue is shown and cancelled", async () => {
  const args = "{ x-delay-allowed: true }";
  await ok("apply", fileOf("later.yaml", `queues: [{ name: later, arguments: ${args} }]`));
  assert.equal((await run("delayed", "later")).stderr, "nothing waits for later\n");
  await ok("pub", "later", "one", "two", "--header", "x-delay=600000");
  const shown = await ok("delayed", "later");
  assert.match(
    shown,
    /^later d\d+-\d+ waiting until \S+Z 3 B {2}one\nlater d\d+-\d+ waiting until \S+Z 3 B {2}two\n$/,
  );
  assert.match(await ok("ls"), /^NAME .* WAITING +DELAYED +CONSUMERS/);
  assert.match(await ok("ls", "--name", "later"), /^later +queue +\/ +0 +0 +0 +2 +0 /m);
  assert.match(await ok("describe", "later"), /^messages delayed +2$/m);
  const [one] = await jsonOf("delayed", "later", "--limit", "1");
  assert.equal(await ok("delayed", "later", "--cancel", one.id), `cancelled ${one.id}\n`);
  const [two, ...others] = await jsonOf("delayed", "later");
  assert.deepEqual(others, []);
  assert.deepEqual(
    (await jsonOf("peek", "later", "--state", "scheduled")).map(({ id }: { id: string }) => id),
    [two.id],
  );
  assert.equal(
    (await run("peek", "later")).stderr,
    "later has no ready messages; it has 1 to come at their time (--state scheduled)\n",
  );
  assert.match(await ok("ls"), /^NAME +KIND +VHOST +MESSAGES +UNACKED +WAITING +DELAYED +CONSUMERS +SIZE$/m);
  assert.match(await ok("ls", "queues", "--name", "later"), / DELAYED .*\nlater +\S+ +\/ +0 +0 +- +1 /);
  assert.equal(await ok("delayed", "later", "--cancel", two.id), `cancelled ${two.id}\n`);
  assert.equal((await run("delayed", "later", "--cancel", one.id)).code, 5);
  assert.equal((await run("delayed", "nothing")).code, 5);
});

test("what is held and what waits for a retry is shown and counted, and looking changes nothing", async () => {
  await ok(
    "apply",
    fileOf(
      "retried.yaml",
      "queues: [{ name: retried, arguments: { x-retry-limit: 5, x-retry-backoff-ms: 600000, x-queue-type: quorum } }]",
    ),
  );
  await ok("pub", "retried", "one", "two", "three");
  const connection = await amqplib.connect(`amqp://guest:secret@127.0.0.1:${broker.ports.amqp}`);
  try {
    const channel = await connection.createChannel();
    for (const left of [2, 1]) {
      const message = await channel.get("retried");
      assert.ok(message !== false && message.fields.messageCount === left);
      channel.nack(message, false, false);
    }
    await channel.get("retried");
    const nothing = await run("peek", "retried");
    assert.deepEqual(
      [nothing.code, nothing.stdout, nothing.stderr],
      [
        0,
        "",
        "retried has no ready messages; it has 1 held by consumers (--state unacked) and 2 that wait for a retry (--state waiting)\n",
      ],
    );
    const [waiting, held, all, purge] = await Promise.all([
      ok("peek", "retried", "--state", "waiting"),
      ok("peek", "retried", "--state", "unacked"),
      jsonOf("peek", "retried", "--state", "all", "--from", "1", "--limit", "1"),
      run("purge", "retried"),
    ]);
    assert.match(
      waiting,
      /^retried@0 again waiting until \d{4}-\S+Z 3 B {2}one\nretried@1 again .* {2}two\n$/,
    );
    assert.match(held, /^retried@2 held by basic\.get of 127\S+ -> \S+ \(1\) since \S+Z 5 B {2}three\n$/);
    assert.deepEqual([all.length, all[0].payload, all[0].delivery_count], [1, "two", 1]);
    assert.equal(
      purge.stdout,
      'would delete 2 messages of queue "retried" in virtual host "/", 2 of which wait for a retry; 1 that consumers hold stay\n',
    );
    assert.match(await ok("purge", "retried", "--yes"), /^deleted 2 messages /);
    assert.equal(
      (await run("peek", "retried", "--state", "waiting")).stderr,
      "retried has no waiting messages\n",
    );
  } finally {
    await connection.close();
  }
});

test("sub waits for what comes, by an exchange too, and Ctrl-C ends it", async () => {
  const waiting = begin(null, "sub", "news.#", "--exchange", "amq.topic", "-o", "ndjson");
  // It is bound once a message gets through.
  let code: number | null = 5;
  while (code === 5) ({ code } = await run("pub", "news.today", "hello", "--exchange", "amq.topic"));
  assert.equal(code, 0);
  await waiting.saw("hello");
  waiting.interrupt();
  const ended = await waiting.ended;
  assert.equal(ended.code, 130, ended.stderr);
  assert.equal(JSON.parse(ended.stdout.split("\n")[0]!).routing_key, "news.today");
});

test("what Redis and Kafka made is listed, described, published to and read", async () => {
  const redis = await RawRedis.open(broker.ports.redis);
  await redis.call("auth", "secret");
  await redis.call("xadd", "rstream", "*", "field", "value");
  await redis.close();
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    logLevel: logLevel.NOTHING,
    sasl: { mechanism: "plain", username: "guest", password: "secret" },
  });
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: "troika.delay.allowed", value: "true" }];
  await admin.createTopics({
    topics: [
      { topic: "topic", numPartitions: 3 },
      { topic: "ltopic", numPartitions: 2, configEntries },
    ],
  });
  await admin.disconnect();
  const listed = await ok("ls");
  assert.match(listed, /^NAME +KIND +VHOST +MESSAGES +UNACKED +WAITING +CONSUMERS +SIZE$/m);
  assert.match(listed, /^rstream +redis_stream +\/ +1 +0 +0 +0 +\d+ B$/m);
  assert.match(listed, /^topic +kafka_topic +\/ +0/m);
  await Promise.all(["a", "b", "c", "d"].map((key) => ok("pub", "topic", `by ${key}`, "--key", key)));
  const [read, described, names] = await Promise.all([
    jsonOf("peek", "topic"),
    ok("describe", "topic"),
    ok("ls", "--kind", "kafka_topic", "--names"),
  ]);
  assert.deepEqual(read.map(({ payload }: { payload: string }) => payload).toSorted(), [
    "by a",
    "by b",
    "by c",
    "by d",
  ]);
  assert.match(described, /^topic-2 +\d/m);
  assert.deepEqual(names.split("\n"), ["ltopic", "topic", ""]);
  for (const key of ["a", "b", "c", "d"])
    await ok("pub", "ltopic", key, "--key", key, "--header", "x-delay=600000");
  const later = await jsonOf("delayed", "ltopic");
  assert.equal(new Set(later.map(({ partition }: { partition: string }) => partition)).size, 2);
  for (const { id } of later) assert.equal((await run("delayed", "ltopic", "--cancel", id)).code, 0, id);
  assert.equal((await run("delayed", "ltopic")).stderr, "nothing waits for ltopic\n");
});

test("policies and users are set, shown and deleted", async () => {
  const policy = [
    "policy",
    "set",
    "lazy",
    "^nothing",
    "max-length=5",
    "overflow=reject-publish",
    "--priority",
    "3",
  ];
  assert.equal(await ok(...policy, "--apply-to", "queues"), "policy lazy is set\n");
  const [shown, table] = await Promise.all([jsonOf("policy", "show", "lazy"), ok("policy", "ls")]);
  assert.deepEqual(shown.definition, { "max-length": 5, overflow: "reject-publish" });
  assert.match(table, /^lazy +\^nothing +queues +3 +max-length=5 overflow=reject-publish$/m);
  const wrong = await run("policy", "set", "bad", "x", "max-length=many");
  assert.equal(wrong.code, 6);
  assert.match(wrong.stderr, /Validation failed <<"many">> is not a valid maximum length\n$/);
  const own = ["retry-limit=5", "retry-jitter=0.1", "retry-keeps-order=true"];
  await ok("policy", "set", "lazy", "^nothing", ...own, 'dead-letter-routing-key="5"');
  const { definition } = await jsonOf("policy", "show", "lazy");
  assert.deepEqual(definition, {
    "retry-limit": 5,
    "retry-jitter": 0.1,
    "retry-keeps-order": true,
    "dead-letter-routing-key": "5",
  });
  await ok("policy", "rm", "lazy");
  assert.equal((await run("policy", "rm", "lazy")).code, 5);

  const added = await begin("pass word\n", "user", "add", "ann", "--tags", "management").ended;
  assert.equal(added.code, 0, added.stderr);
  assert.equal((await begin("x", "user", "add", "ann").ended).code, 6);
  await ok("user", "grant", "ann", "--write", "^orders");
  await ok("user", "tags", "ann", "monitoring", "policymaker");
  const user = await jsonOf("user", "show", "ann");
  assert.deepEqual(user.tags, ["monitoring", "policymaker"]);
  assert.deepEqual(user.permissions, [
    { user: "ann", vhost: "/", configure: ".*", write: "^orders", read: ".*" },
  ]);
  assert.equal("password_hash" in user, false);
  // Tags leave the password as it was.
  const ann = `http://ann:pass%20word@127.0.0.1:${broker.ports.http}`;
  assert.equal((await run("ls", "--url", ann)).code, 0);
  assert.equal((await run("user", "ls", "--url", ann)).code, 4);
  await ok("user", "revoke", "ann");
  await ok("user", "rm", "ann");
  assert.equal((await run("user", "rm", "ann")).code, 5);
});

test("an export is what apply takes", async () => {
  const [json, yaml] = await Promise.all([ok("export"), ok("export", "-o", "yaml", "--vhost", "/")]);
  assert.ok(Array.isArray(JSON.parse(json).queues));
  for (const [name, text] of [["all.json", json] as const, ["vhost.yaml", yaml] as const])
    assert.equal(await ok("diff", fileOf(name, text)), "the broker has all of it already\n");
});

test("status counts in words, and shows users without the tag monitoring what they may see", async () => {
  const memory = await startTestBroker({ dataDir: "memory" });
  const url = (user: string): string => `http://${user}@127.0.0.1:${memory.ports.http}`;
  const put = async (at: string, body: object): Promise<void> => {
    const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
    const headers = { authorization, "content-type": "application/json" };
    const target = `http://127.0.0.1:${memory.ports.http}/api/${at}`;
    const { ok: isDone } = await fetch(target, { method: "PUT", headers, body: JSON.stringify(body) });
    assert.ok(isDone, at);
  };
  await put("queues/%2F/only", {});
  await put("users/small", { password: "p", tags: "management" });
  const [guest, small] = await Promise.all(
    ["guest:guest", "small:p"].map((user) => run("status", "--url", url(user))),
  );
  assert.match(guest!.stdout, /^objects +1 queue, \d+ exchanges, 0 connections, 0 channels, 0 consumers$/m);
  assert.match(guest!.stdout, /^disk +none: all is in memory$/m);
  assert.equal(small!.code, 0, small!.stderr);
  assert.match(small!.stdout, /^objects +0 queues, 0 exchanges, 0 connections, 0 channels$/m);
  assert.match(small!.stdout, /^listens +redis/m);
  assert.doesNotMatch(small!.stdout, /memory/);
  await memory.stop();
});

test("contexts name brokers, and a command line that is wrong is told in one line", async () => {
  const url = `http://guest:secret@127.0.0.1:${broker.ports.http}`;
  const closed = `http://127.0.0.1:${await ownPort()}`;
  await ok("context", "add", "here", url);
  await ok("context", "add", "there", closed);
  const listed = await ok("context", "ls");
  assert.match(listed, /^\* +here +http:\/\/127\.0\.0\.1:\d+ +guest +\/$/m);
  assert.doesNotMatch(listed, /secret/);
  const [here, there, unknown, ...wrong] = await Promise.all([
    run("status", "-o", "json"),
    run("status", "--context", "there"),
    run("status", "--context", "nowhere"),
    run("ls", "quues"),
    run("ls", "--naem", "x"),
    run("peek"),
    run("peek", "orders", "--count", "0"),
    run("policy"),
    run("apply", path.join(directory, "none.yaml")),
    run("apply", fileOf("odd.yaml", "polices: []")),
  ]);
  assert.equal(here.code, 0, here.stderr);
  assert.equal(JSON.parse(here.stdout).ready, true);
  assert.equal(there.code, 3);
  assert.match(
    there.stderr,
    /no broker answers at http:\/\/127\.0\.0\.1:\d+ \(context there\): nothing listens there\n.*troikamq start\n/,
  );
  assert.equal(unknown.code, 5);
  for (const { code, stdout, stderr } of wrong) {
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /^troikamq: .+\n$/);
  }
  assert.match(wrong[0].stderr, /Allowed choices are destinations, queues/);
  assert.match(wrong[1].stderr, /unknown option '--naem' \(Did you mean --name\?\)/);
  assert.match(wrong[6].stderr, /polices is unknown; did you mean policies\?/);
  for (const [environment, told] of [
    [{ TROIKAMQ_URL: url }, "is used once TROIKAMQ_URL is not set, which goes before it\n"],
    [{ TROIKAMQ_CONTEXT: "there" }, "is used once TROIKAMQ_CONTEXT is not set, which goes before it\n"],
    [{ TROIKAMQ_CONTEXT: "here" }, "is used from now on\n"],
  ] as const) {
    const used = await beginBy(bun, null, ["context", "use", "here"], environment).ended;
    assert.ok(used.stdout.endsWith(told), used.stdout);
  }
  await ok("context", "rm", "here");
  await ok("context", "rm", "there");
});

test("what is mistaken on the command line is told with what was meant", async () => {
  await begin("pw", "user", "add", "bob", "--tags", "management,monitoring").ended;
  const grant = (...words: readonly string[]): Promise<Ended> => run("user", "grant", "bob", ...words);
  assert.equal(
    await ok("user", "tags", "bob", "management,policymaker"),
    "user bob has the tags management, policymaker\n",
  );
  assert.deepEqual((await jsonOf("user", "show", "bob")).tags, ["management", "policymaker"]);
  const all = "user bob may configure '.*', write '.*' and read '.*' in virtual host /\n";
  assert.equal((await grant()).stdout, all);
  const three = "user bob may configure '^b', write '.*' and read '' in virtual host /\n";
  assert.equal((await grant("^b", ".*", "")).stdout, three);
  const cases: [ended: Promise<Ended>, code: number, told: RegExp][] = [
    [
      run("user", "tags", "bob", "managment"),
      2,
      /no tag is called "managment"; there are administrator, .*management/,
    ],
    [grant("^b", ".*"), 2, /give three patterns, CONFIGURE WRITE READ, or the options --configure/],
    [grant("^b", ".*", ".*", "--read", "x"), 2, /give three patterns/],
    [begin("", "user", "add", "carl").ended, 2, /the password is empty: give it by --password-file FILE/],
    [run("describe", ""), 2, /a name is empty; give one/],
    [run("purge", "", "--yes"), 2, /a name is empty/],
    [run("user", "show", ""), 2, /a name is empty/],
    [
      run("ls", "--vhost", "nope"),
      5,
      /there is no virtual host "nope"; see troikamq ls vhosts, or make it: echo/,
    ],
    [run("ls", "queues", "--vhost", "nope"), 5, /there is no virtual host "nope"/],
    [grant("--vhost", "nope"), 5, /there is no virtual host "nope"/],
    [run("policy", "show", "x", "--vhost", "nope"), 5, /there is no virtual host "nope"/],
    [run("policy", "set", "x", "y", "expires=1", "--vhost", "nope"), 5, /there is no virtual host "nope"/],
    [run("describe", "x", "--vhost", "nope"), 5, /there is no virtual host "nope"/],
    [run("ls", "quues"), 2, /Did you mean queues\?/],
    [run("--url", "http://127.0.0.1:1", "ls"), 3, /no broker answers at http:\/\/127\.0\.0\.1:1:/],
    [run("--nope", "ls"), 2, /--nope/],
  ];
  for (const [running, code, told] of cases) {
    const ended = await running;
    assert.deepEqual([ended.code, told.test(ended.stderr)], [code, true], ended.stderr);
  }
  const moved = await run("-o", "json", "--vhost=/", "user", "show", "bob");
  assert.equal(JSON.parse(moved.stdout).name, "bob");
  const retry = await run("policy", "set", "again", "^nothing", "retry-backoff-ms=10");
  assert.deepEqual([retry.code, retry.stderr.startsWith("without retry-limit")], [0, true], retry.stderr);
  await ok("policy", "set", "again", "^nothing", "retry-backoff-ms=10", "retry-limit=3");
  await ok("policy", "rm", "again");
  await ok("user", "rm", "bob");
});

test("on Node", async () => {
  const onNode = (...args: readonly string[]): Promise<Ended> => beginBy(process.execPath, null, args).ended;
  await ok("apply", fileOf("node.yaml", "queues: [{ name: by-node }]"));
  const closed = `http://127.0.0.1:${await ownPort()}`;
  const [published, unreachable] = await Promise.all([
    onNode("pub", "by-node", "hello"),
    onNode("status", "--url", closed),
  ]);
  assert.deepEqual(published, { code: 0, stdout: "published 1 message\n", stderr: "" });
  assert.equal(unreachable.code, 3);
  assert.match(unreachable.stderr, /^troikamq: no broker answers at \S+: nothing listens there\n/);
  const taken = await onNode("sub", "by-node", "--count", "1", "--raw");
  assert.deepEqual(taken, { code: 0, stdout: "hello\n", stderr: "" });
});

test("apply --prune goes on where a deletion has taken what was to be deleted next", async () => {
  const auto = fileOf(
    "auto.yaml",
    `
exchanges:
  - { name: auto.a, type: fanout, auto_delete: true }
  - { name: auto.b, type: fanout, auto_delete: true }
  - { name: plain, type: fanout }
bindings:
  - { source: auto.a, destination: plain, destination_type: exchange }
  - { source: auto.b, destination: auto.a, destination_type: exchange }
`,
  );
  await ok("apply", auto);
  const nothing = fileOf("nothing.yaml", "exchanges: []\nbindings: []");
  const pruned = await run("apply", nothing, "--prune");
  assert.deepEqual([pruned.code, pruned.stderr], [0, ""]);
  assert.match(pruned.stdout, /^- exchange 'auto\.a' in virtual host '\/'$/m);
  assert.equal(await ok("diff", nothing, "--prune"), "the broker has all of it already\n");
});

test("trace prints the life of a message, line by line", async () => {
  const connection = await amqplib.connect(`amqp://guest:secret@127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("traced", { arguments: { "x-trace-sample": 1 } });
  channel.sendToQueue("traced", Buffer.from("x"), { messageId: "t1", headers: { customer: 17 } });
  await channel.waitForConfirms();
  channel.ack((await channel.get("traced")) as amqplib.GetMessage);
  await channel.close();
  await connection.close();
  const [byId, byHeader, none] = await Promise.all([
    ok("trace", "--message-id", "t1"),
    jsonOf("trace", "--header", "customer=17"),
    run("trace", "--message-id", "t2"),
  ]);
  const lines = byId.trimEnd().split("\n");
  assert.match(lines[0]!, /^trace [0-9a-f]{32} {3}message t1$/);
  assert.match(
    lines[1]!,
    /^ {2}20[^ ]+Z +published +to the default exchange with key traced, by guest amqp 127/,
  );
  assert.match(lines[2]!, /^ +\+ \d+\.\d{3} ms +routed +to traced$/);
  assert.match(lines[3]!, /written +to traced at offset 0$/);
  assert.match(lines[4]!, /delivered +from traced at offset 0 to guest amqp .* channel 1, delivery 1$/);
  assert.match(lines[5]!, /acknowledged +in traced at offset 0, after \d+\.\d{3} ms$/);
  assert.equal(lines.length, 6);
  assert.equal(byHeader.length, 1);
  assert.equal(byHeader[0].events.length, 5);
  assert.equal(none.code, 5);
  assert.match(none.stderr, /trace-sample/);
});
