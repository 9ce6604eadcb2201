/** amqplib's tests, from npm. 2.2.0 is the last version whose package has them. They connect to the default port. */
import path from "node:path";
import fs from "node:fs";
import { run } from "../../../bench/peers/command.ts";
import { fillOnce } from "../../../clients/base/cache.ts";
import type { Suite } from "../suite.ts";
import { reportFile, suiteFolder } from "./cache.ts";

const name = "amqplib-2.2.0";
/** claire makes the inputs of its codec's tests. */
const packages = ["amqplib@2.2.0", "claire@0.4.1"];
/** Theirs is one second, which a busy machine does not always keep. */
const testMsMax = 20_000;

export const amqplib: Suite = {
  name,
  missing: () => undefined,
  open: async () => {
    const folder = suiteFolder(name);
    await fillOnce(folder, async () => {
      const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
      await run({ program: "npm", args: ["install", ...options, ...packages], directory: folder });
    });
    const directory = path.join(folder, "node_modules/amqplib");
    const files = fs.readdirSync(path.join(directory, "test")).filter((file) => file.endsWith(".test.js"));
    const report = reportFile(name);
    const reporter = ["--test-reporter=junit", `--test-reporter-destination=${report}`];
    const bounds = ["--test-concurrency=1", `--test-timeout=${testMsMax}`];
    return {
      command: {
        program: process.execPath,
        args: ["--test", ...bounds, ...reporter, ...files.map((file) => `test/${file}`)],
        directory,
      },
      report,
    };
  },
};
