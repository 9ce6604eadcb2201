/**
 * `maxmemory`: removes keys while those that there are take more memory than they may, by the policy, as redis does: a few random keys
 * are looked at, and the best of those seen so far goes.
 *
 *     memory = blocks of the arenas that are given out (entries, elements of large values, what commands make aside, dropped values
 *              that are not given back yet) + the buckets of the key tables
 *
 * It is asked before each command (`makeRoom`) and does so many units of work then as `maxmemory-eviction-tenacity` says; what is left
 * is done in later turns, while commands go on. Streams are no entries: they are never taken. Not here: what commands do without room
 * (protocols/redis/core/dispatch.ts), when a key was used (key-uses.ts). Invariant: a key goes by `Database.evict`, as one that expires:
 * in the journal, told to those who watch it.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import type { EvictionPolicyName } from "../../base/config/eviction-policies.ts";
import type { Job, RunningJob } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import type { MemoryUse } from "../arena.ts";
import type { Database } from "../database.ts";
import type { Graves } from "../values/graves.ts";
import type { KeyUses } from "./key-uses.ts";
import { EvictionPool } from "./pool.ts";
import { type EvictionPolicy, evictionPolicies } from "./policy.ts";

export interface EvictedKeys {
  readonly databases: readonly Database[];
  readonly memory: MemoryUse;
  readonly graves: Graves;
  readonly uses: KeyUses;
  /** Nothing may go by itself now. */
  readonly keepsAll: boolean;
}

/** More samples than this are not looked at, as in redis. */
const samplesMost = 64;
/** Buckets that one sample looks at for each key that it wants; of keys to expire there may be few among many. */
const looksOfKey = 10;
const looksForVolatile = 512;
/** Looks that are one unit of work. */
const looksOfUnit = 16;
const keysOfUnit = 4;
const unitsOfRemoval = 2;
/** Blocks of dropped values that are given back between two looks at the memory. */
const blocksFreedAtOnce = 100;
const blocksOfUnit = 4;
/** Of `maxmemory-eviction-tenacity`, in units: up to 10 it is linear, beyond it grows by 15 % each, and no further than this in one turn. */
const unitsOfTenacity = 50;
const tenacityGrowth = 1.15;
const unitsMost = 8000;
const unitsInBackground = 500;
/** After so many samples in a row of keys that commands hold there is none that may go: others are too few to be found. */
const heldSamplesMost = 64;

type Outcome = "done" | "unfinished" | "impossible";

export class Eviction {
  /** `maxmemory`; 0 for no bound. */
  bytesMax = 0;
  /** No key could be removed though the bound is exceeded, when this was last asked for. */
  isOutOfMemory = false;
  /** Keys removed since the start. */
  evicted = 0;
  /** `maxmemory-samples`. */
  samples = 5;
  #tenacity = 10;
  #unitsOfCommand = 500;
  #policyName: EvictionPolicyName = "noeviction";
  #policy: EvictionPolicy = evictionPolicies.noeviction;
  readonly #keys: EvictedKeys;
  readonly #pool = new EvictionPool();
  readonly #found: number[] = [];
  /** Where a sample goes on that found too few keys to expire; -1 for anywhere. */
  readonly #lookOnAt: number[];
  #looks = 0;
  /** Samples in a row of which no key went, since commands hold them all. */
  #heldSamples = 0;
  /** Whose turn it is where any key may go. */
  #nextDatabase = 0;
  #broker: Broker | null = null;
  #job: RunningJob | null = null;

  constructor(keys: EvictedKeys) {
    this.#keys = keys;
    this.#lookOnAt = keys.databases.map(() => -1);
  }

  get policy(): EvictionPolicyName {
    return this.#policyName;
  }

  set policy(name: EvictionPolicyName) {
    this.#policyName = name;
    this.#policy = evictionPolicies[name];
    this.#pool.clear();
    this.#keys.uses.isLfu = this.#policy.order === "lfu";
  }

  get tenacity(): number {
    return this.#tenacity;
  }

  set tenacity(value: number) {
    this.#tenacity = value;
    const units =
      value <= 10 ? unitsOfTenacity * value : unitsOfTenacity * 10 * tenacityGrowth ** (value - 10);
    this.#unitsOfCommand = Math.min(Math.max(Math.floor(units), 1), unitsMost);
  }

  start(broker: Broker): void {
    this.#broker = broker;
    this.boundChanged();
  }

  stop(): void {
    this.#job?.cancel();
    this.#job = null;
  }

  /** After a change of `bytesMax`. */
  boundChanged(): void {
    this.isOutOfMemory = false;
    if (this.bytesMax > 0) this.#goOnLater();
  }

  /** Before a command, while there is a bound. */
  makeRoom(): void {
    if (this.#keys.memory.bytes <= this.bytesMax) {
      this.isOutOfMemory = false;
      return;
    }
    if (this.#keys.keepsAll) return;
    const outcome = this.#removeSome(this.#unitsOfCommand);
    this.isOutOfMemory = outcome === "impossible";
    if (outcome === "unfinished") this.#goOnLater();
  }

  #goOnLater(): void {
    if (this.#job?.isRunning === true || this.#broker === null) return;
    this.#job = this.#broker.work.run(this.#removeInTurns(this.#broker), () => {});
  }

  *#removeInTurns(broker: Broker): Job<void> {
    // From a timer, or within a command that has its own share.
    yield 1;
    // The first command after it begins again.
    while (this.bytesMax > 0 && !this.#keys.keepsAll) {
      const outcome = this.#removeSome(unitsInBackground);
      broker.ticker.request();
      if (outcome !== "unfinished") return;
      // As much as was done: what is yielded is what ends the turn.
      yield unitsInBackground;
    }
  }

  /** Removes keys until there is room, or for about so many units of work, which it spends. */
  #removeSome(units: number): Outcome {
    const { memory, graves } = this.#keys;
    let left = units;
    let outcome: Outcome = "done";
    while (memory.bytes > this.bytesMax) {
      if (left <= 0) {
        outcome = "unfinished";
        break;
      }
      // What was removed is given back before another key goes.
      if (!graves.isEmpty) left -= Math.ceil(graves.freeSome(blocksFreedAtOnce) / blocksOfUnit);
      else {
        const cost = this.#removeOne();
        if (cost === 0) {
          outcome = "impossible";
          break;
        }
        left -= cost;
      }
    }
    this.#broker!.work.spend(units - left);
    return outcome;
  }

  /** Removes the best key that is known, if any. Returns the units of work; 0 where there is no key that may go. */
  #removeOne(): number {
    const { order } = this.#policy;
    this.#looks = 0;
    if (order === null) return 0;
    if (this.#heldSamples >= heldSamplesMost) {
      // Whoever asks next begins again: commands may have ended by then.
      this.#heldSamples = 0;
      return 0;
    }
    return order === "random" ? this.#removeAny() : this.#removeBest(order);
  }

  /** A sample was looked at: it had keys that may go by the policy, and one of them went or not. */
  #sampled(hadKeys: boolean, isRemoved: boolean): void {
    if (isRemoved) this.#heldSamples = 0;
    else if (hadKeys) this.#heldSamples++;
  }

  #removeBest(order: "lru" | "lfu" | "ttl"): number {
    const pool = this.#pool;
    let sampled = 0;
    let databases = 0;
    let isRemoved = false;
    for (const database of this.#keys.databases) {
      if (this.#candidatesIn(database) === 0) continue;
      this.#sample(database, Math.min(this.samples, samplesMost));
      databases++;
      sampled += this.#found.length + 1;
      for (const entry of this.#found) pool.offer(database, entry, this.#score(order, database, entry));
    }
    if (sampled === 0) return 0;
    for (let entry = pool.take(); entry !== 0; entry = pool.take()) {
      const database = pool.taken!;
      if (this.#policy.isVolatile && database.table.expiry(entry) === 0) continue;
      isRemoved = database.evict(entry);
      if (isRemoved) break;
    }
    this.#sampled(sampled > databases, isRemoved);
    return this.#costOf(sampled);
  }

  #removeAny(): number {
    const { databases } = this.#keys;
    for (let i = 0; i < databases.length; i++) {
      const database = databases[this.#nextDatabase++ % databases.length]!;
      if (this.#candidatesIn(database) === 0) continue;
      this.#sample(database, 1);
      const hadKeys = this.#found.length > 0;
      this.#sampled(hadKeys, hadKeys && database.evict(this.#found[0]!));
      return this.#costOf(1);
    }
    return 0;
  }

  #costOf(keys: number): number {
    return unitsOfRemoval + Math.floor(this.#looks / looksOfUnit) + Math.floor(keys / keysOfUnit);
  }

  #candidatesIn({ table }: Database): number {
    return this.#policy.isVolatile ? table.volatileCount : table.count;
  }

  /** The more, the sooner it goes. */
  #score(order: "lru" | "lfu" | "ttl", { table }: Database, entry: number): number {
    const { uses } = this.#keys;
    if (order === "ttl") return -table.expiry(entry);
    const use = table.use(entry);
    return order === "lru" ? uses.idleSeconds(use) : -uses.frequency(use);
  }

  /** Up to `wanted` keys that may go, of random buckets, into `#found`. */
  #sample({ table, number }: Database, wanted: number): void {
    const found = this.#found;
    const { isVolatile } = this.#policy;
    const { random } = this.#keys.uses;
    const { bucketCount } = table;
    const resumed = this.#lookOnAt[number]!;
    let at = (resumed >= 0 ? resumed : random.below(bucketCount)) % bucketCount;
    const looksMax = Math.min(isVolatile ? looksForVolatile : wanted * looksOfKey, bucketCount);
    found.length = 0;
    let looks = 0;
    for (; looks < looksMax && found.length < wanted; looks++) {
      const before = found.length;
      table.bucket(at, found);
      if (isVolatile) keepVolatile(table, found, before);
      // Neighbours would be met again and again while a table shrinks. Keys to expire may be few: then all are come to in turn.
      if (!isVolatile) at = random.below(bucketCount);
      else at = at + 1 === bucketCount ? 0 : at + 1;
    }
    // One of the last bucket's keys is as good as another.
    if (found.length > 1 && wanted === 1) found[0] = found[random.below(found.length)]!;
    if (found.length > wanted) found.length = wanted;
    this.#lookOnAt[number] = found.length < wanted && isVolatile ? at : -1;
    this.#looks += looks;
    if (assertsAreOn)
      assertInvariant(found.length <= wanted, "a sample has as many keys as were wanted at most");
  }
}

/** Removes from `found`, from place `from` on, what is not to expire. */
function keepVolatile(table: Database["table"], found: number[], from: number): void {
  let kept = from;
  for (let i = from; i < found.length; i++) {
    if (table.expiry(found[i]!) !== 0) found[kept++] = found[i]!;
  }
  found.length = kept;
}
