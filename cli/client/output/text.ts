/**
 * Text for a terminal: how wide it is, what must not reach it, where it is cut.
 *
 * Names and messages come from clients. Invariant: what `visible` returns has no character that moves the cursor, colours or reorders.
 */

// Controls of both sets, marks of direction, separators of lines, lone surrogates.
const hidden = /[\p{Cc}\p{Cs}\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu;

const short: Readonly<Record<string, string>> = {
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
};

/** The text with what cannot be seen written out, as in JSON. */
export function visible(text: string): string {
  return text.replaceAll(hidden, (letter) => {
    const code = letter.codePointAt(0)!;
    return short[letter] ?? String.raw`\u` + code.toString(16).padStart(4, "0");
  });
}

const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u;
const combining = /\p{M}/u;

function widthOfLetter(letter: string): number {
  if (letter.codePointAt(0)! < 0x300) return 1;
  return combining.test(letter) ? 0 : wide.test(letter) ? 2 : 1;
}

/** In columns of a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += widthOfLetter(letter);
  return width;
}

/** The text, or its beginning and an ellipsis, in so many columns. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const letter of text) {
    left -= widthOfLetter(letter);
    if (left < 0) break;
    kept += letter;
  }
  return `${kept}…`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function countText(count: number): string {
  return count.toLocaleString("en-US");
}
