/**
 * A file of definitions: RabbitMQ's JSON, or the same as YAML, where `vhost` may be left out.
 *
 *     queues:
 *       - name: orders
 *         arguments: { x-queue-type: quorum }
 *     policies:
 *       - { name: short, pattern: ^orders, definition: { max-length: 1000 } }
 *
 * Invariant: a category that is one mistyped is told, since what it has would be left out in silence.
 */
import fs from "node:fs";
import {
  categoryRules,
  definitionCategories,
  type DefinitionItem,
  type Definitions,
  definitionsIn,
} from "../../../src/base/definitions/document.ts";
import { BrokerError } from "../../../src/base/errors.ts";
import { checkDepth, parseJson } from "../../../src/base/definitions/json.ts";
import { limits } from "../../../src/base/limits.ts";
import { nearest } from "../../../src/base/nearest.ts";
import { CliFault } from "../fault.ts";

const depthMax = limits.definitionsDepthMax;

/** `-` is stdin; items without a virtual host are of `vhost`. @throws CliFault */
export async function definitionsOf(file: string, vhost: string): Promise<Definitions> {
  const called = file === "-" ? "stdin" : file;
  let text: string;
  try {
    text = fs.readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CliFault("usage", `${called} cannot be read: ${(error as Error).message}`);
  }
  const value = await parsed(text, called);
  const definitions = definitionsIn(value);
  if (typeof definitions === "string") throw new CliFault("usage", `${called}: ${definitions}`);
  for (const key of Object.keys(value as object)) {
    const close = definitionCategories.includes(key as never)
      ? undefined
      : nearest(key, definitionCategories);
    if (close !== undefined)
      throw new CliFault("usage", `${called}: ${key} is unknown; did you mean ${close}?`);
  }
  const found: Record<string, readonly DefinitionItem[]> = {};
  for (const category of definitionCategories) {
    const items = definitions[category];
    if (items === undefined) continue;
    const hasVhost = categoryRules[category].keys.includes("vhost");
    found[category] = hasVhost ? items.map((item) => Object.assign({ vhost }, item)) : items;
  }
  return found;
}

/** JSON is YAML, and its parser is quicker and says where it is wrong in its own words. */
async function parsed(text: string, called: string): Promise<unknown> {
  try {
    if (/^\s*\{/.test(text)) return parseJson(text, depthMax);
    const { parse } = await import("yaml");
    const value = parse(text, { maxAliasCount: 100 }) as unknown;
    checkDepth(value, depthMax);
    return value;
  } catch (error) {
    if (error instanceof BrokerError) throw new CliFault("usage", `${called}: ${error.message}`);
    // YAML's parser has no bound of its own.
    if (error instanceof RangeError) throw new CliFault("usage", `${called} nests too deep`);
    throw new CliFault(
      "usage",
      `${called} is neither YAML nor JSON: ${(error as Error).message.split("\n", 1)[0]}`,
    );
  }
}
