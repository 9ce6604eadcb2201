/** `troikamq check`: verifies a data directory that no broker uses now. Exit code 1 if anything is wrong. */
import { StartError } from "../../src/base/errors.ts";
import { settle } from "../settle.ts";

export async function check(argv: readonly string[]): Promise<number> {
  const { dataDir } = await settle("check", argv);
  if (dataDir === "memory")
    throw new StartError(2, "--data-dir: memory keeps nothing to check; give a directory");
  const { checkDataDirectory } = await import("../../src/storage/index.ts");
  const { ok, lines } = await checkDataDirectory(dataDir);
  process.stdout.write(lines.map((line: string) => `${line}\n`).join(""));
  return ok ? 0 : 1;
}
