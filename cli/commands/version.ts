/** `troikamq version`: one line with the broker's version and the runtime's. */
import { version } from "../../src/base/version.ts";
import { noArguments } from "../no-arguments.ts";

export async function printVersion(argv: readonly string[]): Promise<number> {
  noArguments("version", argv);
  const { bun, node } = process.versions;
  process.stdout.write(`troikamq ${version} (${bun === undefined ? `node ${node}` : `bun ${bun}`})\n`);
  return 0;
}
