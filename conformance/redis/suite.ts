/**
 * Redis's own test suite, from Debian's source package of redis, in a cache folder outside the repository. It is run
 * from there, as it is, by links; only the programs of redis that it calls are put where it looks for them.
 *
 * Not here: running it (unit-run.ts). Invariant: only a whole fetch counts as there; what is there is not fetched again.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { findProgram } from "../../bench/base/programs.ts";
import { AptFolder } from "../../bench/peers/apt.ts";

/** The suite grows with each version, and so does what a redis-server passes of it. */
const upstreamVersion = "7.0.15";

const cacheFolder = path.join(
  process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"),
  "troikamq",
  "conformance-redis",
);

/** The suite calls them as src/NAME. */
const programsCalled = ["redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb"];

/** In the environment: the command line that the suite's `src/redis-server` is. */
export const serverVariable = "TROIKAMQ_CONFORMANCE_SERVER";

export interface Suite {
  readonly folder: string;
  readonly tclsh: string;
}

/** What the machine lacks, as a line that says what to do; undefined when `openSuite` can be called. */
export function missingForSuite(): string | undefined {
  if (findTcl() === undefined) return "no Tcl 8.5 or 8.6 here: apt-get install tcl";
  if (isThere()) return undefined;
  if (process.platform !== "linux" || !fs.existsSync("/usr/bin/apt-get"))
    return `no apt here, so no source package; unpack the source of redis ${upstreamVersion} as ${suiteFolder()}`;
  if (findProgram("dpkg-source") === undefined)
    return "no dpkg-source here, which unpacks source packages: apt-get install dpkg-dev";
  return undefined;
}

/** @throws when it is not there and cannot be fetched */
export async function openSuite(): Promise<Suite> {
  if (!isThere()) await fetchSuite();
  linkPrograms();
  return { folder: ownFolder(), tclsh: findTcl()! };
}

/** The suite with files of its own for this run, since each run removes those of the one before. */
function ownFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "conformance-redis-"));
  process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  linkAll(suiteFolder(), folder, "tests");
  fs.mkdirSync(path.join(folder, "tests"));
  linkAll(path.join(suiteFolder(), "tests"), path.join(folder, "tests"), "tmp");
  fs.mkdirSync(path.join(folder, "tests/tmp"));
  return folder;
}

function linkAll(from: string, to: string, except: string): void {
  for (const name of fs.readdirSync(from))
    if (name !== except) fs.symlinkSync(path.join(from, name), path.join(to, name));
}

function suiteFolder(): string {
  return path.join(cacheFolder, `redis-${upstreamVersion}`);
}

function isThere(): boolean {
  return fs.existsSync(path.join(suiteFolder(), "tests/test_helper.tcl"));
}

function findTcl(): string | undefined {
  return findProgram("tclsh8.6") ?? findProgram("tclsh8.5");
}

async function fetchSuite(): Promise<void> {
  fs.mkdirSync(cacheFolder, { recursive: true });
  const unpacked = fs.mkdtempSync(path.join(cacheFolder, "fetch-"));
  try {
    const apt = new AptFolder(path.join(unpacked, "apt"), { hasSources: true });
    await apt.update();
    await apt.run("source", "-qq", "redis");
    const found = path.join(apt.downloads, `redis-${upstreamVersion}`);
    if (!fs.existsSync(found))
      throw new Error(`Debian's sources on this machine have another redis than ${upstreamVersion}`);
    fs.renameSync(found, suiteFolder());
  } finally {
    fs.rmSync(unpacked, { recursive: true, force: true });
  }
}

function linkPrograms(): void {
  for (const name of programsCalled) {
    const program = findProgram(name);
    const link = path.join(suiteFolder(), "src", name);
    if (program === undefined || fs.existsSync(link)) continue;
    fs.rmSync(link, { force: true });
    fs.symlinkSync(program, link);
  }
  // Words of a command line, so no quotes.
  const server = path.join(suiteFolder(), "src/redis-server");
  if (fs.existsSync(server)) return;
  fs.writeFileSync(server, `#!/bin/sh\nexec $${serverVariable} "$@"\n`, { mode: 0o755 });
}
