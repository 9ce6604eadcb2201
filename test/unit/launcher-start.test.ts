/** What `start` does around the broker: ready line, signals, exit codes. The wiring is a stand-in. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findBun, findNode } from "../../bin/runtime.js";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "troikamq-start-"));
after(() => rmSync(directory, { recursive: true }));

for (const part of ["cli", "src/base", "package.json"]) {
  cpSync(join(root, part), join(directory, part), { recursive: true });
}
writeFileSync(
  join(directory, "src/main.ts"),
  `import { StartError } from "./base/errors.ts";
export async function runStart(config) {
  const open = setInterval(() => {}, 1000);
  if (config.redisPort === 1) throw new StartError(1, "port 1 is in use");
  if (config.redisPort === 2) throw new TypeError("a bug");
  return {
    dataDir: config.dataDir,
    ports: { redis: config.redisPort },
    close: async () => {
      process.stderr.write("drains ");
      await new Promise((resolve) => setTimeout(resolve, 100));
      process.stderr.write("drained");
    },
  };
}
`,
);

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function start(
  runtime: string,
  args: string[],
  onReady: (child: ChildProcess, line: string) => void,
): Promise<Outcome> {
  const child = spawn(runtime, [join(directory, "cli/main.ts"), ...args], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (stdout.endsWith("\n")) onReady(child, stdout);
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const runtimes = [findBun(), findNode()].filter((path) => path !== undefined);

for (const runtime of runtimes) {
  const name = runtime === findBun() ? "Bun" : "Node";

  test(`${name}: one line when ready; a signal, also twice, drains and exits 0`, async () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      let pid: number | undefined;
      const { code, stdout, stderr } = await start(runtime, ["--redis-port=0", "--data-dir=d"], (child) => {
        pid = child.pid;
        child.kill(signal);
        child.kill(signal);
      });
      assert.equal(stdout, `{"ready":true,"pid":${pid},"dataDir":"d","ports":{"redis":0}}\n`);
      assert.deepEqual([code, stderr], [0, "drains drained"]);
    }
  });

  test(`${name}: a start that fails is one line and its code, whatever it has opened`, async () => {
    const { code, stdout, stderr } = await start(runtime, ["start", "--redis-port", "1"], () => {});
    assert.deepEqual([code, stdout, stderr], [1, "", "troikamq: port 1 is in use\n"]);
  });

  test(`${name}: a bug keeps its stack`, async () => {
    const { code, stdout, stderr } = await start(runtime, ["start", "--redis-port", "2"], () => {});
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /TypeError: a bug\n[^]*main\.ts/);
  });
}
