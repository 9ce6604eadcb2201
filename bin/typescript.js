/**
 * Lets Node run this package's TypeScript where it does not by itself: below node_modules, and before Node 22.18.
 * Loaded with `--import`, or imported before the first .ts file.
 *
 * Invariant: no file of another package is touched.
 */
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";

const home = new URL("../", import.meta.url).href;
const ours = ["src/", "cli/"].map((folder) => home + folder);

// Bun, and a checkout under a recent Node, need no help.
const needsHelp = home.includes("/node_modules/") || !process.features.typescript;
const hasHelp = nodeModule.registerHooks !== undefined && nodeModule.stripTypeScriptTypes !== undefined;

/** One line on why this program cannot run the package, or undefined. */
export const problem =
  process.versions.bun !== undefined || !needsHelp || hasHelp
    ? undefined
    : `troikamq needs Node 22.15 or later, or Bun, to run inside a program; this is Node ${process.versions.node}. ` +
      "The command `npx troikamq start` brings its own runtime";

if (process.versions.bun === undefined && needsHelp && hasHelp) {
  nodeModule.registerHooks({
    load(url, context, nextLoad) {
      if (!url.endsWith(".ts") || !ours.some((folder) => url.startsWith(folder)))
        return nextLoad(url, context);
      const source = nodeModule.stripTypeScriptTypes(readFileSync(new URL(url), "utf8"));
      return { format: "module", source, shortCircuit: true };
    },
  });
}
