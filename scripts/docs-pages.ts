/** Every page of docs/, and every declaration of types, that derives from the source, wholly or in sections, and its text as it ought to be. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configurationPage } from "../src/base/config/help.ts";
import { amqpSections } from "./docs-amqp.ts";
import { declarations, embeddingSections } from "./docs-embedding.ts";
import { kafkaSections } from "./docs-kafka.ts";
import { root, type Sections, withSections } from "./docs-markdown.ts";
import { operationsSections } from "./docs-operations.ts";
import { redisSections } from "./docs-redis.ts";

const sectionsOfPages: Readonly<Record<string, Sections>> = {
  "docs/rabbitmq.md": amqpSections,
  "docs/embedding.md": embeddingSections,
  "docs/kafka.md": kafkaSections,
  "docs/operations.md": operationsSections,
  "docs/redis.md": redisSections,
};

/** By the page's path in the project. */
export function derivedPages(): Map<string, string> {
  const pages = new Map([
    ["docs/configuration.md", configurationPage()],
    ["bin/embed.d.ts", declarations()],
    ["bin/embed.d.cts", declarations()],
  ]);
  for (const [path, sections] of Object.entries(sectionsOfPages)) {
    pages.set(path, withSections(readFileSync(join(root, path), "utf8"), sections));
  }
  return pages;
}
