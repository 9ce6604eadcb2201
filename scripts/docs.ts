/** `npm run docs`: writes the pages of docs/ that derive from tables in the source. A test holds them to it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationPage } from "../src/base/config-help.ts";

writeFileSync(join(import.meta.dirname, "../docs/configuration.md"), configurationPage());
