/**
 * Glob patterns that subscribers listen to, found by the plain bytes with which a pattern begins.
 *
 * A pattern is filed under its first 0, 1, 2, 4, ... 64 plain bytes, by the most that it has, and a channel is looked up under
 * each of these lengths; so a message is held against the patterns that share a beginning with its channel, and against
 * those that begin with a wildcard. Not here: who listens (channels.ts).
 * Invariants: each pattern is in one file; a file is not empty; two beginnings with one hash share a file, which costs a
 * comparison and changes nothing else.
 */
import { compileGlob, type Glob } from "../../base/patterns/glob.ts";

const beginnings = [0, 1, 2, 4, 8, 16, 32, 64] as const;
const hashSeed = 0x811c9dc5 | 0;

export class LivePattern<Subscriber> {
  readonly bytes: Buffer;
  readonly subscribers = new Set<Subscriber>();
  readonly #glob: Glob;
  /** Which of `beginnings` it is filed under, and the hash of that. */
  readonly level: number;
  readonly hash: number;

  constructor(pattern: string) {
    this.bytes = Buffer.from(pattern, "latin1");
    this.#glob = compileGlob(this.bytes);
    const { prefix } = this.#glob;
    this.level = beginnings.findLastIndex((length) => length <= prefix.length);
    let hash = hashSeed;
    for (let at = 0; at < beginnings[this.level]!; at++) hash = hashWith(hash, prefix[at]!);
    this.hash = hash;
  }

  matches(channel: Buffer): boolean {
    return this.#glob.matches(channel, 0, channel.length);
  }
}

export class LivePatterns<Subscriber> {
  readonly #byName = new Map<string, LivePattern<Subscriber>>();
  readonly #files = beginnings.map(() => new Map<number, Set<LivePattern<Subscriber>>>());
  /** Patterns that channels were held against so far: what publishing costs, in counts. */
  comparisons = 0;

  get size(): number {
    return this.#byName.size;
  }

  /** Throws LIMIT for a pattern that is too long or too complex. */
  add(pattern: string, subscriber: Subscriber): void {
    let entry = this.#byName.get(pattern);
    if (entry === undefined) {
      entry = new LivePattern(pattern);
      this.#byName.set(pattern, entry);
      const files = this.#files[entry.level]!;
      const file = files.get(entry.hash);
      if (file === undefined) files.set(entry.hash, new Set([entry]));
      else file.add(entry);
    }
    entry.subscribers.add(subscriber);
  }

  remove(pattern: string, subscriber: Subscriber): void {
    const entry = this.#byName.get(pattern);
    if (entry === undefined || !entry.subscribers.delete(subscriber) || entry.subscribers.size > 0) return;
    this.#byName.delete(pattern);
    const files = this.#files[entry.level]!;
    const file = files.get(entry.hash)!;
    file.delete(entry);
    if (file.size === 0) files.delete(entry.hash);
  }

  /** Appends the patterns that match the channel. */
  collect(channel: Buffer, into: LivePattern<Subscriber>[]): void {
    let hash = hashSeed;
    let at = 0;
    for (let level = 0; level < beginnings.length; level++) {
      const length = beginnings[level]!;
      if (length > channel.length) return;
      for (; at < length; at++) hash = hashWith(hash, channel[at]!);
      const file = this.#files[level]!.get(hash);
      if (file === undefined) continue;
      for (const pattern of file) {
        this.comparisons++;
        if (pattern.matches(channel)) into.push(pattern);
      }
    }
  }
}

function hashWith(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}
