/**
 * What random steps are made of: few names, so that they meet, and a profile that says what a run is about.
 *
 * Invariant: the same seed gives the same profile, names and choices.
 */
import type { Place } from "./side.ts";

/**
 * - mixed: everything with everything;
 * - deaths: chains and cycles of dead letters and of alternate exchanges;
 * - lives: exclusive and auto-delete things, connections that come and go;
 * - consumers: priorities, single active consumers, prefetches;
 * - wire: frames that break rules, long names, replies;
 * - bursts: methods that come together, without dead letters, whose time RabbitMQ leaves open;
 * - priorities: the same with queues and messages that have priorities;
 * - quorum, streams: queues of that type;
 * - exchanges: the exchange types of plugins.
 */
export const profiles = [
  "mixed",
  "deaths",
  "lives",
  "consumers",
  "wire",
  "bursts",
  "priorities",
  "quorum",
  "streams",
  "exchanges",
] as const;
export type Profile = (typeof profiles)[number];

export class Pool {
  readonly random: () => number;
  readonly prefix: string;
  readonly profile: Profile;
  /** Where all steps of a burst go. */
  fixedPlace: Place | null = null;

  constructor(random: () => number, prefix: string, profile?: Profile) {
    this.random = random;
    this.prefix = prefix;
    const drawn = this.pick<Profile>(["mixed", "mixed", ...profiles]);
    this.profile = profile ?? drawn;
  }

  /** Its queues are no classic ones. */
  get isTyped(): boolean {
    return this.profile === "quorum" || this.profile === "streams";
  }

  /** What is asked for is there, and right. */
  get isTame(): boolean {
    return this.profile === "bursts" || this.profile === "priorities";
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.random() * values.length)]!;
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  place(): Place {
    if (this.fixedPlace !== null) return this.fixedPlace;
    const connection = this.chance(0.75) ? 0 : this.pick([1, 1, 2]);
    return { connection, channel: this.chance(0.7) ? 1 : this.pick([2, 2, 3]) };
  }

  name(text: string | number): string {
    return `${this.prefix}${text}`;
  }

  queue(): string {
    if (this.profile === "wire" && this.chance(0.3)) return this.longName();
    if (!this.isTame && this.chance(0.02))
      return this.pick(["", "amq.none", this.name("none"), this.name("q\r\n1")]);
    if (this.profile === "priorities") return this.name(`q${this.pick([1, 1, 1, 1, 2])}`);
    return this.name(`q${this.pick([1, 1, 1, 2, 2, 3, "ü"])}`);
  }

  exchange(): string {
    if (this.profile === "wire" && this.chance(0.2)) return this.longName();
    if (this.profile === "deaths" || this.profile === "exchanges")
      return this.name(`x${this.pick([1, 2, 3])}`);
    if (this.chance(this.profile === "priorities" ? 0.9 : 0.25)) return "";
    if (!this.isTame && this.chance(0.05))
      return this.pick(["amq.topic", "amq.none", this.name("none"), "amq.direct"]);
    return this.name(`x${this.pick([1, 1, 2, 3])}`);
  }

  key(): string {
    if (this.profile === "wire" && this.chance(0.2)) return this.longName();
    if (this.profile === "exchanges" && this.chance(0.8))
      return this.pick(["1", "1", "2", "3", "7", "0", "-1", "a", "", "ü", "1.5"]);
    if (this.chance(this.profile === "priorities" ? 0.95 : 0.5)) return this.queue();
    return this.pick(["a", "a.b", "a.b.c", "", "*", "#", "a.#", "*.b", "#.#", "ü.b"]);
  }

  /** Near the most that a name may have, in characters of one to four bytes. */
  longName(): string {
    const character = this.pick(["x", "ü", "€", "😀"]);
    const bytesMax = 255 - this.prefix.length;
    const count = Math.floor(bytesMax / Buffer.byteLength(character));
    return this.name(character.repeat(count - this.pick([0, 0, 1])));
  }
}
