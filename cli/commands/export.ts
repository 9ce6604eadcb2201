/** `troikamq export redis [FILE]`: writes what a running broker has to an RDB file, dump.rdb where none is named. */
import { StartError } from "../../src/base/errors.ts";
import { parseFlags } from "../flags.ts";
import { exportFlags } from "../transfer-flags.ts";

export async function exportCommand(argv: readonly string[]): Promise<number> {
  const { given, words } = parseFlags("export redis", exportFlags, argv);
  const [path = "dump.rdb", ...more] = words;
  if (more.length > 0)
    throw new StartError(2, "give troikamq export redis [FILE]; see troikamq export redis --help");
  const { runExport } = await import("../redis/export/run.ts");
  return await runExport(path, given, process.env);
}
