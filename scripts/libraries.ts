/**
 * `npm run test:libraries [-- TEXT…]`: the libraries of the users of Redis and RabbitMQ, unmodified, against a broker on Bun and on Node; with TEXT only
 * the files of libraries/ whose name holds one of them.
 *
 * They are a package of their own: together they bring hundreds of packages, one of them with an install script, which does not run.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const folder = join(root, "libraries");

function run(command: string, args: readonly string[], options: { cwd: string; runtime?: string }): boolean {
  const { cwd, runtime } = options;
  const env = { ...process.env, ...(runtime === undefined ? {} : { TROIKAMQ_TEST_RUNTIME: runtime }) };
  return spawnSync(command, args, { cwd, env, stdio: "inherit" }).status === 0;
}

const wanted = process.argv.slice(2);
const files = globSync("libraries/*.test.ts", { cwd: root })
  .filter((path) => wanted.length === 0 || wanted.some((text) => path.includes(text)))
  .toSorted();
if (files.length === 0) throw new Error("no file of libraries/ has such a name");

const isInstalled = run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
if (!isInstalled) throw new Error("npm ci failed in libraries/: is there a package registry?");
const runner = ["--test", "--test-force-exit", "--test-timeout=60000", ...files];
const failed = ["bun", "node"].filter((runtime) => !run(process.execPath, runner, { cwd: root, runtime }));
if (failed.length > 0) {
  console.error(`failed with the broker on ${failed.join(" and ")}`);
  process.exitCode = 1;
}
