/**
 * Redis's glob patterns over bytes, compiled once: `*`, `?`, `[abc]`, `[^a-z]`, `\x`.
 *
 * The stars cut a pattern into parts. The first part stands at the text's start and the last at its end; each other part is
 * searched for behind the one before, as far to the left as it goes, which is never wrong. Parts of plain bytes are searched
 * for by Knuth, Morris and Pratt's method, the others by sets of bits (glob-search.ts).
 * Not here: which names are tried. The answers are those of redis 7.0's stringmatchlen, also where they surprise:
 * an empty text matches only the empty pattern, a class without its `]` ends with the pattern, a range compares
 * bytes as signed, and a pattern with more than 1000 separate stars (a last one not counted) matches nothing.
 * Invariant: matching looks at each byte of the text at most `2 + globWildStepsMax / 32` times; redis has no such bound, so
 * patterns above `globBytesMax` and `globWildStepsMax` are refused.
 */
import { BrokerError } from "../errors.ts";
import { anyByte, anyRun, compileSteps, firstClass, type GlobSteps, hasByte, lower } from "./glob-steps.ts";
import { GlobSearch } from "./glob-search.ts";
import { limits } from "../limits.ts";

const starsMax = 1000;
const noSearches: readonly GlobSearch[] = [];

class Glob {
  readonly #steps: GlobSteps;
  readonly #ignoreCase: boolean;
  readonly #isHopeless: boolean;
  readonly #hasStar: boolean;
  /** How many steps stand before the first star. */
  readonly #headLength: number;
  /** Where the steps behind the last star begin. */
  readonly #tailAt: number;
  readonly #searches: readonly GlobSearch[];
  /** The steps before the first that is not a plain byte: every match begins with these bytes. */
  readonly prefix: Uint8Array;
  /** Nothing but plain bytes: it matches exactly one text. */
  readonly isLiteral: boolean;

  constructor(pattern: Uint8Array, ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    this.#steps = compileSteps(pattern, ignoreCase);
    const { codes } = this.#steps;
    let plain = 0;
    while (plain < codes.length && codes[plain]! < anyByte) plain++;
    this.prefix = Uint8Array.from(codes.subarray(0, plain));
    this.isLiteral = plain === codes.length;
    const firstStar = codes.indexOf(anyRun);
    const lastStar = codes.lastIndexOf(anyRun);
    this.#hasStar = firstStar >= 0;
    this.#headLength = firstStar < 0 ? codes.length : firstStar;
    this.#tailAt = lastStar + 1;
    let stars = 0;
    for (let i = firstStar; i >= 0 && i < codes.length - 1; i++) if (codes[i] === anyRun) stars++;
    this.#isHopeless = stars > starsMax;
    this.#searches =
      firstStar === lastStar || this.#isHopeless
        ? noSearches
        : searchesBetween(this.#steps, firstStar, lastStar, ignoreCase);
  }

  matches(text: Uint8Array, start = 0, end: number = text.length): boolean {
    const length = this.#steps.codes.length;
    if (start === end) return length === 0;
    if (this.#isHopeless) return false;
    const head = this.#headLength;
    if (!this.#hasStar) return end - start === head && this.#stands(text, start, 0, head);
    const tailAt = this.#tailAt;
    const tail = length - tailAt;
    if (end - start < head + tail) return false;
    if (!this.#stands(text, start, 0, head) || !this.#stands(text, end - tail, tailAt, length)) return false;
    const searches = this.#searches;
    let at = start + head;
    for (let i = 0; i < searches.length && at >= 0; i++) at = searches[i]!.endIn(text, at, end - tail);
    return at >= 0;
  }

  /** Whether the steps from `from` to `to`, none of them a star, match the text's bytes from `at` on. */
  #stands(text: Uint8Array, at: number, from: number, to: number): boolean {
    const { codes, classes } = this.#steps;
    const ignoreCase = this.#ignoreCase;
    for (let step = from; step < to; step++) {
      const wanted = codes[step]!;
      const byte = text[at + step - from]!;
      if (
        wanted < anyByte
          ? wanted !== (ignoreCase ? lower(byte) : byte)
          : wanted !== anyByte && !hasByte(classes, wanted - firstClass, byte)
      )
        return false;
    }
    return true;
  }
}

/** One for each part between two stars. Throws where they hold too many steps that are no plain bytes. */
function searchesBetween(
  steps: GlobSteps,
  firstStar: number,
  lastStar: number,
  ignoreCase: boolean,
): GlobSearch[] {
  const searches: GlobSearch[] = [];
  let wildSteps = 0;
  for (let from = firstStar + 1; from < lastStar;) {
    const to = steps.codes.indexOf(anyRun, from);
    if (steps.codes.subarray(from, to).some((code) => code >= anyByte)) wildSteps += to - from;
    if (wildSteps > limits.globWildStepsMax) {
      throw new BrokerError(
        "LIMIT",
        `pattern is too complex: what stands between two * and has ? or [] in it may have ${limits.globWildStepsMax} ` +
          "characters in all",
      );
    }
    searches.push(new GlobSearch(steps, from, to, ignoreCase));
    from = to + 1;
  }
  return searches;
}

/**
 * Patterns are compiled when they are subscribed to, and matched many times. Throws LIMIT for those that would cost too
 * much to match.
 */
export function compileGlob(pattern: Uint8Array, options: { readonly ignoreCase?: boolean } = {}): Glob {
  if (pattern.length > limits.globBytesMax) {
    throw new BrokerError(
      "LIMIT",
      `pattern is too long: ${pattern.length} bytes; the most is ${limits.globBytesMax}`,
    );
  }
  return new Glob(pattern, options.ignoreCase ?? false);
}

const star = 42;

/**
 * For names that are listed (KEYS, SCAN and its like): null where all are meant. A lone `*` is every name in redis, the empty one too,
 * which no other pattern but the empty one matches.
 */
export function compileListGlob(pattern: Uint8Array): Glob | null {
  return pattern.length === 1 && pattern[0] === star ? null : compileGlob(pattern);
}

export type { Glob };
