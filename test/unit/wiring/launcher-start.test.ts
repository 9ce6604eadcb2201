/** What `start` does around the broker: ready line, signals, exit codes. The wiring is a stand-in. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isWaitingShell, npmParents } from "../../../bin/parents.js";
import { findBun, findNode } from "../../../bin/runtime.js";

const root = join(import.meta.dirname, "../../..");
const directory = mkdtempSync(join(tmpdir(), "troikamq-start-"));
after(() => rmSync(directory, { recursive: true }));

for (const part of ["bin", "cli", "src/base", "package.json"]) {
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

const withoutExecve = join(directory, "without-execve.mjs");
writeFileSync(withoutExecve, "delete process.execve;\n");

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(
  runtime: string,
  args: string[],
  onReady: (child: ChildProcess, line: string) => void,
): Promise<Outcome> {
  return run(runtime, [join(directory, "cli/main.ts"), ...args], {}, onReady);
}

/** Resolves when every process that has the output has ended, also those that outlive the child. */
async function run(
  command: string,
  args: string[],
  environment: Record<string, string>,
  onReady: (child: ChildProcess, line: string) => void,
): Promise<Outcome> {
  const child = spawn(command, args, {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  let orphanLimit: NodeJS.Timeout | undefined;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    if (!stdout.endsWith("\n")) return;
    const { pid } = JSON.parse(stdout) as { pid: number };
    orphanLimit = setTimeout(() => process.kill(pid, "SIGKILL"), 20_000);
    onReady(child, stdout);
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  try {
    return await new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  } finally {
    clearTimeout(orphanLimit);
  }
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

/** The launcher under Node, with the platform's packages found as those of an installed package are. */
const launcher = join(directory, "bin/troikamq.js");
const launcherOptions = ["start", "--redis-port=0", "--data-dir=d"];
const isUnix = process.platform !== "win32";

// Where there is no /proc, shells become the program that they run.
const hasProc = existsSync("/proc/self/stat");

for (const runtime of ["bun", "node"]) {
  if (runtime === "bun" && findBun() === undefined) continue;
  const environment = { TROIKAMQ_RUNTIME: runtime, NODE_PATH: join(root, "node_modules") };

  test(`${runtime}: a launcher that stays, and is killed, takes the broker with it, drained`, async () => {
    const args = ["--import", withoutExecve, launcher, ...launcherOptions];
    const { code, stdout, stderr } = await run(findNode()!, args, environment, (child, line) => {
      assert.notEqual(JSON.parse(line).pid, child.pid);
      child.kill("SIGKILL");
    });
    assert.deepEqual([code, stderr], [null, "drains drained"]);
    assert.match(stdout, /^\{"ready":true,.*\}\n$/);
  });

  test(
    `${runtime}: npm's shell that ends takes the broker with it, drained`,
    { skip: !hasProc },
    async () => {
      for (const options of [[], ["--import", withoutExecve]]) {
        const words = [findNode()!, ...options, launcher, ...launcherOptions].map((word) => `'${word}'`);
        // Two commands: no shell becomes the last of them.
        const shell = ["-c", `true && ${words.join(" ")} && true`];
        const npm = { ...environment, npm_lifecycle_event: "start" };
        const { code, stderr } = await run("sh", shell, npm, (child) => child.kill("SIGTERM"));
        assert.deepEqual([code, stderr], [null, "drains drained"]);
      }
    },
  );
}

test("a descriptor that is no launcher's pipe is no launcher's end", { skip: !isUnix }, async () => {
  for (const descriptor of ["3", "99", "x"]) {
    const args = [join(directory, "cli/main.ts"), ...launcherOptions];
    const environment = { TROIKAMQ_LAUNCHER_FD: descriptor };
    const { code, stderr } = await run(runtimes[0]!, args, environment, (child) => child.kill("SIGTERM"));
    assert.deepEqual([code, stderr], [0, "drains drained"]);
  }
});

test("a shell waits for what it runs unless it is told not to", () => {
  const shells: [words: string[], waits: boolean][] = [
    [["sh", "-c", "node bin/troikamq.js start --data-dir d"], true],
    [["/bin/bash", "-c", "npm run build && troikamq start 2>&1"], true],
    [["sh", "-c", "troikamq start &"], false],
    [["sh", "-c", "troikamq start & wait-on tcp:6379"], false],
    [["sh", "-c", "troikamq start >log 2>&1 &"], false],
    [["sh", "start.sh"], false],
    [["bash"], false],
    [["node", "-c", "x"], false],
    [[], false],
  ];
  for (const [words, waits] of shells) assert.equal(isWaitingShell(words), waits, words.join(" "));
});

test("without npm, and in a session of its own, nobody's end is waited for", { skip: !hasProc }, () => {
  assert.equal(npmParents({}), undefined);
  const script = `import(${JSON.stringify(join(directory, "bin/parents.js"))}).then(({ npmParents }) => {
    process.stdout.write(JSON.stringify(npmParents({ npm_command: "start" })?.at(-1) ?? null));
  })`;
  for (const [prefix, parent] of [
    ["", process.pid],
    ["setsid ", null],
  ] as const) {
    const shell = ["-c", `true && ${prefix}'${findNode()!}' -e '${script}' && true`];
    const { stdout } = spawnSync("sh", shell, { encoding: "utf8" });
    assert.equal(stdout, JSON.stringify(parent), prefix);
  }
});
