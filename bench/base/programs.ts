/** Where programs are found: on the PATH, or in the folder that `npm run bench:peers` fills. */
import fs from "node:fs";
import path from "node:path";
import { findBun } from "../../bin/runtime.js";

/** Ignored by git. */
export const peersFolder = path.join(import.meta.dirname, "../../.peers");

/** The program's path; undefined where it is neither installed nor fetched. */
export function findProgram(name: string): string | undefined {
  for (const folder of [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
  ]) {
    const candidate = path.join(folder, name);
    if (fs.existsSync(candidate)) return candidate;
  }
  for (const folder of ["usr/bin", "usr/sbin"]) {
    const candidate = path.join(peersFolder, "debian", folder, name);
    if (fs.existsSync(candidate)) return candidate;
  }
  return undefined;
}

/** The Bun that `npm ci` brought: it runs the broker, and the generators. */
export function bunProgram(): string {
  const program = findBun();
  if (program === undefined) throw new Error("no Bun for this machine came with the packages; run npm ci");
  return program;
}
