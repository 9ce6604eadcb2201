/**
 * What one connection gets of the past of its channels: walks through their histories, and where it stopped when it goes.
 *
 * A channel is caught up when a client subscribes to it that said from where (TROIKA.CATCHUP, TROIKA.SUBSCRIBE), or that has a name
 * (CLIENT SETNAME) under which its user has listened before. Until the walk is at the end the channel is among the connection's
 * channels, but not with `LiveChannels`. Not here: the walk (broker/live/history/catch-up.ts).
 * Invariant: a channel is walked for or live, never both.
 */
import { RedisError } from "../core/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { TurnWork } from "../../../base/turn-work.ts";
import { CatchUp, type CatchUpFrom, type CatchUpTarget } from "../../../broker/live/history/catch-up.ts";
import type { ChannelHistory } from "../../../broker/live/history/channel-history.ts";
import type { LiveHistories } from "../../../broker/live/history/live-histories.ts";
import type { ReaderName } from "../../../broker/live/history/named-readers.ts";
import type { LogReader } from "../../../storage/logs.ts";
import { decimalSize } from "../wire/reply-writer.ts";

/** The connection, as its subscriptions know it. */
export interface PastReader {
  readonly user: string;
  readonly name: string;
  readonly unsentBytes: number;
  /** Writes a message to the client. */
  tell(channel: string, reader: LogReader): void;
  /** The channel is caught up: from now on its messages come live. */
  goesLive(channel: string): void;
  /** Ends the connection: a client that hears of nothing would wait without end. */
  disconnect(): void;
}

const nothingUnsent: ReadonlySet<string> = new Set();

interface Listening {
  readonly history: ChannelHistory;
  /** Under which it is remembered; null: the connection had no name. */
  readonly reader: ReaderName | null;
}

export class PastMessages implements CatchUpTarget {
  readonly #histories: LiveHistories;
  readonly #reader: PastReader;
  readonly #work: TurnWork;
  /** Where the next subscription to a channel begins. */
  readonly #asked = new Map<string, number>();
  readonly #walks = new Set<CatchUp>();
  /** Of the command at work: begun when all of its channels are known. */
  readonly #gathered = new Map<ChannelHistory, CatchUp>();
  /** The connection's channels that have a history. */
  readonly #listening = new Map<string, Listening>();

  constructor(histories: LiveHistories, reader: PastReader, work: TurnWork) {
    this.#histories = histories;
    this.#reader = reader;
    this.#work = work;
  }

  /** The next subscription to each of the channels begins at that offset of its history. Where it throws none does. */
  ask(offsets: ReadonlyMap<string, number>): void {
    let count = this.#asked.size;
    for (const channel of offsets.keys()) if (!this.#asked.has(channel)) count++;
    if (count > limits.pastChannelsMax) {
      throw new RedisError(
        `ERR this connection has asked for the past of ${limits.pastChannelsMax} channels that it does not listen to; subscribe first`,
      );
    }
    for (const [channel, offset] of offsets) this.#asked.set(channel, offset);
  }

  get askedCount(): number {
    return this.#asked.size;
  }

  /** The connection subscribes to a channel. Says whether it is caught up first, by a walk that `begin` begins. */
  subscribed(channel: string): boolean {
    const history = this.#histories.historyOf(channel);
    if (history === null || history.queue.isDeleted) return false;
    const { user, name } = this.#reader;
    const reader = name === "" ? null : { user, name };
    this.#listening.set(channel, { history, reader });
    const stopped = reader === null ? null : this.#histories.readers.came(history, reader, channel);
    const asked = this.#asked.get(channel);
    this.#asked.delete(channel);
    const from = asked === undefined ? stopped : { offset: asked, unsent: 0, among: nothingUnsent };
    if (from === null) return false;
    let walk = this.#gathered.get(history);
    if (walk === undefined) this.#gathered.set(history, (walk = new CatchUp(history, this, this.#work)));
    walk.from.set(channel, from);
    return true;
  }

  /** The channel is caught up, or will be. */
  isWalking(channel: string): boolean {
    return this.#walkOf(channel) !== null;
  }

  #walkOf(channel: string): CatchUp | null {
    for (const walk of this.#walks) if (walk.from.has(channel)) return walk;
    for (const walk of this.#gathered.values()) if (walk.from.has(channel)) return walk;
    return null;
  }

  /** The command's channels are known. */
  begin(): void {
    for (const walk of this.#gathered.values()) {
      this.#walks.add(walk);
      walk.resume();
    }
    this.#gathered.clear();
  }

  /** The client has read enough. */
  resume(): void {
    for (const walk of this.#walks) walk.resume();
  }

  /** The client does not want the channel any more. */
  unsubscribed(channel: string): void {
    const listening = this.#listening.get(channel);
    if (listening === undefined) return;
    this.#listening.delete(channel);
    const { history, reader } = listening;
    if (reader !== null && !history.queue.isDeleted) this.#histories.readers.left(history, reader, channel);
    this.#leaveWalk(channel);
  }

  #leaveWalk(channel: string): void {
    for (const [history, walk] of this.#gathered)
      if (walk.from.delete(channel) && walk.from.size === 0) this.#gathered.delete(history);
    for (const walk of this.#walks) {
      if (!walk.from.delete(channel) || walk.from.size > 0) continue;
      walk.stop();
      this.#walks.delete(walk);
    }
  }

  /** The connection is gone: notes where each of its channels stands. */
  closed(): void {
    const unsent = Math.max(this.#reader.unsentBytes, 0);
    const channels = new Map<ChannelHistory, Set<string>>();
    for (const [channel, { history }] of this.#listening) {
      const known = channels.get(history);
      if (known === undefined) channels.set(history, new Set([channel]));
      else known.add(channel);
    }
    for (const [channel, { history, reader }] of this.#listening) {
      // The rule of its channels was taken away, and all that was known of its readers with it.
      if (reader === null || history.queue.isDeleted) continue;
      const position = { offset: history.seal(), unsent, among: channels.get(history)! };
      this.#histories.readers.went(history, reader, channel, this.#inWalk(channel) ?? position);
    }
    for (const walk of this.#walks) walk.stop();
    this.#walks.clear();
    this.#gathered.clear();
    this.#listening.clear();
  }

  /** Where a channel stands that is not live yet. */
  #inWalk(channel: string): CatchUpFrom | null {
    const walk = this.#walkOf(channel);
    if (walk === null) return null;
    const from = walk.from.get(channel)!;
    if (walk.position < 0) return from;
    const unsent = Math.max(this.#reader.unsentBytes, 0);
    return { offset: Math.max(walk.position, from.offset), unsent, among: new Set(walk.from.keys()) };
  }

  // CatchUpTarget

  get isFull(): boolean {
    return this.#reader.unsentBytes > limits.outputHighWaterBytes;
  }

  missed(channel: string, reader: LogReader): void {
    this.#reader.tell(channel, reader);
  }

  /** `*3 message channel bytes` */
  sizeOf(channelBytes: number, messageBytes: number): number {
    return 17 + bulkSize(channelBytes) + bulkSize(messageBytes);
  }

  caughtUp(walk: CatchUp, channels: Iterable<string>): void {
    this.#walks.delete(walk);
    for (const channel of channels) {
      this.#reader.goesLive(channel);
      const { history, reader = null } = this.#listening.get(channel) ?? {};
      if (reader !== null) this.#histories.readers.live(history!, reader, channel);
    }
  }

  /** The walk stays: when the connection is gone, it says where its channels stand. */
  failed(): void {
    this.#reader.disconnect();
  }
}

function bulkSize(bytes: number): number {
  return decimalSize(bytes) + 5 + bytes;
}
