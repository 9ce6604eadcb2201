/** README's examples, run as they stand; only the ports are replaced. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { waitMsMax } from "../../support/wait.ts";

const root = path.join(import.meta.dirname, "../../..");

/** What each example must print, in the order of the page; `startBroker` runs a broker of its own. */
const expected: RegExp[][] = [
  [/one coffee/],
  [/wash the cups/],
  [/anna home/],
  [/Redis:.*a draw/s, /Kafka: .*a draw/],
];

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

function examples(): string[] {
  const page = fs.readFileSync(path.join(root, "README.md"), "utf8");
  return [...page.matchAll(/```js\n(.*?)```/gs)]
    .map((match) => match[1]!)
    .filter((code) => !code.includes("startBroker"));
}

test("every example is expected to print something", () => {
  assert.equal(examples().length, expected.length);
});

for (const [i, code] of examples().entries()) {
  test(`example ${i + 1}`, async () => {
    const { redis, amqp, kafka } = broker.ports;
    const ported = code
      .replaceAll("new Redis(6379)", `new Redis(${redis})`)
      .replaceAll("amqp://localhost", `amqp://localhost:${amqp}`)
      .replaceAll("localhost:9092", `localhost:${kafka}`);
    const output = await outputOf(ported, expected[i]!);
    for (const pattern of expected[i]!) assert.match(output, pattern);
  });
}

/** Runs the code until it has printed all that is expected (consumers do not end by themselves) or ends. */
function outputOf(code: string, wanted: readonly RegExp[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: root });
    let output = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), waitMsMax);
    const take = (text: Buffer): void => {
      output += text.toString();
      if (wanted.every((pattern) => pattern.test(output))) child.kill("SIGKILL");
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("exit", () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}
