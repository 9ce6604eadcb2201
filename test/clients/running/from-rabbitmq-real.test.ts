/** What docs/from-rabbitmq.md promises, beside a real RabbitMQ: definitions come along, users log in, its shovel moves the messages. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import amqp from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const launcher = path.join(import.meta.dirname, "../../../bin/troikamq.js");
const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;
const count = 2000;

async function ask(base: string, method: string, endpoint: string, body?: object): Promise<string> {
  const response = await fetch(`${base}/api${endpoint}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${endpoint}: ${response.status} ${text}`);
  return text;
}

/** What a RabbitMQ has that is to be moved. */
async function fill(rabbit: RealRabbitMq): Promise<void> {
  const connection = await amqp.connect(rabbit.amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange("orders", "topic", { durable: true });
  await channel.assertQueue("orders.q", { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.assertQueue("dead", { durable: true });
  await channel.assertQueue("short", { durable: true, maxLength: 10 });
  await channel.bindQueue("orders.q", "orders", "order.#");
  for (let i = 0; i < count; i++) {
    const properties = { persistent: true, messageId: String(i), headers: { number: i } };
    channel.publish("orders", "order.new", Buffer.from(`body ${i}`), properties);
  }
  await channel.waitForConfirms();
  await connection.close();
  await ask(rabbit.httpUrl, "PUT", "/users/app", { password: "secret", tags: "monitoring" });
  const permissions = { configure: "^$", write: ".*", read: ".*" };
  await ask(rabbit.httpUrl, "PUT", "/permissions/%2F/app", permissions);
  const policy = { pattern: "^short$", definition: { "message-ttl": 60_000 }, "apply-to": "queues" };
  await ask(rabbit.httpUrl, "PUT", "/policies/%2F/p", policy);
}

async function seen(broker: TestBroker): Promise<string[]> {
  // The user of RabbitMQ, with its password there.
  const connection = await amqp.connect(`amqp://app:secret@127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createChannel();
  const ids: string[] = [];
  await channel.consume("orders.q", (message) => {
    const { messageId, headers } = message!.properties;
    assert.equal(message!.content.toString(), `body ${String(headers!["number"])}`);
    ids.push(String(messageId));
    channel.ack(message!);
  });
  await until(() => ids.length >= count, "the messages");
  await connection.close();
  return ids;
}

test(
  "definitions by diff and apply, then the messages by RabbitMQ's shovel",
  { skip: noRealRabbitMq, timeout: 120_000 },
  async () => {
    const rabbit = await RealRabbitMq.start(["rabbitmq_shovel", "rabbitmq_shovel_management"]);
    const broker = await startTestBroker();
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "from-rabbitmq-"));
    const run = (...args: readonly string[]): Promise<{ code: number | null; output: string }> =>
      new Promise((resolve) => {
        const url = `http://guest:guest@127.0.0.1:${broker.ports.http}`;
        const child = spawn(process.execPath, [launcher, ...args], {
          env: { ...process.env, TROIKAMQ_URL: url },
        });
        let output = "";
        for (const stream of [child.stdout, child.stderr])
          stream.on("data", (bytes: Buffer) => (output += bytes.toString()));
        child.on("close", (code) => resolve({ code, output }));
      });
    try {
      await fill(rabbit);
      const file = path.join(directory, "definitions.json");
      fs.writeFileSync(file, await ask(rabbit.httpUrl, "GET", "/definitions"));
      const shown = await run("diff", file);
      assert.equal(shown.code, 1);
      for (const line of [
        "+ user 'app'",
        "+ exchange 'orders' in virtual host '/'",
        "+ queue 'orders.q' in virtual host '/'",
      ])
        assert.ok(shown.output.includes(`${line}\n`), shown.output);
      assert.equal((await run("apply", file)).code, 0);
      assert.deepEqual(await run("diff", file), { code: 0, output: "the broker has all of it already\n" });
      await ask(rabbit.httpUrl, "PUT", "/parameters/shovel/%2F/move-orders", {
        value: {
          "src-protocol": "amqp091",
          "src-uri": "amqp://",
          "src-queue": "orders.q",
          "dest-protocol": "amqp091",
          "dest-uri": `amqp://guest:guest@127.0.0.1:${broker.ports.amqp}/%2f`,
          "dest-queue": "orders.q",
          "src-delete-after": "queue-length",
        },
      });
      const ids = await seen(broker);
      assert.deepEqual(
        ids,
        Array.from({ length: count }, (_, i) => String(i)),
      );
      await until(async () => (await ask(rabbit.httpUrl, "GET", "/shovels")) === "[]", "the shovel's end");
      const left = JSON.parse(await ask(rabbit.httpUrl, "GET", "/queues/%2F/orders.q")) as {
        messages?: number;
      };
      assert.equal(left.messages ?? 0, 0);
      // And back: RabbitMQ takes the broker's own export.
      const url = `http://127.0.0.1:${broker.ports.http}`;
      await ask(
        rabbit.httpUrl,
        "POST",
        "/definitions",
        JSON.parse(await ask(url, "GET", "/definitions")) as object,
      );
    } finally {
      fs.rmSync(directory, { recursive: true });
      await broker.stop();
      await rabbit.stop();
    }
  },
);
