/**
 * What a policy sets, as words of a command line: `max-length=1000 overflow=reject-publish retry-jitter=0.1 retry-keeps-order=true`, or
 * one JSON object.
 *
 * A value that looks like a number, `true` or `false` is one; in double quotes it is a text. Not here: which keys there are, which the
 * broker checks. Invariant: words that `wordsOf` writes read as the same definition.
 */
import { parseJson } from "../../../src/base/definitions/json.ts";
import { limits } from "../../../src/base/limits.ts";
import type { Json } from "../broker/api.ts";
import { CliFault } from "../fault.ts";

/** @throws CliFault */
export function definitionIn(words: readonly string[]): Json {
  const [first = ""] = words;
  if (first.trimStart().startsWith("{")) {
    if (words.length === 1) return parsed(first) as Json;
    throw unreadable();
  }
  const pairs = words.map((word) => {
    const at = word.indexOf("=");
    if (at < 1) throw unreadable();
    return [word.slice(0, at), valueIn(word.slice(at + 1))] as const;
  });
  return Object.fromEntries(pairs);
}

export function wordsOf(definition: Json): string {
  return Object.entries(definition)
    .map(([key, value]) => `${key}=${isPlain(value) ? value : JSON.stringify(value)}`)
    .join(" ");
}

/** A text that reads as itself. */
function isPlain(value: unknown): value is string {
  return typeof value === "string" && !isQuoted(value) && valueIn(value) === value;
}

function valueIn(word: string): unknown {
  if (word === "true" || word === "false") return word === "true";
  // Longer ones lose digits as a number.
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(word)) return Number(word);
  return isQuoted(word) ? parsed(word) : word;
}

function isQuoted(word: string): boolean {
  return word.length >= 2 && word.startsWith('"') && word.endsWith('"');
}

function parsed(text: string): unknown {
  try {
    return parseJson(text, limits.jsonDepthMax);
  } catch {
    throw unreadable();
  }
}

function unreadable(): CliFault {
  return new CliFault(
    "usage",
    `give what the policy sets as max-length=1000 retry-jitter=0.1 retry-keeps-order=true (in double quotes a value is a text), or as '{"max-length": 1000}'`,
  );
}
