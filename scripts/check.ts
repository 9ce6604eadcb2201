/**
 * `npm run check [-- NAME…]`: types, lint, format, dead code and room rules; all are run, so that one call tells
 * all that is wrong.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Each is an npm script; package.json is where its command is written. */
const steps = ["types", "lint", "format:check", "dead", "rooms"];

const wanted = process.argv.slice(2);
const failed: string[] = [];
for (const step of steps.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  process.stdout.write(`\n== ${step} ==\n`);
  const { status } = spawnSync("npm", ["run", "--silent", step], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) failed.push(step);
}
process.stdout.write(failed.length === 0 ? "\nall checks passed\n" : `\nFAILED: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
