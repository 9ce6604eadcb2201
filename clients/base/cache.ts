/**
 * Where downloads and builds of client programs lie: outside the checkout, by a name that changes with what is in them.
 *
 * Invariant: only a whole folder is there; what was broken off is made again.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const cacheFolder = path.join(
  process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"),
  "troikamq",
  "clients",
);

export const clientsFolder = path.join(import.meta.dirname, "..");

/** The folder for what `files` (of clients/) ask for; two rows with the same files share one. */
export function cachedFolder(kind: string, files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(fs.readFileSync(path.join(clientsFolder, file)));
  return path.join(cacheFolder, `${kind}-${hash.digest("hex").slice(0, 16)}`);
}

/** Fills the folder by `fill`, unless that was done before. */
export async function fillOnce(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const mark = path.join(folder, ".whole");
  if (fs.existsSync(mark)) return;
  // Not filled aside and renamed: a virtual environment of Python knows its own path.
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  await fill(folder);
  fs.writeFileSync(mark, "");
}
