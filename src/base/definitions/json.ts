/**
 * JSON from outside: parsed after a look at how deep its lists and objects nest, in slices.
 *
 * Whoever walks a value does it by recursion, and so does JSON.parse: what nests deeper than its bound is refused before both.
 * A document is a list or an object of lists (definitions): what stands in these is parsed piece by piece, for other clients' sake.
 * Invariant: the result is JSON.parse's, or it throws.
 */
import { BrokerError } from "../errors.ts";
import { finishNow, type Job } from "../turn-work.ts";

/** Characters looked at before the turn is asked for; and of those parsed, what is a unit. */
const lettersOfPiece = 16_384;
const lettersOfUnit = 100;

const quote = 0x22;
const backslash = 0x5c;
/** `[` and `{`, `]` and `}`: they differ in one bit. */
const bracketBit = 0x20;
const opening = 0x7b;
const closing = 0x7d;

/** Items of a document stand in lists in an object: they open at this depth. */
const depthOfItems = 3;

/** Throws INVALID where it nests too deep, and SyntaxError where it is no JSON. */
export function* parsing(text: string, depthMax: number): Job<unknown> {
  const isLong = text.length > lettersOfPiece;
  const items: unknown[] = [];
  /** The text without its items, each of which is the list of its number. */
  const rest: string[] = [];
  let restFrom = 0;
  let itemFrom = 0;
  let depth = 0;
  let yieldAt = lettersOfPiece;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfText(text, at);
    else if ((code | bracketBit) === opening) {
      if (++depth > depthMax) throw tooDeep(depthMax);
      if (depth === depthOfItems) itemFrom = at;
    } else if ((code | bracketBit) === closing && depth-- === depthOfItems && isLong) {
      rest.push(text.slice(restFrom, itemFrom), `[${items.length}]`);
      items.push(JSON.parse(text.slice(itemFrom, at + 1)));
      restFrom = at + 1;
    }
    if (at < yieldAt) continue;
    yield Math.ceil((at - yieldAt + lettersOfPiece) / lettersOfUnit);
    yieldAt = at + lettersOfPiece;
  }
  if (items.length === 0) return JSON.parse(text);
  const value = JSON.parse(rest.join("") + text.slice(restFrom)) as Record<string, unknown>;
  for (const key of Object.keys(value)) yield* putItems(value[key], items);
  return value;
}

/** Where the quote is that ends the text which begins there. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let before = at;
    while (text.charCodeAt(before - 1) === backslash) before--;
    if ((at - before) % 2 === 0) return at;
  }
}

/** Every list that is left at that depth stands for an item. */
function* putItems(into: unknown, items: readonly unknown[]): Job<void> {
  if (typeof into !== "object" || into === null) return;
  const places = into as Record<string, unknown>;
  let count = 0;
  for (const key of Object.keys(places)) {
    const place = places[key];
    if (Array.isArray(place)) places[key] = items[place[0] as number];
    if (++count % lettersOfUnit === 0) yield lettersOfUnit / 10;
  }
}

/** The same at once, for programs that serve nobody meanwhile. */
export function parseJson(text: string, depthMax: number): unknown {
  return finishNow(parsing(text, depthMax));
}

/** For values that were not JSON (YAML). Throws INVALID. */
export function checkDepth(value: unknown, depthMax: number, depth = 1): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > depthMax) throw tooDeep(depthMax);
  for (const each of Object.values(value)) checkDepth(each, depthMax, depth + 1);
}

function tooDeep(depthMax: number): BrokerError {
  return new BrokerError(
    "INVALID",
    `the JSON nests deeper than ${depthMax} lists and objects inside each other; send a flatter one`,
  );
}
