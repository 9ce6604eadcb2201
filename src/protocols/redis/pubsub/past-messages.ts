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

const nothingUnsent: ReadonlyMap<string, number> = new Map();

interface Listening {
  readonly history: ChannelHistory;
  /** Under which it is remembered; null: the connection had no name. */
  readonly reader: ReaderName | null;
  /** From this offset on the channel's messages have been told; of a channel that is walked for its walk knows. */
  since: number;
}

export class PastMessages implements CatchUpTarget {
  readonly #histories: LiveHistories;
  readonly #reader: PastReader;
  readonly #work: TurnWork;
  /** Where the next subscription to a channel begins. */
  readonly #asked = new Map<string, number>();
  readonly #walks = new Set<CatchUp>();
  /** Those of a walk that has begun or is gathered. */
  readonly #walkOf = new Map<string, CatchUp>();
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
    const { log } = history;
    const since = log.nextOffset + log.store.openCountOf(log);
    this.#listening.set(channel, { history, reader, since });
    const stopped = reader === null ? null : this.#histories.readers.came(history, reader, channel);
    const asked = this.#asked.get(channel);
    this.#asked.delete(channel);
    const from = asked === undefined ? stopped : { offset: asked, unsent: 0, among: nothingUnsent };
    if (from === null) return false;
    let walk = this.#gathered.get(history);
    if (walk === undefined) this.#gathered.set(history, (walk = new CatchUp(history, this, this.#work)));
    walk.from.set(channel, from);
    this.#walkOf.set(channel, walk);
    return true;
  }

  /** The channel is caught up, or will be. */
  isWalking(channel: string): boolean {
    return this.#walkOf.has(channel);
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
    const walk = this.#walkOf.get(channel);
    if (walk === undefined) return;
    this.#walkOf.delete(channel);
    walk.from.delete(channel);
    if (walk.from.size > 0) return;
    walk.stop();
    this.#walks.delete(walk);
    if (this.#gathered.get(walk.history) === walk) this.#gathered.delete(walk.history);
  }

  /** The connection is gone: notes where each of its channels stands. */
  closed(): void {
    const live = this.#liveChannels();
    const stands = new Map<ChannelHistory | CatchUp, CatchUpFrom>();
    for (const [channel, { history, reader }] of this.#listening) {
      // The rule of its channels was taken away, and all that was known of its readers with it.
      if (reader === null || history.queue.isDeleted) continue;
      const walk = this.#walkOf.get(channel);
      const from = walk?.from.get(channel);
      // A walk that has not come to the channel's first message has told none of them.
      if (from !== undefined && from.offset >= walk!.position) {
        this.#histories.readers.went(history, reader, channel, from);
        continue;
      }
      const kind = walk ?? history;
      let stand = stands.get(kind);
      if (stand === undefined) stands.set(kind, (stand = this.#standOf(kind, live.get(history))));
      this.#histories.readers.went(history, reader, channel, stand);
    }
    for (const walk of this.#walks) walk.stop();
    this.#walks.clear();
    this.#walkOf.clear();
    this.#gathered.clear();
    this.#listening.clear();
  }

  /** The channels of each history that are caught up, and since when. */
  #liveChannels(): Map<ChannelHistory, Map<string, number>> {
    const live = new Map<ChannelHistory, Map<string, number>>();
    for (const [channel, { history, since }] of this.#listening) {
      if (this.#walkOf.has(channel)) continue;
      const known = live.get(history);
      if (known === undefined) live.set(history, new Map([[channel, since]]));
      else known.set(channel, since);
    }
    return live;
  }

  /** Where the channels of one walk stand, or those that are live. */
  #standOf(kind: ChannelHistory | CatchUp, live: ReadonlyMap<string, number> = nothingUnsent): CatchUpFrom {
    const unsent = Math.max(this.#reader.unsentBytes, 0);
    if (!(kind instanceof CatchUp)) return { offset: kind.seal(), unsent, among: live };
    const among = new Map<string, number>();
    for (const [channel, { offset }] of kind.from) if (offset < kind.position) among.set(channel, offset);
    return { offset: kind.position, unsent, among };
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
      this.#walkOf.delete(channel);
      this.#reader.goesLive(channel);
      const listening = this.#listening.get(channel);
      if (listening === undefined) continue;
      const { history, reader } = listening;
      listening.since = walk.from.get(channel)!.offset;
      if (reader !== null) this.#histories.readers.live(history, reader, channel);
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
