/**
 * Every subcommand of rabbitmqadmin, the script of RabbitMQ's management plugin, beside a real RabbitMQ: what it prints and its exit code.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";

const script = "/usr/bin/rabbitmqadmin";
const skip = noRealRabbitMq !== false ? noRealRabbitMq : existsSync(script) ? false : `there is no ${script}`;

let rabbit: RealRabbitMq;
let broker: TestBroker;
let directory: string;

before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(join(tmpdir(), "rabbitmqadmin-"));
  rabbit = await RealRabbitMq.start();
  broker = await startTestBroker({ env: { TROIKAMQ_PASSWORD: "guest" } });
});

after(async () => {
  if (skip !== false) return;
  rmSync(directory, { recursive: true });
  await rabbit.stop();
  await broker.stop();
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function admin(port: number, words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn("python3", [script, "-P", String(port), ...words], {
      env: { ...process.env, HOME: directory },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** In order; what a command makes, later ones list, use and delete. */
const commands: readonly string[] = [
  "list vhosts name",
  // Redis's user is in the list too, and without its password.
  "-u u -p p list users",
  "list permissions",
  "list exchanges vhost name type durable auto_delete internal arguments",
  "list queues name",
  "declare vhost name=v",
  "declare vhost name=v",
  "declare user name=u password=p tags=monitoring,policymaker",
  "declare user name=h password_hash=4RctjWZZMLScp/JGHGwP2vzjd0bzTi7BB1LwsWhgfMpPcl8a tags=",
  "declare user name=none tags=management",
  "list permissions user vhost",
  "declare permission vhost=v user=u configure=^a write=.* read=",
  "declare permission vhost=nowhere user=u configure=^a write=.* read=",
  "declare exchange name=e type=topic",
  "declare exchange name=e type=direct",
  "declare exchange name=i type=fanout internal=true auto_delete=true durable=false",
  "declare exchange name=x type=none",
  "declare queue name=q",
  "declare queue name=q durable=false",
  'declare queue name=limited arguments={"x-max-length":5}',
  "declare queue name=quorum queue_type=quorum",
  "declare queue name=stream queue_type=stream",
  "declare queue name=bad node=nobody@nowhere",
  "declare binding source=e destination=q routing_key=a.#",
  "declare binding source=e destination=i destination_type=exchange routing_key=b",
  'declare binding source=e destination=q arguments={"n":1}',
  "declare binding source=nowhere destination=q",
  'declare policy name=pol pattern=^q definition={"max-length":100} apply-to=queues priority=7',
  'declare policy name=pol pattern=^q definition={"max-length":"many"}',
  'declare policy name=first pattern=^nothing definition={"max-length":1} priority=1',
  'declare operator_policy name=op pattern=^q definition={"max-length":50} apply-to=queues',
  'declare parameter component=nothing name=p value={"a":1}',
  "declare vhost_limit vhost=v name=max-queues value=10",
  "list vhosts name tracing",
  "list permissions",
  "list exchanges vhost name type durable auto_delete internal arguments policy",
  "list queues vhost name type durable auto_delete exclusive arguments policy operator_policy state",
  "list bindings",
  "list bindings vhost source destination routing_key",
  "list policies",
  "list operator_policies",
  "list parameters",
  "list vhost_limits",
  "list consumers",
  "list channels",
  "list connections",
  "list nodes type running",
  "-V v list queues name",
  "-V v list exchanges name type",
  "-V nowhere list queues",
  "publish routing_key=q payload=hello",
  'publish routing_key=a.b exchange=e payload=aGVsbG8= payload_encoding=base64 properties={"delivery_mode":2,"headers":{"k":"v"}}',
  "publish routing_key=nobody payload=lost",
  "publish routing_key=a exchange=nowhere payload=x",
  "get queue=q count=5",
  "get queue=q count=1 encoding=base64",
  "get queue=q count=1 ackmode=ack_requeue_false",
  "get queue=q count=1 ackmode=reject_requeue_true",
  "get queue=nowhere",
  "get queue=stream",
  "get queue=q payload_file=GOT",
  "purge queue name=q",
  "get queue=q",
  "purge queue name=nowhere",
  "-f tsv list queues vhost name",
  "-f long list queues name arguments",
  "-f kvp list queues name durable",
  "-f bash list queues",
  "-f raw_json list permissions",
  "-f pretty_json list vhost_limits",
  "-s name list queues name",
  "-s name --sort-reverse list queues name",
  "-d 2 list exchanges name",
  "-u u -p p list vhosts name",
  "-u u -p wrong list vhosts name",
  "-u h -p x list vhosts",
  "export OUT",
  "delete binding source=e destination_type=queue destination=q properties_key=a.%23",
  "delete binding source=e destination_type=queue destination=q properties_key=none",
  "delete queue name=q",
  "delete queue name=q",
  "import OUT",
  "-V v import OUT",
  "list queues vhost name",
  "-V v list bindings source destination routing_key",
  "close connection name=none",
  "delete policy name=pol",
  "delete policy name=pol",
  "delete operator_policy name=op",
  "delete parameter component=nothing name=p",
  "delete vhost_limit vhost=v name=max-queues",
  "delete exchange name=e",
  "delete exchange name=amq.topic",
  "delete permission vhost=v user=u",
  "delete user name=u",
  "delete user name=u",
  "delete vhost name=v",
  "delete vhost name=v",
  "show overview queue_totals.messages object_totals.queues object_totals.exchanges",
];

/** What each server names and numbers by itself. */
function comparable({ code, stdout, stderr }: Ended): object {
  const plain = (text: string): string =>
    text
      .trimEnd()
      .replaceAll(/policies\d+@localhost|(rabbit|troikamq)@localhost/g, "NODE")
      .replaceAll(/\b[\w-]*~?[A-Za-z0-9_-]{22}\b/g, "HASH")
      .replaceAll(/at localhost port \d+|127\.0\.0\.1:\d+/g, "HERE");
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

test("each subcommand prints what it prints of RabbitMQ", { skip }, async () => {
  const ports = [Number(new URL(rabbit.httpUrl).port), broker.ports.http];
  const differences: object[] = [];
  for (const command of commands) {
    const [real, ours] = await Promise.all(
      ports.map((port) => {
        const words = command
          .split(" ")
          .map((word) => word.replace(/OUT|GOT/, (name) => join(directory, `${name}-${port}`)));
        return admin(port, words);
      }),
    );
    const [expected, actual] = [comparable(real!), comparable(ours!)];
    const hide = (port: number): string =>
      JSON.stringify([expected, actual][ports.indexOf(port)]).replaceAll(`-${port}`, "");
    if (hide(ports[0]!) !== hide(ports[1]!)) differences.push({ command, expected, actual });
  }
  assert.deepEqual(differences, []);
});

test("what RabbitMQ exports is imported here, and the other way round", { skip }, async () => {
  const real = Number(new URL(rabbit.httpUrl).port);
  const ours = broker.ports.http;
  for (const [from, to] of [
    [real, ours],
    [ours, real],
  ] as const) {
    const file = join(directory, `crossed-${from}`);
    assert.equal((await admin(from, ["declare", "queue", `name=from-${from}`])).code, 0);
    assert.equal((await admin(from, ["export", file])).code, 0);
    // The other server keeps its own password of guest.
    const { users, ...rest } = JSON.parse(readFileSync(file, "utf8")) as { users: { name: string }[] };
    writeFileSync(file, JSON.stringify({ ...rest, users: users.filter(({ name }) => name !== "guest") }));
    const imported = await admin(to, ["import", file]);
    assert.equal(imported.code, 0, imported.stdout + imported.stderr);
    const { stdout } = await admin(to, ["-f", "tsv", "list", "queues", "name"]);
    assert.ok(stdout.includes(`from-${from}`), stdout);
  }
});
