/**
 * `troikamq check`: verifies a data directory that no broker uses now; with `--repair` it also mends what is damaged.
 * Exit code 1 if anything is wrong (with `--repair`: if anything still is).
 */
import { StartError } from "../../src/base/errors.ts";
import { settle } from "../settle.ts";

const repairFlag = "--repair";

export async function check(argv: readonly string[]): Promise<number> {
  const valued = argv.find((argument) => argument.startsWith(`${repairFlag}=`));
  if (valued !== undefined)
    throw new StartError(2, `${repairFlag} takes no value; give it alone, not ${valued}`);
  const rest = argv.filter((argument) => argument !== repairFlag);
  const { dataDir } = await settle("check", rest);
  if (dataDir === "memory")
    throw new StartError(2, "--data-dir: memory keeps nothing to check; give a directory");
  const { checkDataDirectory, repairDataDirectory } = await import("../../src/storage/index.ts");
  const time = new Date().toISOString().replaceAll(":", "-");
  const isRepair = rest.length < argv.length;
  const { ok, lines } = await (
    isRepair ? repairDataDirectory(dataDir, time) : checkDataDirectory(dataDir)
  ).catch((error: NodeJS.ErrnoException) => {
    // What the system refuses is no fault of the program.
    if (error.syscall === undefined) throw error;
    throw new StartError(1, `${dataDir}: cannot be checked: ${error.message}`);
  });
  process.stdout.write(lines.map((line: string) => `${line}\n`).join(""));
  return ok ? 0 : 1;
}
