/**
 * Client-side caching: tells clients that what they have read has changed (redis's tracking.c).
 *
 * What a client reads is remembered with the keys (key-readers.ts), once: after a change, of which it is told, it must read again to
 * be told again. Clients in broadcast mode are told at the tick's end of all changes of keys that have their prefixes. Changes are told here by the
 * keyspace for values (blocking/key-changes.ts), by commands for streams, and by a stream's log for what other protocols do to
 * a stream that somebody has read.
 *
 * Not here: the commands (client-tracking.ts). Invariants: while no client tracks keys, nothing is remembered, and a change or a command
 * costs one test of `clientCount`; what is remembered is bounded, and a client is told of what is forgotten.
 */
import type { Broker } from "../../../broker/broker.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogWaiter } from "../../../broker/queue/readers.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { ClientConnection } from "../core/client-connection.ts";
import { findKeys } from "../core/command-keys.ts";
import type { CommandContext } from "../core/context.ts";
import { pushTo } from "../core/push.ts";
import { brokenRedirect, invalidationOf } from "./invalidation.ts";
import { KeyReaders } from "./key-readers.ts";
import { PrefixTable, type TrackedPrefix } from "./prefix-table.ts";
import { TrackedClient } from "./tracked-client.ts";

const unitsOfMessage = 0.1;
/** Keys that one command forgets at most to make room for what it reads. */
const forgottenAtOnceMax = 100;
const unitsOfEviction = 0.5;
/** Longer keys are written into a buffer of their own to be looked up. */
const scratch = Buffer.allocUnsafeSlow(4096);

interface TrackingServer {
  readonly broker: Broker;
  readonly sessions: ReadonlyMap<number, ClientConnection>;
  readonly settings: { readonly trackingKeysMax: number; readonly subscriberOutputBytesMax: number };
}

export interface TrackingOptions {
  readonly redirect: number;
  readonly isBroadcast: boolean;
  readonly isOptIn: boolean;
  readonly isOptOut: boolean;
  readonly isNoLoop: boolean;
  readonly prefixes: readonly string[];
}

export class Tracking implements LogWaiter {
  readonly #server: TrackingServer;
  readonly readers: KeyReaders;
  readonly prefixes = new PrefixTable();
  /** Clients that have turned it on. */
  clientCount = 0;
  /** Whose command is at work; null for nobody's who tracks keys. */
  #current: TrackedClient | null = null;
  /** Its command is one of a script's. To clients in broadcast mode that is nobody's, as in redis: they hear of it whatever NOLOOP says. */
  isInScript = false;
  readonly #ids: number[] = [];
  #isTickEndAsked = false;
  #isForgetting = false;

  constructor(server: TrackingServer, seed: number) {
    this.#server = server;
    this.readers = new KeyReaders(seed);
  }

  // Clients

  turnOn(client: ClientConnection, options: TrackingOptions): void {
    let tracked = client.tracked;
    if (tracked === null) {
      client.tracked = tracked = new TrackedClient(client);
      this.clientCount++;
    }
    tracked.redirect = options.redirect;
    tracked.isRedirectBroken = false;
    tracked.isBroadcast = options.isBroadcast;
    tracked.isOptIn = options.isOptIn;
    tracked.isOptOut = options.isOptOut;
    tracked.isNoLoop = options.isNoLoop;
    if (!options.isBroadcast) return;
    if (options.prefixes.length === 0) this.prefixes.add("", tracked);
    for (const prefix of options.prefixes) this.prefixes.add(prefix, tracked);
  }

  turnOff(client: ClientConnection): void {
    const { tracked } = client;
    if (tracked === null) return;
    this.prefixes.removeAll(tracked);
    client.tracked = null;
    this.clientCount--;
    if (this.#current === tracked) this.#current = null;
    // Nobody is left who could be told.
    if (this.clientCount === 0) this.readers.clear();
  }

  // Commands

  /** From here on a command of that client is at work, if it tracks keys. Returns whose was until now: it is at work again afterwards. */
  enter(tracked: TrackedClient | null): TrackedClient | null {
    const before = this.#current;
    this.#current = tracked;
    return before;
  }

  /**
   * A command is over, in whichever turn that is: its client is told of what it has changed itself. `isAboutClient`: it was CLIENT CACHING or
   * the like.
   */
  ended({ tracked, transaction }: ClientConnection, isAboutClient: boolean): void {
    if (tracked === null) return;
    tracked.isAtWork = false;
    if (tracked.pending.length > 0) this.#tellPending(tracked);
    if (transaction === null && !isAboutClient) tracked.isCachingGiven = false;
  }

  /** Keys were evicted to make room for the client's command: it is told before the reply, which may be about the same keys. */
  evicted(client: ClientConnection): void {
    const { tracked } = client;
    if (tracked === null || tracked.pending.length === 0) return;
    this.#tellPending(tracked);
    client.pushesFirst();
  }

  #tellPending(tracked: TrackedClient): void {
    for (const key of tracked.pending.splice(0)) this.#send(tracked, key === null ? null : [key], 1);
  }

  /** The client has read the keys of the command in `context`, which only reads. */
  remember(context: CommandContext): void {
    const tracked = context.clientOrNull === null ? this.#current : context.clientOrNull.tracked;
    if (tracked === null || !tracked.remembersKeys) return;
    const { spec, request } = context;
    const { buffer, starts, ends } = request;
    for (const { index } of findKeys(spec, request) ?? []) {
      const start = starts[index]!;
      const end = ends[index]!;
      if (end - start > limits.trackedKeyBytesMax) {
        this.#sendOrWait(tracked, buffer.latin1Slice(start, end));
        continue;
      }
      this.readers.add(buffer, start, end, tracked.client.id);
      this.#watchStream(context, index);
    }
    this.#makeRoom();
  }

  /** A command that was answered later is over: its keys may have changed, and have been forgotten, since it came. */
  readUntilNow(context: CommandContext): void {
    if (this.clientCount > 0 && context.spec.readsKeys) this.remember(context);
  }

  /** Other protocols may change a stream without a word to the commands of this one. */
  #watchStream({ vhost, request }: CommandContext, index: number): void {
    if (!vhost.names.mayHave(request.buffer, request.starts[index]!, request.ends[index]!)) return;
    vhost.findQueue(request.latin1(index))?.waiters.add(this);
  }

  logChanged(queue: Queue): void {
    queue.waiters.delete(this);
    this.#tellReaders(queue.name, this.#current);
  }

  // Changes

  /** The key has, or had until now, a value that has changed. `isUnasked`: it is gone, and nobody's command has asked for that. */
  keyChanged(key: string, isUnasked = false): void {
    const by = isUnasked ? null : this.#current;
    if (this.prefixes.size > 0) this.#changedOf(key, this.isInScript ? null : by);
    this.#tellReaders(key, by);
  }

  #tellReaders(key: string, by: TrackedClient | null): void {
    if (this.readers.count === 0) return;
    const ids = this.#ids;
    const bytes = key.length <= scratch.length ? scratch : Buffer.from(key, "latin1");
    if (bytes === scratch) scratch.latin1Write(key, 0);
    ids.length = 0;
    this.readers.take(bytes, 0, key.length, ids);
    this.#tell(ids, key, by);
  }

  /** `by` need not hear of it where it asked for that; null: nobody's command has done it. */
  #tell(ids: readonly number[], key: string, by: TrackedClient | null): void {
    for (const id of ids) {
      const tracked = this.#server.sessions.get(id)?.tracked;
      if (tracked === undefined || tracked === null || tracked.isBroadcast) continue;
      if (tracked.isNoLoop && tracked === by) continue;
      this.#sendOrWait(tracked, key);
    }
  }

  /** A client's own reply comes first. */
  #sendOrWait(tracked: TrackedClient, key: string | null): void {
    if (tracked !== this.#current) return this.#send(tracked, key === null ? null : [key], 1);
    this.#keepPending(tracked, key);
  }

  #keepPending(tracked: TrackedClient, key: string | null): void {
    tracked.pending.push(key);
    if (tracked.pending.length >= limits.trackingKeysAtOnceMax) this.#tellPending(tracked);
  }

  /** All keys of a database, or of all, are gone: everybody is told, whatever they have read. */
  flushed(): void {
    if (this.clientCount === 0) return;
    for (const { tracked } of this.#server.sessions.values()) {
      if (tracked !== null) this.#sendOrWait(tracked, null);
    }
    this.readers.clear();
  }

  // Bounds

  get #isOver(): boolean {
    const { count, items, usedBytes } = this.readers;
    const most = this.#server.settings.trackingKeysMax;
    return (
      (most > 0 && count > most) || items > limits.trackingItemsMax || usedBytes > limits.trackingBytesMax
    );
  }

  /** Forgets keys by chance, whose readers are told as of a change. */
  #makeRoom(): void {
    // A command adds few. After the bound was lowered the rest is left to a job (`boundChanged`).
    for (let left = forgottenAtOnceMax; left > 0 && this.#isOver && this.readers.count > 0; left--) {
      this.#forgetOne();
    }
    if (this.#isOver) this.boundChanged();
  }

  #forgetOne(): void {
    const { broker } = this.#server;
    this.#ids.length = 0;
    const key = this.readers.takeAny(broker.random, this.#ids);
    this.#tell(this.#ids, key, null);
    broker.work.spend(1);
  }

  /** The bound was lowered, maybe by far. */
  boundChanged(): void {
    if (!this.#isOver || this.#isForgetting) return;
    this.#isForgetting = true;
    this.#server.broker.work.run(this.#forgetting(), () => (this.#isForgetting = false));
  }

  *#forgetting(): Job<void> {
    while (this.#isOver && this.readers.count > 0) {
      this.#forgetOne();
      yield unitsOfEviction;
    }
  }

  // Broadcast

  #changedOf(key: string, by: TrackedClient | null): void {
    const most = this.prefixes.keyChanged(key, by);
    if (most === 0) return;
    if (most >= limits.trackingKeysAtOnceMax) return this.#broadcast();
    if (this.#isTickEndAsked) return;
    this.#isTickEndAsked = true;
    this.#server.broker.timers.atTickEnd(() => {
      this.#isTickEndAsked = false;
      this.#broadcast();
    });
  }

  #broadcast(): void {
    for (const prefix of this.prefixes.takeChanged()) {
      for (const tracked of prefix.clients) this.#sendChanged(tracked, prefix);
      prefix.changed.clear();
    }
  }

  #sendChanged(tracked: TrackedClient, { changed }: TrackedPrefix): void {
    const keys: string[] = [];
    for (const [key, by] of changed) if (!tracked.isNoLoop || by !== tracked) keys.push(key);
    if (keys.length === 0) return;
    if (tracked.isAtWork) for (const key of keys) this.#keepPending(tracked, key);
    else this.#send(tracked, keys.toSorted(), keys.length);
  }

  // Messages

  #send(tracked: TrackedClient, keys: readonly string[] | null, count: number): void {
    const { sessions, broker, settings } = this.#server;
    const bytesMax = settings.subscriberOutputBytesMax;
    broker.work.spend(Math.ceil(unitsOfMessage * count));
    const { client, redirect } = tracked;
    const own = client.context.reply.version;
    let target: TrackedClient["client"] = client;
    if (redirect !== 0) {
      const found = sessions.get(redirect);
      if (found === undefined) {
        tracked.isRedirectBroken = true;
        if (own === 3) pushTo(client, brokenRedirect(redirect), bytesMax);
        return;
      }
      target = found;
    }
    const { version } = target.context.reply;
    // In RESP2 only who listens to channels can be told of anything, on behalf of another.
    if (version === 2 && (redirect === 0 || !target.isSubscriber)) return;
    pushTo(target, invalidationOf(version, keys, count, own), bytesMax);
  }
}
