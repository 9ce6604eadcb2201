/** Lists and objects that nest deeper than the bound are refused before anything else looks at them: a walk of them stops everybody. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api, basic } from "../../support/users.ts";

const lists = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const objects = (depth: number): string => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker();
  assert.equal((await api(broker, "PUT", "queues/%2F/q", {})).status, 201);
});

after(() => broker.stop());

async function send(method: string, at: string, body: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}/api/${at}`, {
    method,
    headers: { authorization: basic("guest", "guest"), "content-type": "application/json" },
    body,
  });
  return { status: answer.status, text: await answer.text() };
}

/** How each body has the nested value in it. */
const bodies: readonly (readonly [method: string, at: string, body: (nested: string) => string])[] = [
  ["PUT", "policies/%2F/p", (d) => `{"pattern":"x","definition":{"max-length":${d}}}`],
  ["PUT", "policies/%2F/p", (d) => `{"pattern":"x","definition":{"zz":${d}}}`],
  ["PUT", "policies/%2F/p", (d) => `{"pattern":"x","definition":{"ha-mode":"nodes","ha-params":${d}}}`],
  ["PUT", "parameters/shovel/%2F/p", (d) => `{"value":${d}}`],
  ["PUT", "global-parameters/g", (d) => `{"value":${d}}`],
  ["PUT", "vhosts/v", (d) => `{"tags":${d}}`],
  ["PUT", "users/u", (d) => `{"tags":${d}}`],
  ["PUT", "queues/%2F/r", (d) => `{"arguments":{"zz":${d}}}`],
  ["POST", "queues/%2F/q/get", (d) => `{"count":${d}}`],
  [
    "POST",
    "exchanges/%2F/amq.default/publish",
    (d) =>
      `{"routing_key":"q","payload":"","payload_encoding":"string","properties":{"headers":{"zz":${d}}}}`,
  ],
  ["POST", "definitions", (d) => `{"queues":${d}}`],
  ["POST", "definitions/%2F", (d) => `{"parameters":[{"component":"x","name":"y","value":${d}}]}`],
];

for (const [method, at, body] of bodies) {
  test(`${method} /api/${at} ${body("...")}`, async () => {
    for (const nested of [lists(30_000), objects(10_000)]) {
      const { status, text } = await send(method, at, body(nested));
      assert.equal(status, 400, text.slice(0, 200));
      assert.match(text, /nests deeper than 3[46] lists and objects/);
    }
  });
}

test("what AMQP takes is taken, and what is stored can be exported and imported again", async () => {
  const nested = objects(31);
  const headers = `{"properties":{"headers":{"zz":${nested}}},"routing_key":"q","payload":"x","payload_encoding":"string"}`;
  assert.equal((await send("POST", "exchanges/%2F/amq.default/publish", headers)).status, 200);
  assert.equal((await send("PUT", "global-parameters/g", `{"value":${lists(33)}}`)).status, 201);
  const { body } = await api(broker, "GET", "definitions");
  const { status, text } = await send("POST", "definitions", JSON.stringify(body));
  assert.equal(status, 204, text);
});

test("--definitions refuses such a file with one line", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-nesting-"));
  const file = path.join(directory, "deep.json");
  fs.writeFileSync(file, `{"global_parameters":[{"name":"g","value":${lists(30_000)}}]}`);
  await assert.rejects(
    startTestBroker({ args: ["--definitions", file] }),
    /--definitions .*nests deeper than 36/,
  );
  fs.rmSync(directory, { recursive: true });
});
