/**
 * When, or how often, each key was used: 24 bits in its entry (key-table.ts), as redis has them beside its objects.
 *
 *     LRU: u24 seconds of the clock, which begin again after 194 days
 *     LFU: u16 minutes of the clock << 8 | u8 logarithmic counter
 *
 * A counter goes up by chance, the less often the higher it is, and down by one for each `lfu-decay-time` without a use. Not here:
 * which keys go (eviction.ts). A change of the policy leaves the bits as they are, so they tell nonsense for a while, as in redis.
 * The clock begins with the process, so that the keys of the journal, which come before there is a time, are as if used at the start.
 * Invariant: `fresh` is what an entry that is used now has, at its place in the entry's word.
 */
import { QuickRandom } from "./quick-random.ts";

const useShift = 8;
const clockMask = 0xff_ffff;
const minutesMask = 0xffff;
/** The counter of a new key, so that it is not the first to go. */
const counterAtFirst = 5;
const counterMax = 255;
const chanceParts = 2 ** 32;

export class KeyUses {
  #isLfu = false;
  /** `lfu-log-factor`: the more, the more uses a counter stands for. */
  logFactor = 10;
  /** `lfu-decay-time`, minutes; 0 never. */
  decayMinutes = 1;
  /** For what goes by chance here and in eviction.ts. */
  readonly random = new QuickRandom();
  fresh = 0;
  #beganAt = -1;
  #seconds = 0;
  #minutes = 0;

  /** The policy is one that counts uses. */
  get isLfu(): boolean {
    return this.#isLfu;
  }

  set isLfu(value: boolean) {
    this.#isLfu = value;
    this.#refresh();
  }

  /** The clock goes on. Call it several times a second. */
  setTime(nowMs: number): void {
    if (this.#beganAt < 0) this.#beganAt = nowMs;
    const seconds = Math.floor((nowMs - this.#beganAt) / 1000);
    this.#seconds = seconds & clockMask;
    this.#minutes = Math.floor(seconds / 60) & minutesMask;
    this.#refresh();
  }

  #refresh(): void {
    this.fresh = (this.isLfu ? this.useOfFrequency(counterAtFirst) : this.#seconds) << useShift;
  }

  /** The same as a use. */
  get freshUse(): number {
    return this.fresh >>> useShift;
  }

  /** LFU: what `use` becomes by another use. */
  usedOnceMore(use: number): number {
    return this.useOfFrequency(this.#raised(this.frequency(use)));
  }

  #raised(counter: number): number {
    if (counter === counterMax) return counter;
    const above = Math.max(counter - counterAtFirst, 0);
    const chance = 1 / (above * this.logFactor + 1);
    return chance === 1 || this.random.below(chanceParts) < chance * chanceParts ? counter + 1 : counter;
  }

  /** LFU: the counter as it is now. */
  frequency(use: number): number {
    const counter = use & counterMax;
    if (this.decayMinutes === 0) return counter;
    const passed = (this.#minutes - (use >>> 8)) & minutesMask;
    return Math.max(counter - Math.floor(passed / this.decayMinutes), 0);
  }

  useOfFrequency(counter: number): number {
    return (this.#minutes << 8) | counter;
  }

  /** LRU: whole seconds since the last use. */
  idleSeconds(use: number): number {
    return (this.#seconds - use) & clockMask;
  }

  /** LRU: as if the key had been used so long ago. Longer than the clock it is modulo that, as in redis. */
  useOfIdle(seconds: number): number {
    return (this.#seconds - seconds) & clockMask;
  }
}
