/**
 * Subscribers without a log: Redis Pub/Sub, by exact channel and by glob pattern.
 *
 * A channel is a routing key of the exchange `amq.topic`: a message published there by any protocol reaches the subscribers, and
 * PUBLISH reaches the queues that are bound there. Channels are latin1 strings of their bytes. Publishers name them by bytes, so
 * channels of recent messages are looked up by their bytes, without a string for each message. Invariant: an entry in `#recent` is
 * one of `channels`.
 */
import { limits } from "../../base/limits.ts";
import type { TurnWork } from "../../base/turn-work.ts";
import { type LivePattern, LivePatterns } from "./patterns.ts";

export interface LiveSubscriber {
  /**
   * A message on a channel; `pattern` is null for an exact subscription. Copies `bytes[start, end)` at once. The same
   * `channel` object always holds the same bytes while there is an exact subscription to it.
   */
  liveMessage(channel: Buffer, pattern: Buffer | null, bytes: Buffer, start: number, end: number): void;
}

/** Is told of each message before its subscribers are: it keeps those of some channels. */
export interface MessageKeeper {
  keep(
    source: Buffer,
    channelStart: number,
    channelEnd: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
}

interface ChannelEntry {
  readonly bytes: Buffer;
  readonly subscribers: Set<LiveSubscriber>;
}

export const liveExchangeName = "amq.topic";

/** A power of two. */
const recentChannels = 256;

/** What delivering to a subscriber costs, and matching one pattern, in units of turn-work.ts. */
const unitsOfSubscriber = 0.1;
const unitsOfLook = 0.01;

export class LiveChannels {
  /** Charged for the subscribers of each message. */
  readonly #work: TurnWork;
  readonly channels = new Map<string, ChannelEntry>();
  readonly patterns = new LivePatterns<LiveSubscriber>();
  /** The patterns that match the message that is being delivered. */
  readonly #matching: LivePattern<LiveSubscriber>[] = [];
  /** The number of the message that is being delivered: subscribers that need the same bytes make them once for each number. */
  publication = 0;
  /** Keeps the messages of some channels; null: of none. */
  keeper: MessageKeeper | null = null;
  /** By hash: the channel of the last message with that hash. */
  readonly #recent = Array.from<ChannelEntry | undefined>({ length: recentChannels });

  constructor(work: TurnWork) {
    this.#work = work;
  }

  /** Nobody listens, and nothing is kept. */
  get isEmpty(): boolean {
    return this.channels.size === 0 && this.patterns.size === 0 && this.keeper === null;
  }

  subscribe(channel: string, subscriber: LiveSubscriber): void {
    let entry = this.channels.get(channel);
    if (entry === undefined) {
      entry = { bytes: Buffer.from(channel, "latin1"), subscribers: new Set() };
      this.channels.set(channel, entry);
    }
    entry.subscribers.add(subscriber);
  }

  unsubscribe(channel: string, subscriber: LiveSubscriber): void {
    const entry = this.channels.get(channel);
    if (entry === undefined || !entry.subscribers.delete(subscriber) || entry.subscribers.size > 0) return;
    this.channels.delete(channel);
    this.#recent[slotOf(entry.bytes, 0, entry.bytes.length)] = undefined;
  }

  /** Throws LIMIT for a pattern that is too long or too complex. */
  subscribePattern(pattern: string, subscriber: LiveSubscriber): void {
    this.patterns.add(pattern, subscriber);
  }

  unsubscribePattern(pattern: string, subscriber: LiveSubscriber): void {
    this.patterns.remove(pattern, subscriber);
  }

  /**
   * Delivers `bytes[start, end)` to all subscribers of the channel named by `source[channelStart, channelEnd)`; returns how many
   * there were, counting a subscriber once for each match. Nobody can subscribe to a name above `channelBytesMax`.
   */
  publish(
    source: Buffer,
    channelStart: number,
    channelEnd: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    if (this.isEmpty || channelEnd - channelStart > limits.channelBytesMax) return 0;
    this.publication++;
    if (this.keeper !== null) this.keeper.keep(source, channelStart, channelEnd, bytes, start, end);
    let count = 0;
    const exact = this.#find(source, channelStart, channelEnd);
    if (exact !== undefined) {
      for (const subscriber of exact.subscribers)
        subscriber.liveMessage(exact.bytes, null, bytes, start, end);
      count = exact.subscribers.size;
    }
    if (this.patterns.size === 0) return this.#heardBy(count);
    const channel = exact?.bytes ?? source.subarray(channelStart, channelEnd);
    const matching = this.#matching;
    this.patterns.collect(channel, matching);
    for (let i = 0; i < matching.length; i++) {
      const { bytes: pattern, subscribers } = matching[i]!;
      count += subscribers.size;
      for (const subscriber of subscribers) subscriber.liveMessage(channel, pattern, bytes, start, end);
    }
    matching.length = 0;
    return this.#heardBy(count);
  }

  /** Charges the publisher's turn for each delivery, however many messages come in one pipeline. */
  #heardBy(count: number): number {
    this.#work.spend(Math.ceil(unitsOfLook * this.patterns.size + unitsOfSubscriber * count));
    return count;
  }

  #find(source: Buffer, start: number, end: number): ChannelEntry | undefined {
    if (this.channels.size === 0) return undefined;
    const slot = slotOf(source, start, end);
    const recent = this.#recent[slot];
    if (recent !== undefined && isEqual(recent.bytes, source, start, end)) return recent;
    const found = this.channels.get(source.latin1Slice(start, end));
    if (found !== undefined) this.#recent[slot] = found;
    return found;
  }
}

/** A hash of the length, the first and the last bytes: names that differ only in the middle share a slot. */
function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = end - start;
  const head = Math.min(end, start + 8);
  for (let at = start; at < head; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  for (let at = Math.max(head, end - 16); at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return (hash ^ (hash >>> 15)) & (recentChannels - 1);
}

function isEqual(name: Buffer, source: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== source[start + i]) return false;
  return true;
}
