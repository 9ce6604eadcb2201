/** The launcher, run as users run it: in front of a small program that stands for the broker. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bunPackages, chooseRuntime, findBun, findNode, stripsTypes } from "../../../bin/runtime.js";

const root = join(import.meta.dirname, "../../..");
const launcher = join(root, "bin/troikamq.js");
const limitMs = 20_000;

const directory = mkdtempSync(join(tmpdir(), "troikamq-launcher-"));
after(() => rmSync(directory, { recursive: true }));

function program(name: string, source: string): string {
  const path = join(directory, name);
  writeFileSync(path, source);
  return path;
}

interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

interface Run {
  args?: string[];
  environment?: Record<string, string>;
  /** Makes the launcher run without `process.execve`, as on Node 20. */
  withoutExecve?: boolean;
  /** The launcher of an installed package instead of this checkout's. */
  installed?: string;
  onOutput?: (child: ChildProcess) => void;
}

/** Runs the launcher under Node, whichever runtime this test runs on. */
async function launch(run: Run): Promise<Outcome> {
  const { args = [], environment = {}, withoutExecve = false, installed = launcher, onOutput } = run;
  const node = findNode();
  assert.ok(node !== undefined);
  const hide = program("without-execve.mjs", "delete process.execve;\n");
  const child = spawn(node, [...(withoutExecve ? ["--import", hide] : []), installed, ...args], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (stdout === "") onOutput?.(child);
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

const echo = program(
  "echo.ts",
  `const runtime: string = process.versions.bun === undefined ? "node" : "bun";
process.stdout.write(JSON.stringify({ runtime, args: process.argv.slice(2), pid: process.pid, parent: process.ppid }));
process.exitCode = Number(process.env.TROIKAMQ_TEST_EXIT ?? 0);
`,
);

const waiter = program(
  "waiter.ts",
  `for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    process.stdout.write(signal);
    process.exit(40);
  });
}
setTimeout(() => process.exit(41), 15_000);
process.stdout.write("up ");
`,
);

const broken = program("broken.ts", `process.kill(process.pid, "SIGKILL");\n`);

test("the program runs under Bun with the arguments as they are, and its exit code is the launcher's", async () => {
  for (const withoutExecve of [false, true]) {
    const { code, stdout, stderr } = await launch({
      withoutExecve,
      args: ["start", "--host", "a b", "*", ""],
      environment: { TROIKAMQ_TEST_PROGRAM: echo, TROIKAMQ_TEST_EXIT: "7" },
    });
    assert.equal(stderr, "");
    assert.equal(code, 7);
    const { runtime, args } = JSON.parse(stdout);
    assert.equal(runtime, findBun() === undefined ? "node" : "bun");
    assert.deepEqual(args, ["start", "--host", "a b", "*", ""]);
  }
});

test("with execve no launcher stays behind", async () => {
  let launcherPid: number | undefined;
  const { stdout } = await launch({
    environment: { TROIKAMQ_TEST_PROGRAM: echo },
    onOutput: ({ pid }) => (launcherPid = pid),
  });
  assert.equal(JSON.parse(stdout).pid, launcherPid);
  assert.equal(JSON.parse(stdout).parent, process.pid);
});

test("TROIKAMQ_RUNTIME chooses", async () => {
  for (const runtime of ["bun", "node"]) {
    if (runtime === "bun" && findBun() === undefined) continue;
    const environment = { TROIKAMQ_TEST_PROGRAM: echo, TROIKAMQ_RUNTIME: runtime };
    const { stdout } = await launch({ environment });
    assert.equal(JSON.parse(stdout).runtime, runtime);
  }
  const { code, stderr } = await launch({ environment: { TROIKAMQ_RUNTIME: "deno" } });
  assert.equal(code, 2);
  assert.equal(stderr, 'troikamq: TROIKAMQ_RUNTIME: "deno" is not a runtime; give bun or node\n');
});

test("a signal reaches the program, which decides how to end", async () => {
  for (const withoutExecve of [false, true]) {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const outcome = await launch({
        withoutExecve,
        environment: { TROIKAMQ_TEST_PROGRAM: waiter },
        onOutput: (child) => child.kill(signal),
      });
      assert.deepEqual(outcome, { code: 40, signal: null, stdout: `up ${signal}`, stderr: "" });
    }
  }
});

test("a program that a signal ended is 128 + its number, or that signal itself", async () => {
  const environment = { TROIKAMQ_TEST_PROGRAM: broken };
  assert.equal((await launch({ withoutExecve: true, environment })).code, 137);
  assert.equal((await launch({ environment })).signal, "SIGKILL");
});

test("the command line: version, help, and one line for what is wrong", async () => {
  const version = await launch({ args: ["version"] });
  assert.match(version.stdout, /^troikamq \d+\.\d+\.\d+ \((bun|node) \d+\.\d+\.\d+\)\n$/);
  assert.deepEqual(await launch({ args: ["--version"] }), version);
  const help = await launch({ args: ["help"] });
  assert.match(help.stdout, /^ {2}start .*\n {2}check /m);
  assert.deepEqual(await launch({ args: ["--help"] }), help);
  const start = await launch({ args: ["start", "--help"] });
  assert.match(start.stdout, /^ {2}--redis-port PORT +port of the Redis protocol \[6379\]$/m);
  const check = await launch({ args: ["check", "--help"] });
  assert.match(check.stdout, /^ {2}--data-dir DIR/m);
  assert.match(check.stdout, /^ {2}--repair {2}\w/m);
  assert.doesNotMatch(check.stdout, /--redis-port/);
  assert.deepEqual(await launch({ args: ["help", "start"] }), start);
  assert.deepEqual(await launch({ args: ["help", "check"] }), check);
  assert.match((await launch({ args: ["help", "--help"] })).stdout, /^usage: troikamq help \[COMMAND\]\n/);

  const wrong: [string[], Record<string, string>, string][] = [
    [["strat"], {}, 'unknown command "strat"; did you mean start?'],
    [["--redis-prot", "1"], {}, "unknown option --redis-prot; did you mean --redis-port?"],
    [["start", "--http-port", "x"], {}, "--http-port: x is not a valid value; give a port from 0"],
    [["help", "strat"], {}, 'unknown command "strat"; did you mean start?'],
    [["help", "start", "x"], {}, 'help takes no argument "x"'],
    [["check", "--repair=maybe"], {}, "--repair takes no value; give it alone"],
    [["start", "--config", "absent.yaml"], {}, "--config absent.yaml cannot be read (ENOENT)"],
    [["check", "--redis-port", "1"], {}, "unknown option --redis-port"],
    [["check", "--data-dir", "memory"], {}, "--data-dir: memory keeps nothing to check"],
    [["version", "x"], {}, 'version takes no argument "x"'],
  ];
  for (const [args, environment, problem] of wrong) {
    const { code, stdout, stderr } = await launch({ args, environment });
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.ok(stderr.startsWith(`troikamq: ${problem}`), stderr);
    assert.equal(stderr.split("\n").length, 2, stderr);
  }
});

test("an installed package runs below node_modules, where Node strips no types by itself", async () => {
  const home = join(directory, "node_modules/troikamq");
  for (const part of ["bin", "cli", "src/base", "package.json"]) {
    cpSync(join(root, part), join(home, part), { recursive: true });
  }
  for (const runtime of ["bun", "node"]) {
    if (runtime === "bun" && findBun() === undefined) continue;
    const { stdout, stderr } = await launch({
      installed: join(home, "bin/troikamq.js"),
      args: ["version"],
      // The copy has no node_modules of its own; the platform package is found as a neighbour would be.
      environment: { TROIKAMQ_RUNTIME: runtime, NODE_PATH: join(root, "node_modules") },
    });
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`^troikamq .* \\(${runtime} `));
  }
});

test("each machine has its package, the one for its C library first", () => {
  const only = (present: string) => (path: string) => path === present;
  const nothing = () => false;
  assert.deepEqual(bunPackages("darwin", "arm64", nothing), ["@oven/bun-darwin-aarch64"]);
  assert.deepEqual(bunPackages("win32", "x64", nothing), ["@oven/bun-windows-x64"]);
  assert.deepEqual(bunPackages("linux", "ia32", nothing), []);
  const x64 = ["@oven/bun-linux-x64", "@oven/bun-linux-x64-musl"];
  assert.deepEqual(bunPackages("linux", "x64", only("/lib64/ld-linux-x86-64.so.2")), x64);
  assert.deepEqual(bunPackages("linux", "x64", only("/lib/ld-musl-x86_64.so.1")), x64.toReversed());
  const arm = ["@oven/bun-linux-aarch64", "@oven/bun-linux-aarch64-musl"];
  assert.deepEqual(bunPackages("linux", "arm64", nothing), arm);
  assert.deepEqual(bunPackages("linux", "arm64", only("/lib/ld-musl-aarch64.so.1")), arm.toReversed());
});

test("without Bun a recent Node does, without both there is one line", () => {
  const none = { bun: () => undefined, node: () => undefined };
  const both = { bun: () => "/bun", node: () => "/node" };
  assert.equal(chooseRuntime(undefined, { ...none, node: both.node }).path, "/node");
  assert.deepEqual(chooseRuntime("", both), { path: "/bun", args: [] });
  assert.equal(chooseRuntime("node", both).path, "/node");
  for (const wanted of [undefined, "bun", "node"]) {
    assert.match(chooseRuntime(wanted, none).problem ?? "", /^[^\n]+$/);
  }
  const versions: Record<string, boolean> = {
    "v18.20.0": false,
    "v20.20.2": false,
    "v22.17.1": false,
    "v22.18.0": true,
    "v23.5.0": false,
    "v23.6.0": true,
    "v24.0.0": true,
    "v26.10.0": true,
  };
  for (const [version, strips] of Object.entries(versions))
    assert.equal(stripsTypes(version), strips, version);
});
