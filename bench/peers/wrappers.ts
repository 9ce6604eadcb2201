/**
 * Scripts in .peers/bin that run the unpacked programs where they are: with their libraries, and Erlang with its root,
 * which its own script has as a constant. Each becomes the program that it starts, so that a pid stays what it was.
 */
import fs from "node:fs";
import path from "node:path";
import { peersFolder } from "../base/programs.ts";

export const debianRoot = path.join(peersFolder, "debian");
const wrappers = path.join(peersFolder, "bin");
const erlangRoot = path.join(debianRoot, "usr/lib/erlang");

const programs: Readonly<Record<string, string>> = {
  "redis-server": "usr/bin/redis-server",
  "redis-benchmark": "usr/bin/redis-benchmark",
  epmd: "usr/bin/epmd",
  // Debian's program of that name changes the user; this is the script behind it.
  "rabbitmq-server": "usr/lib/rabbitmq/bin/rabbitmq-server",
  mosquitto: "usr/sbin/mosquitto",
  mosquitto_pub: "usr/bin/mosquitto_pub",
  mosquitto_sub: "usr/bin/mosquitto_sub",
};

/** For all that are unpacked; those that were written before are written again. */
export function writeWrappers(): void {
  fs.mkdirSync(wrappers, { recursive: true });
  for (const [name, file] of Object.entries(programs)) {
    const program = path.join(debianRoot, file);
    if (fs.existsSync(program)) write(name, [], program);
  }
  const erlangVersion = existingIn(erlangRoot).find((name) => name.startsWith("erts-"));
  if (erlangVersion === undefined) return;
  const binaries = path.join(erlangRoot, erlangVersion, "bin");
  const environment = { EMU: "beam", PROGNAME: "erl", ROOTDIR: erlangRoot, BINDIR: binaries };
  write("erl", Object.entries(environment), path.join(binaries, "erlexec"));
}

function write(name: string, environment: readonly (readonly [string, string])[], program: string): void {
  const lines = [
    "#!/bin/sh",
    `export LD_LIBRARY_PATH=${quoted(libraryFolders().join(":"))}`,
    `export PATH=${quoted(wrappers)}:"$PATH"`,
    ...environment.map(([key, value]) => `export ${key}=${quoted(value)}`),
    `exec ${quoted(program)} "$@"`,
  ];
  fs.writeFileSync(path.join(wrappers, name), `${lines.join("\n")}\n`, { mode: 0o755 });
}

/** Debian keeps libraries in a folder for each architecture; what is unpacked is of one. */
function libraryFolders(): string[] {
  return ["usr/lib", "lib"]
    .map((name) => path.join(debianRoot, name))
    .flatMap((folder) => existingIn(folder).map((name) => path.join(folder, name)))
    .filter((folder) => /-linux-gnu[^/]*$/.test(folder));
}

function existingIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
