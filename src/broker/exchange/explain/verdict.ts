/**
 * Why one binding matches a message, or why not: the rule of its exchange's type, looked at for a person.
 *
 * The distance says how near it was: 0 where it matches, else about how many words, characters or headers would have to be others. Not here:
 * routing itself (../routing/), which must agree (test/unit/broker/explain.test.ts). Pure.
 */
import type { ExchangeType } from "../definition.ts";
import { compositeHeaderValue, type BindingArguments, type HeaderValue } from "../routing/router.ts";

export interface Verdict {
  readonly matched: boolean;
  readonly why: string;
  readonly distance: number;
}

/** What a binding is compared with. */
export interface Compared {
  readonly key: string;
  readonly headers: ReadonlyMap<string, HeaderValue>;
}

export interface ComparedBinding {
  readonly key: string;
  readonly args: BindingArguments;
}

const always: Verdict = { matched: true, why: "every message matches", distance: 0 };

/** Names are latin1 strings of their bytes; null: the type's rule does not look at a binding alone. */
export function verdictOf(type: ExchangeType, compared: Compared, binding: ComparedBinding): Verdict | null {
  switch (type) {
    case "direct":
      return directVerdict(compared.key, binding.key);
    case "topic":
      return topicVerdict(compared.key, binding.key);
    case "headers":
      return headersVerdict(compared.headers, binding.args);
    case "fanout":
    case "x-recent-history":
      return always;
    default:
      return null;
  }
}

function shown(text: string): string {
  return `'${Buffer.from(text, "latin1").toString()}'`;
}

function directVerdict(key: string, bound: string): Verdict {
  if (key === bound) return { matched: true, why: "the keys are equal", distance: 0 };
  const isCase = key.toLowerCase() === bound.toLowerCase();
  const isSpace = key.trim() === bound.trim();
  const why = isCase
    ? `${shown(bound)} differs in upper and lower case`
    : isSpace
      ? `${shown(bound)} differs in spaces at its ends`
      : `the binding's key is ${shown(bound)}`;
  return { matched: false, why, distance: isCase || isSpace ? 1 : differing(key, bound) };
}

/** How many characters there are between the same beginning and the same end. */
function differing(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return Math.max(one.length, other.length) - start - end;
}

/** A text has as many words as dots and one more; the empty text has none. */
function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(".");
}

function topicVerdict(key: string, pattern: string): Verdict {
  const words = wordsOf(key);
  const wanted = wordsOf(pattern);
  const { cost, first } = distanceOf(words, wanted);
  if (cost === 0) return { matched: true, why: `the key fits ${shown(pattern)}`, distance: 0 };
  return { matched: false, why: misfit(words, wanted, first), distance: cost };
}

interface Misfit {
  /** Places of the first difference, in the words and in the pattern; past the end where there is none. */
  readonly word: number;
  readonly part: number;
}

function misfit(words: readonly string[], wanted: readonly string[], { word, part }: Misfit): string {
  const has = word < words.length ? `word ${word + 1} of the key is ${shown(words[word]!)}` : null;
  const wants = part < wanted.length ? shown(wanted[part]!) : null;
  if (has === null) return `the key ends, and the pattern has ${wants!} behind it`;
  if (wants === null) return `${has}, and the pattern has no more words`;
  return `${has}, and the pattern has ${wants} there`;
}

/**
 * How many parts have to be exchanged, added or taken away to make the one the other, and where the first difference is. In a
 * pattern `*` is any word and `#` any words, or none.
 */
function distanceOf(
  words: readonly string[],
  wanted: readonly string[],
): { readonly cost: number; readonly first: Misfit } {
  const width = wanted.length + 1;
  const costs = new Uint16Array((words.length + 1) * width);
  const isMany = (part: number): boolean => wanted[part] === "#";
  const exchange = (word: number, part: number): number =>
    words[word] === wanted[part] || wanted[part] === "*" ? 0 : 1;
  // From the ends, so that the way from the beginnings can be read off.
  for (let word = words.length; word >= 0; word--) {
    for (let part = wanted.length; part >= 0; part--) {
      const at = word * width + part;
      const [hasWord, hasPart] = [word < words.length, part < wanted.length];
      if (!hasWord && !hasPart) continue;
      let least = Infinity;
      if (hasWord) least = costs[at + width]! + (isMany(part) ? 0 : 1);
      if (hasPart) least = Math.min(least, costs[at + 1]! + (isMany(part) ? 0 : 1));
      if (hasWord && hasPart && !isMany(part))
        least = Math.min(least, costs[at + width + 1]! + exchange(word, part));
      costs[at] = least;
    }
  }
  return { cost: costs[0]!, first: firstMisfit() };

  function firstMisfit(): Misfit {
    let [word, part] = [0, 0];
    while (word < words.length || part < wanted.length) {
      const cost = costs[word * width + part]!;
      const at = word * width + part;
      if (isMany(part)) {
        if (costs[at + 1] === cost) part++;
        else word++;
      } else if (
        word < words.length &&
        part < wanted.length &&
        exchange(word, part) === 0 &&
        costs[at + width + 1] === cost
      ) {
        word++;
        part++;
      } else break;
    }
    return { word, part };
  }
}

function headersVerdict(headers: ReadonlyMap<string, HeaderValue>, args: BindingArguments): Verdict {
  const match = typeof args["x-match"] === "string" ? args["x-match"] : "all";
  const pairs = Object.entries(args).filter(
    ([name]) => name !== "x-match" && (match.endsWith("-with-x") || !name.startsWith("x-")),
  );
  const faults = pairs.flatMap(([name, value]) => headerFault(headers, name, value) ?? []);
  const isAny = match.startsWith("any");
  if (isAny ? faults.length < pairs.length : faults.length === 0) {
    const why = isAny
      ? "one of its headers is there"
      : pairs.length === 0
        ? "it asks for no header"
        : "all of its headers are there";
    return { matched: true, why, distance: 0 };
  }
  if (pairs.length === 0) return { matched: false, why: "it asks for any of no headers", distance: 1 };
  return { matched: false, why: faults.slice(0, 5).join("; "), distance: isAny ? 1 : faults.length };
}

function headerFault(
  headers: ReadonlyMap<string, HeaderValue>,
  name: string,
  wanted: unknown,
): string | null {
  if (!headers.has(name)) return `header '${name}' is not there`;
  if (wanted === null || wanted === undefined) return null;
  const value = headers.get(name)!;
  const isPlain = ["string", "number", "boolean"].includes(typeof wanted);
  if (value === (isPlain ? wanted : compositeHeaderValue(wanted))) return null;
  const has = typeof value === "string" && value.startsWith("\0") ? value.slice(1) : JSON.stringify(value);
  const isType = isPlain && textOf(value) === textOf(wanted) ? ", of another type" : "";
  return `header '${name}' is ${has}, the binding asks for ${JSON.stringify(wanted)}${isType}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
