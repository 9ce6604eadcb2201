/**
 * Clients that wait for keys, of any type, and the keys that have become ready: what redis's blocked.c does.
 *
 * A change makes a key ready. At the end of the command, MULTI or script that made the change (at the end of the tick for a change
 * that no Redis command made) the ready keys are looked at in their order, and for each key those who wait for it in theirs: each
 * tries its command again and is answered or goes on waiting. What one of them takes or adds may make more keys ready, which come
 * behind. Not here: what a command looks for (`Wait`), what a client says of its wait (blocked-client.ts).
 *
 * Serving gets the units of work that the turn has left; then it goes on in later turns, between other clients' commands. Invariants:
 * one client at a time is served, and never within somebody's command; a key is in the table exactly as long as somebody waits for it,
 * so a change of a key costs one look at most, and none while nobody waits.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Timers } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import type { Job, TurnWork } from "../../../base/turn-work.ts";
import type { Moment } from "../../../keyspace/moment.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { BlockedClient } from "./blocked-client.ts";
import type { Wait, WaitType } from "./wait.ts";
import { type KeyWatch, WaitingKey } from "./waiting-key.ts";

/** Memory of a key in the table and of a client's place in its line, roughly. */
const bytesOfKey = 768;
const unitsOfKey = 0.3;
/** Going on to the next line, or to a key that nobody waits for any more. */
const unitsOfLook = 0.3;

interface BlockedClientsOptions {
  readonly timers: Timers;
  readonly work: TurnWork;
  /** All who are served in a turn find the same time. */
  readonly moment: Moment;
  /** Looks at the key where `changed` is not called for its changes. It calls `makeReady` and, outside of commands, `serve`. */
  readonly watch: (waiting: WaitingKey) => KeyWatch | null;
}

export class BlockedClients {
  readonly #timers: Timers;
  readonly #work: TurnWork;
  readonly #moment: Moment;
  readonly #watch: (waiting: WaitingKey) => KeyWatch | null;
  /** By type, then by the database's number. */
  readonly #keys = new Map<WaitType, (Map<string, WaitingKey> | undefined)[]>();
  #ready: WaitingKey[] = [];
  #isServing = false;
  #isTickEndAsked = false;
  #arrivals = 0;
  /** Keys, counted for each client that waits for them. */
  #waits = 0;
  /** Clients that wait. */
  clientCount = 0;
  /** Those of them whose wait ends by itself. */
  timeoutCount = 0;
  /** Keys that somebody waits for. */
  keyCount = 0;
  /** Those of them whose changes `watch` does not see. */
  toldKeyCount = 0;

  constructor({ timers, work, moment, watch }: BlockedClientsOptions) {
    this.#timers = timers;
    this.#work = work;
    this.#moment = moment;
    this.#watch = watch;
  }

  // Waiting

  /**
   * The command at work found nothing: its client waits. A caller whose commands must answer at once (MULTI, a script) is told so as at
   * a timeout. Throws where too many keys are waited for.
   */
  block(context: CommandContext, wait: Wait): void {
    const { later } = context.caller;
    if (later === null) return context.reply.nullArray();
    const keys = new Set(wait.keys);
    this.#assertRoom(keys.size);
    let bytes = 0;
    for (const key of keys) bytes += bytesOfKey + key.length;
    later.keepRequest();
    later.holdLater(bytes);
    const client = new BlockedClient(this, context, later, wait, ++this.#arrivals);
    for (const key of keys) {
      const waiting = this.#keyOf(wait.type, context.database, key);
      waiting.add(client);
      client.keys.push(waiting);
    }
    this.clientCount++;
    if (client.hasTimeout) this.timeoutCount++;
    this.#waits += keys.size;
    this.#work.spend(Math.ceil(keys.size * unitsOfKey));
    wait.began?.(context, (key) => this.#serveAlone(client, key));
  }

  #serveAlone(client: BlockedClient, key: string): void {
    if (client.isOver) return;
    this.#work.spend(Math.ceil(client.serve(key)));
    this.serve();
  }

  #assertRoom(count: number): void {
    const { redisWaitKeysMax, redisWaitKeysTotalMax } = limits;
    if (count > redisWaitKeysMax)
      throw new RedisError(`ERR a command waits for at most ${redisWaitKeysMax} keys; name fewer`);
    if (this.#waits + count > redisWaitKeysTotalMax) {
      throw new RedisError(
        `ERR clients wait for ${this.#waits} keys already, of ${redisWaitKeysTotalMax} at most; wait with fewer connections or for fewer keys`,
      );
    }
  }

  #keyOf(type: WaitType, database: number, key: string): WaitingKey {
    let databases = this.#keys.get(type);
    if (databases === undefined) this.#keys.set(type, (databases = []));
    const keys = (databases[database] ??= new Map<string, WaitingKey>());
    let waiting = keys.get(key);
    if (waiting === undefined) {
      keys.set(key, (waiting = new WaitingKey(type, database, key, this.#arrivals)));
      this.keyCount++;
      waiting.watch = this.#watch(waiting);
      if (waiting.watch === null) this.toldKeyCount++;
    }
    return waiting;
  }

  /** For `BlockedClient` alone: it is over. */
  remove(client: BlockedClient): void {
    const { keys } = client;
    for (const waiting of keys) if (waiting.remove(client)) this.#close(waiting);
    this.clientCount--;
    if (client.hasTimeout) this.timeoutCount--;
    this.#waits -= keys.length;
    this.#work.spend(Math.ceil(keys.length * unitsOfKey));
    keys.length = 0;
    if (assertsAreOn && this.clientCount === 0)
      assertInvariant(this.#waits === 0 && this.keyCount === 0, "keys are kept for clients that wait only");
  }

  #close({ type, database, key, watch }: WaitingKey): void {
    const keys = this.#keys.get(type)![database]!;
    keys.delete(key);
    if (keys.size === 0) this.#keys.get(type)![database] = undefined;
    this.keyCount--;
    if (watch === null) this.toldKeyCount--;
    else watch.close();
  }

  // Changes

  /** The key holds a value of that type which has changed, or held one: those who wait for it are to look. */
  changed(type: WaitType, database: number, key: string): void {
    if (this.keyCount === 0) return;
    const waiting = this.waitingFor(type, database, key);
    if (waiting !== undefined) this.makeReady(waiting);
  }

  /** Who waits for that type of value under the key. */
  waitingFor(type: WaitType, database: number, key: string): WaitingKey | undefined {
    return this.#keys.get(type)?.[database]?.get(key);
  }

  /** All keys of the database may hold something else (SWAPDB). */
  databaseChanged(database: number): void {
    for (const databases of this.#keys.values()) {
      const keys = databases[database];
      if (keys !== undefined) this.#work.run(this.#makingReady(keys), () => {});
    }
  }

  *#makingReady(keys: ReadonlyMap<string, WaitingKey>): Job<void> {
    const last = this.#arrivals;
    for (const waiting of keys.values()) {
      if (waiting.since > last) return;
      this.makeReady(waiting);
      yield unitsOfKey;
    }
  }

  /** Those who wait for the key look when the command at work is over, or at the end of the tick. */
  makeReady(waiting: WaitingKey): void {
    if (waiting.isReady) return;
    waiting.isReady = true;
    this.#ready.push(waiting);
    // For changes that are made outside of commands. After a command there is nothing left to do then.
    if (this.#isServing || this.#isTickEndAsked) return;
    this.#isTickEndAsked = true;
    this.#timers.atTickEnd(() => {
      this.#isTickEndAsked = false;
      this.serve();
    });
  }

  // Serving

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Serves those who wait for keys that are ready: call it when a command is over. The rest is served in later turns. */
  serve(): void {
    // Within itself, or while the rest waits for its turn, which it keeps: who came first is served first.
    if (this.#isServing || this.#ready.length === 0) return;
    const work = this.#work;
    const job = this.#moment.within(this.#serving());
    this.#isServing = true;
    let isWhole = false;
    try {
      while (!isWhole && !work.isSpent) {
        const { done, value } = job.next();
        isWhole = done === true;
        if (done !== true) work.spend(Math.ceil(value));
      }
    } catch (error) {
      this.#isServing = false;
      throw error;
    }
    if (isWhole) this.#isServing = false;
    else this.#serveLater(job);
  }

  #serveLater(job: Job<void>): void {
    this.#work.run(job, (outcome) => {
      this.#isServing = false;
      if ("error" in outcome) throw outcome.error;
    });
  }

  *#serving(): Job<void> {
    // Keys that become ready meanwhile come behind.
    while (this.#ready.length > 0) {
      const ready = this.#ready;
      this.#ready = [];
      for (const waiting of ready) {
        waiting.isReady = false;
        yield* this.#servingKey(waiting);
      }
    }
  }

  *#servingKey(waiting: WaitingKey): Job<void> {
    // Who comes from here on has looked by himself.
    const last = this.#arrivals;
    yield unitsOfLook;
    for (const [share, line] of waiting.lines) {
      for (const client of line) {
        if (client.arrival > last) break;
        const units = client.serve(waiting.key);
        const { isOver } = client;
        yield units;
        if (!isOver && share !== null) break;
      }
    }
  }
}
