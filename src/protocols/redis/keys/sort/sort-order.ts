/**
 * The order of SORT: by numbers, or by bytes with ALPHA.
 *
 * Pure. Texts are Latin-1 strings of bytes, whose order as strings is that of their bytes.
 */
import { parseFloatStrict } from "../../wire/numbers.ts";

export interface SortItem {
  readonly element: string;
  /** What it is sorted by; null where that is not there. */
  readonly text: string | null;
  /** The number in `text`, 0 where that is not there. */
  readonly score: number;
}

const plainInteger = /^-?\d{1,15}$/;
const leadingBlanks = /^[ \t\n\v\f\r]+/;

/** The number that a text is, as C's strtod takes all of it up to a byte 0; NaN for none. */
export function scoreOf(text: string): number {
  if (plainInteger.test(text)) return Number(text);
  const end = text.indexOf("\0");
  const whole = end < 0 ? text : text.slice(0, end);
  if (whole === "") return 0;
  const bytes = Buffer.from(whole.replace(leadingBlanks, ""), "latin1");
  return parseFloatStrict(bytes, 0, bytes.length);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareItems(isAlpha: boolean, isDescending: boolean): (a: SortItem, b: SortItem) => number {
  const compare = isAlpha ? byText : byScore;
  return isDescending ? (a, b) => -compare(a, b) : compare;
}

/** Equal numbers are in the order of their elements. */
function byScore(a: SortItem, b: SortItem): number {
  return a.score === b.score ? compareTexts(a.element, b.element) : a.score < b.score ? -1 : 1;
}

/** What is not there comes first. */
function byText(a: SortItem, b: SortItem): number {
  if (a.text === null || b.text === null) return a.text === b.text ? 0 : a.text === null ? -1 : 1;
  return compareTexts(a.text, b.text);
}
