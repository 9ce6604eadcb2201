/** Where suites lie: outside the checkout, by name and version, beside the report of their last run. */
import { mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const cacheFolder = path.join(
  process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"),
  "troikamq",
  "conformance-amqp",
);

export function suiteFolder(name: string): string {
  return path.join(cacheFolder, name);
}

export function reportFile(name: string): string {
  mkdirSync(cacheFolder, { recursive: true });
  return path.join(cacheFolder, `${name}.xml`);
}
