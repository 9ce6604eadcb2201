/** Turns the options of `export redis` into an export, and its outcome into lines and an exit code. */
import { StartError } from "../../../src/base/errors.ts";
import type { exportFlags } from "../../transfer-flags.ts";
import { redisAddress } from "../address.ts";
import { databaseOf } from "../database.ts";
import { runTransfer } from "../run-transfer.ts";
import { exportFile } from "./export-file.ts";

export async function runExport(
  path: string,
  given: ReadonlyMap<keyof typeof exportFlags, string>,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const address = redisAddress(given.get("--url"), environment);
  const database = databaseOf(given.get("--database")) ?? address.database;
  if (address.database !== undefined && database !== address.database)
    throw new StartError(2, "--database and the database of --url are not the same");
  const options = {
    path,
    address,
    isReplaced: given.has("--replace"),
    database,
    pattern: given.get("--match"),
    now: () => Date.now(),
  };
  return await runTransfer(async (progress) => {
    const { keys, bytes, version, hasLibraries } = await exportFile(options, progress);
    const size = `${bytes.toLocaleString("en")} bytes`;
    const lines = [
      `${keys} ${keys === 1 ? "key" : "keys"}${hasLibraries ? " and the libraries of functions" : ""} exported in ${progress.seconds} s`,
      `${path}: RDB version ${version}, ${size}, read back`,
    ];
    if (version > 10)
      lines.push(`redis 7.0 does not load version ${version}: ${version > 11 ? "7.4" : "7.2"} does`);
    return { lines, exitCode: 0 };
  });
}
