/**
 * The classes of keyspace events, and the letters by which `notify-keyspace-events` names them (redis's notify.c).
 *
 * Not here: the events and telling them (../notifications/). Invariant: what `classesText` gives is read by `parseClasses`
 * as the same classes.
 */

export const keyClass = {
  /** Events go to `__keyspace@DB__:KEY`. */
  keyspace: 1 << 0,
  /** Events go to `__keyevent@DB__:EVENT`. */
  keyevent: 1 << 1,
  generic: 1 << 2,
  string: 1 << 3,
  list: 1 << 4,
  set: 1 << 5,
  hash: 1 << 6,
  sortedSet: 1 << 7,
  expired: 1 << 8,
  evicted: 1 << 9,
  stream: 1 << 10,
  miss: 1 << 11,
  module: 1 << 13,
  made: 1 << 14,
} as const;

/** What redis calls A: neither misses nor new keys are among them. */
const all =
  keyClass.generic |
  keyClass.string |
  keyClass.list |
  keyClass.set |
  keyClass.hash |
  keyClass.sortedSet |
  keyClass.expired |
  keyClass.evicted |
  keyClass.stream |
  keyClass.module;

/** In the order in which redis writes them. */
const listed: readonly [letter: string, bit: number][] = [
  ["g", keyClass.generic],
  ["$", keyClass.string],
  ["l", keyClass.list],
  ["s", keyClass.set],
  ["h", keyClass.hash],
  ["z", keyClass.sortedSet],
  ["x", keyClass.expired],
  ["e", keyClass.evicted],
  ["t", keyClass.stream],
  ["d", keyClass.module],
  ["n", keyClass.made],
];

const channels: readonly [letter: string, bit: number][] = [
  ["K", keyClass.keyspace],
  ["E", keyClass.keyevent],
  ["m", keyClass.miss],
];

const bits = new Map<string, number>([["A", all], ...listed, ...channels]);

/** The classes that the letters name; -1 where one of them names none. */
export function parseClasses(text: string): number {
  let classes = 0;
  for (const letter of text) {
    const bit = bits.get(letter);
    if (bit === undefined) return -1;
    classes |= bit;
  }
  return classes;
}

/** The letters as redis writes them. */
export function classesText(classes: number): string {
  const hasAll = (classes & all) === all;
  let text = hasAll ? "A" : "";
  for (const [letter, bit] of listed) if (!hasAll && (classes & bit) !== 0) text += letter;
  for (const [letter, bit] of channels) if ((classes & bit) !== 0) text += letter;
  return text;
}

/** What of it makes a difference: nothing, where it names no channel. */
export function effectiveClasses(classes: number): number {
  return (classes & (keyClass.keyspace | keyClass.keyevent)) === 0 ? 0 : classes;
}
