/**
 * `npm run test:clients [-- TEXT…] [--peer redis|rabbitmq] [--install] [--all-there]`: client libraries in other languages, each as its
 * user would use it, against a TroikaMQ of its own on a random port; with TEXT only the rows whose name or language holds one of them.
 *
 * `--peer redis` (`rabbitmq`) takes the real server of that protocol instead, and its rows: what fails there is a fault of the program. `--install` has apt-get install
 * the languages that are missing. `--all-there` fails where a row is skipped. TROIKAMQ_TEST_RUNTIME (`bun`, the default, or `node`) says what runs
 * the broker. Exit code 1 when a row fails, 2 for a command line that cannot be carried out.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import type { ClientRow } from "../clients/base/row.ts";
import { runProgram } from "../clients/base/run-program.ts";
import { peers, type Server, startTroika } from "../clients/base/servers.ts";
import { lastLine, tableOf, type Verdict } from "../clients/base/verdict.ts";
import { rows } from "../clients/rows/index.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: "string" },
    install: { type: "boolean", default: false },
    "all-there": { type: "boolean", default: false },
  },
});

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function wantedRows(): readonly ClientRow[] {
  const wanted = rows.filter(
    ({ name, language, protocol }) =>
      positionals.length === 0 ||
      positionals.some((text) =>
        `${name} ${language} ${protocol}`.toLowerCase().includes(text.toLowerCase()),
      ),
  );
  if (wanted.length === 0)
    refuse(`no client has such a name; there are: ${rows.map(({ name }) => name).join(", ")}`);
  return wanted;
}

function peerNamed(name: string): (typeof peers)[string] {
  return peers[name] ?? refuse(`--peer ${name}: there is ${Object.keys(peers).join(", ")}`);
}

function installMissing(wanted: readonly ClientRow[]): void {
  const missing = wanted.filter(({ toolchain }) => toolchain.missing() !== undefined);
  const packages = [...new Set(missing.flatMap(({ toolchain }) => toolchain.debianPackages))];
  if (packages.length === 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends", ...packages]])
    spawnSync("apt-get", ["--quiet", "--quiet", ...args], { env, stdio: "inherit" });
}

async function judge(row: ClientRow, start: (row: ClientRow) => Promise<Server>): Promise<Verdict> {
  const { toolchain } = row;
  const missing = toolchain.missing();
  if (missing !== undefined) return { is: "skipped", why: missing };
  try {
    await toolchain.fetch();
  } catch (error) {
    return { is: "skipped", why: `it cannot be brought here: ${(error as Error).message}` };
  }
  let command;
  try {
    command = await toolchain.build();
  } catch (error) {
    return { is: "failed", why: (error as Error).message, output: "" };
  }
  const server = await start(row);
  const { fault, checks, output } = await runProgram(command, server.env);
  if (fault !== undefined) {
    await server.kill().catch(() => {});
    return { is: "failed", why: fault, output };
  }
  try {
    await server.stop();
  } catch (error) {
    return { is: "failed", why: `the server: ${(error as Error).message}`, output };
  }
  return { is: "passed", checks };
}

const wanted = wantedRows();
const peer = options.peer === undefined ? undefined : peerNamed(options.peer);
const missingPeer = peer?.missing();
if (missingPeer !== undefined) refuse(missingPeer);
if (options.install) installMissing(wanted);

const verdicts: { row: ClientRow; verdict: Verdict; seconds: number }[] = [];
for (const row of wanted) {
  if (peer !== undefined && (peer.protocol !== row.protocol || row.hasNoPeer === true)) continue;
  process.stdout.write(`${row.name} ...`);
  const startMs = performance.now();
  const verdict = await judge(row, peer === undefined ? startTroika : (each) => peer.start(each));
  const seconds = (performance.now() - startMs) / 1000;
  verdicts.push({ row, verdict, seconds });
  console.log(` ${verdict.is}, ${seconds.toFixed(1)} s`);
  if (verdict.is === "failed") console.log(`${verdict.output}\nFAILED: ${row.name}: ${verdict.why}`);
}
console.log(`\n${tableOf(verdicts).join("\n")}\n\n${lastLine(verdicts)}`);
const bad = verdicts.filter(
  ({ verdict }) => verdict.is === "failed" || (options["all-there"] && verdict.is === "skipped"),
);
process.exit(bad.length > 0 ? 1 : 0);
