/**
 * Debian's servers out of Debian's packages: those packages, and what they need that the machine lacks, are downloaded
 * with apt and unpacked into .peers/debian; wrappers.ts makes them run from there.
 *
 * Not here: installing. apt's lists and downloads have a folder of their own, so that neither root nor what the
 * system knows of packages is needed.
 */
import fs from "node:fs";
import path from "node:path";
import { findProgram, ignoresInstalled, peersFolder } from "../base/programs.ts";
import { peers } from "../servers/index.ts";
import { run } from "./command.ts";
import type { FetchedPeer } from "./contract.ts";
import { debianRoot, writeWrappers } from "./wrappers.ts";

const aptFolder = path.join(peersFolder, "apt");
const downloads = path.join(aptFolder, "downloads");

/** The machine's loader only takes the C library that it came with. */
const neverUnpacked = new Set(["libc6", "libc-bin"]);

const aptOptions = [
  `Dir::State::Lists=${path.join(aptFolder, "lists")}`,
  `Dir::Cache=${path.join(aptFolder, "cache")}`,
  "Debug::NoLocking=true",
  // An unreachable source is otherwise a warning, and a package that nobody knows.
  "APT::Update::Error-Mode=any",
  // Its own user for downloads may not write here.
  "APT::Sandbox::User=root",
  ...(ignoresInstalled ? ["Dir::State::status=/dev/null"] : []),
].flatMap((option) => ["-o", option]);

function apt(...args: readonly string[]): Promise<string> {
  return run({ program: "apt-get", args: [...args, ...aptOptions], directory: downloads });
}

let listsAreThere = false;

async function updateLists(): Promise<void> {
  if (process.platform !== "linux") throw new Error("Debian's packages are for Linux; install it by hand");
  if (findProgram("apt-get") === undefined && !fs.existsSync("/usr/bin/apt-get"))
    throw new Error("no apt here; install it by hand");
  if (listsAreThere) return;
  for (const folder of ["lists/partial", "cache/archives/partial", "downloads"])
    fs.mkdirSync(path.join(aptFolder, folder), { recursive: true });
  await apt("update", "-qq");
  listsAreThere = true;
}

/** With all that they depend on and the machine lacks. */
async function packagesNeeded(packages: readonly string[]): Promise<string[]> {
  const uris = await apt("install", "--print-uris", "-qq", "-y", "--no-install-recommends", ...packages);
  // 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
  const names = [...uris.matchAll(/^'[^']+' ([^_\s]+)_\S+\.deb /gm)].map(([, name]) => name!);
  return names.filter((name) => !neverUnpacked.has(name));
}

async function fetchPackages(packages: readonly string[]): Promise<void> {
  await updateLists();
  const needed = await packagesNeeded(packages);
  // What is installed but has no program that we find is downloaded as well.
  await apt("download", "-qq", ...new Set([...packages, ...needed]));
  fs.mkdirSync(debianRoot, { recursive: true });
  for (const file of fs.readdirSync(downloads)) {
    await run({ program: "dpkg-deb", args: ["-x", file, debianRoot], directory: downloads });
    fs.rmSync(path.join(downloads, file));
  }
  writeWrappers();
}

function hasPrograms(...names: readonly string[]): boolean {
  return names.every((name) => findProgram(name) !== undefined);
}

export const debianPeers: readonly FetchedPeer[] = [
  {
    name: "redis-server with redis-benchmark",
    isThere: () => hasPrograms("redis-server", "redis-benchmark"),
    fetch: () => fetchPackages(["redis-server", "redis-tools"]),
  },
  {
    name: "rabbitmq-server with its Erlang",
    isThere: () => peers.rabbitmq.missing() === undefined,
    fetch: () => fetchPackages(["rabbitmq-server", "erlang-base"]),
  },
  {
    name: "mosquitto with its clients",
    isThere: () => hasPrograms("mosquitto", "mosquitto_pub", "mosquitto_sub"),
    fetch: () => fetchPackages(["mosquitto", "mosquitto-clients"]),
  },
];
