/**
 * `troikamq import redis FILE`: fills a running broker from an RDB file. What the options are: `importFlags`, which the help shows too.
 *
 * The result is one line on stdout for each thing that was counted; exit codes: cli/redis/transfer-error.ts.
 */
import { StartError } from "../../src/base/errors.ts";
import { parseFlags } from "../flags.ts";
import { importFlags } from "../transfer-flags.ts";

export async function importCommand(argv: readonly string[]): Promise<number> {
  const { given, words } = parseFlags("import", importFlags, argv);
  const [source, path, ...more] = words;
  if (source !== "redis" || path === undefined || more.length > 0)
    throw new StartError(2, "give troikamq import redis FILE; see troikamq import --help");
  if (given.has("--replace") && given.has("--skip-existing"))
    throw new StartError(2, "--replace and --skip-existing exclude each other");
  const { runImport } = await import("../redis/import/run.ts");
  return await runImport(path, given, process.env);
}
