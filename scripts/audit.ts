/**
 * `npm run audit`: asks the registry for known vulnerabilities in what is locked.
 *
 * Exit code 1 when there are any, of any severity. A registry that does not answer such questions (some mirrors) fails
 * nothing, since nothing is known then; that is said.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
  readonly metadata?: { readonly dependencies?: { readonly total?: number } };
  readonly message?: string;
}

const { stdout, stderr, error } = spawnSync("npm", ["audit", "--json"], {
  cwd: join(import.meta.dirname, ".."),
  encoding: "utf8",
  shell: process.platform === "win32",
});
const report = readReport();

if (report.vulnerabilities === undefined) {
  say(`audit: not answered, so nothing is known: ${report.message ?? error?.message ?? stderr.trim()}`);
} else {
  const found = Object.entries(report.vulnerabilities);
  for (const [name, { severity, range }] of found) say(`${severity}: ${name} ${range}`);
  say(
    `audit: ${found.length} of ${report.metadata?.dependencies?.total ?? "?"} packages have known vulnerabilities`,
  );
  if (found.length > 0) process.exitCode = 1;
}

function readReport(): Report {
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    return {};
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
