/** `npm run docs`: writes what docs/ derives from tables in the source. A test holds the pages to it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./docs-markdown.ts";
import { derivedPages } from "./docs-pages.ts";

for (const [path, text] of derivedPages()) writeFileSync(join(root, path), text);
