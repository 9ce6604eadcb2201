/** Where programs are found: on the PATH, or in the folder that `npm run bench:peers` fills. */
import fs from "node:fs";
import path from "node:path";
import { findBun } from "../../bin/runtime.js";

/** Ignored by git. */
export const peersFolder = path.join(import.meta.dirname, "../../.peers");

/** So that bench:peers can be tried where everything is installed. */
export const ignoresInstalled = process.env["TROIKAMQ_BENCH_IGNORE_INSTALLED"] === "1";

/** Where there is such a file on the machine. */
export function findInstalled(file: string): string | undefined {
  return !ignoresInstalled && fs.existsSync(file) ? file : undefined;
}

/** The program's path; undefined where it is neither installed nor fetched. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    const installed = findInstalled(path.join(folder, name));
    if (installed !== undefined) return installed;
  }
  const fetched = path.join(peersFolder, "bin", name);
  return fs.existsSync(fetched) ? fetched : undefined;
}

/** The Bun that `npm ci` brought: it runs the broker, and the generators. */
export function bunProgram(): string {
  const program = findBun();
  if (program === undefined) throw new Error("no Bun for this machine came with the packages; run npm ci");
  return program;
}

/** What `--runtime` says. Ends the process with a line on another word. */
export function runtimeNamed(word: string): "bun" | "node" {
  if (word === "bun" || word === "node") return word;
  console.error(`--runtime ${word}: there are bun and node`);
  return process.exit(2);
}
