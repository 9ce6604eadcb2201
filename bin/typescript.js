/**
 * Lets Node run this package's TypeScript when it is installed: Node strips types by itself everywhere but below
 * node_modules. Loaded with `--import`, or imported before the first .ts file. Needs Node 22.15 or later.
 *
 * Invariant: no file of another package is touched.
 */
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";

const home = new URL("../", import.meta.url).href;
const ours = ["src/", "cli/"].map((folder) => home + folder);

// Bun, and a checkout, need no help.
if (process.versions.bun === undefined && home.includes("/node_modules/")) {
  nodeModule.registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith(".ts") || !ours.some((folder) => url.startsWith(folder)))
        return nextLoad(url, context);
      const source = nodeModule.stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
      return { format: "module", source, shortCircuit: true };
    },
  });
}
