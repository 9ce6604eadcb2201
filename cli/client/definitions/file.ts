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
import { nearest } from "../../../src/base/text/nearest.ts";
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
  assertEntries(value as DefinitionItem, called);
  const found: Record<string, readonly DefinitionItem[]> = {};
  for (const category of definitionCategories) {
    const items = definitions[category];
    if (items === undefined) continue;
    const hasVhost = categoryRules[category].keys.includes("vhost");
    found[category] = hasVhost ? items.map((item) => Object.assign({ vhost }, item)) : items;
  }
  return found;
}

/** Keys that an entry may do without, though they tell it from others. */
const optionalKeys = new Set(["vhost", "destination_type", "routing_key", "arguments"]);
/** Not compared with what is there, and known all the same. */
const otherFields =
  "password hashing_algorithm description tracing default_queue_type tags type vhost protected_from_deletion administrator".split(
    " ",
  );

/** Every entry is one, and names what it is about. @throws CliFault */
function assertEntries(document: DefinitionItem, called: string): void {
  for (const category of definitionCategories) {
    const { keys, fields } = categoryRules[category];
    const known = [...keys, ...Object.keys(fields), ...otherFields];
    for (const entry of (document[category] ?? []) as readonly unknown[]) {
      const fault = entryFault(entry, keys, known);
      if (fault === null) continue;
      const text = JSON.stringify(entry) ?? "undefined";
      const shown = text.length > shownMax ? `${text.slice(0, shownMax)}...` : text;
      throw new CliFault("usage", `${called}: ${category} has ${shown}: ${fault}`);
    }
  }
}

const shownMax = 200;

function entryFault(entry: unknown, keys: readonly string[], known: readonly string[]): string | null {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry))
    return `an entry is an object, such as {${keys.filter((key) => !optionalKeys.has(key)).join(": ..., ")}: ...}`;
  const item = entry as DefinitionItem;
  for (const key of Object.keys(item)) {
    const close = known.includes(key) ? undefined : nearest(key, known);
    if (close !== undefined && item[close] === undefined) return `${key} is unknown; did you mean ${close}?`;
  }
  for (const key of keys) {
    if (item[key] === undefined && !optionalKeys.has(key)) return `${key} is missing`;
    if (key !== "arguments" && item[key] !== undefined && typeof item[key] !== "string")
      return `${key} is no text; put it in quotes`;
  }
  return null;
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
      `${called} is neither YAML nor JSON: ${(error as Error).message.split("\n", 1)[0]!.replace(/:$/, "")}`,
    );
  }
}
