/**
 * Debian's servers out of Debian's packages: those packages, and what they need that the machine lacks, are downloaded
 * with apt and unpacked into .peers/debian; wrappers.ts makes them run from there.
 *
 * Not here: installing; how apt is called (apt.ts).
 */
import fs from "node:fs";
import path from "node:path";
import { findProgram, peersFolder } from "../base/programs.ts";
import { peers } from "../servers/index.ts";
import { AptFolder } from "./apt.ts";
import { run } from "./command.ts";
import type { FetchedPeer } from "./contract.ts";
import { debianRoot, writeWrappers } from "./wrappers.ts";

const apt = new AptFolder(path.join(peersFolder, "apt"));

/** The machine's loader only takes the C library that it came with. */
const neverUnpacked = new Set(["libc6", "libc-bin"]);

/** With all that they depend on and the machine lacks. */
async function packagesNeeded(packages: readonly string[]): Promise<string[]> {
  const uris = await apt.run("install", "--print-uris", "-qq", "-y", "--no-install-recommends", ...packages);
  // 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE HASH
  const names = [...uris.matchAll(/^'[^']+' ([^_\s]+)_\S+\.deb /gm)].map(([, name]) => name!);
  return names.filter((name) => !neverUnpacked.has(name));
}

async function fetchPackages(packages: readonly string[]): Promise<void> {
  await apt.update();
  const needed = await packagesNeeded(packages);
  // What is installed but has no program that we find is downloaded as well.
  await apt.run("download", "-qq", ...new Set([...packages, ...needed]));
  fs.mkdirSync(debianRoot, { recursive: true });
  for (const file of fs.readdirSync(apt.downloads)) {
    await run({ program: "dpkg-deb", args: ["-x", file, debianRoot], directory: apt.downloads });
    fs.rmSync(path.join(apt.downloads, file));
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
