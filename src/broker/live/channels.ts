/**
 * Subscribers without a log: Redis Pub/Sub, by exact channel and by glob pattern.
 *
 * A channel is a routing key of the exchange `amq.topic`, so whoever publishes there reaches the subscribers, and a
 * PUBLISH reaches the queues bound there. Channels are latin1 strings of their bytes; publishers name them by bytes, so
 * those published to lately are found by these, without a string for each message.
 * Invariant: an entry in `#recent` is one of `channels`.
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

interface ChannelEntry {
  readonly bytes: Buffer;
  readonly subscribers: Set<LiveSubscriber>;
}

export const liveExchangeName = "amq.topic";

/** A power of two. */
const recentChannels = 256;

/** A subscriber that hears a message, and a pattern that may have to be held against it, in units of turn-work.ts. */
const unitsOfSubscriber = 0.1;
const unitsOfLook = 0.01;

export class LiveChannels {
  /** Charged for what the subscribers of a message cost. */
  readonly #work: TurnWork;
  readonly channels = new Map<string, ChannelEntry>();
  readonly patterns = new LivePatterns<LiveSubscriber>();
  /** Of the message that is being handed out. */
  readonly #matching: LivePattern<LiveSubscriber>[] = [];
  /** Which message is being handed out: subscribers that need the same bytes make them once for each number. */
  publication = 0;
  /** By hash: what was published to last with it. */
  readonly #recent = Array.from<ChannelEntry | undefined>({ length: recentChannels });

  constructor(work: TurnWork) {
    this.#work = work;
  }

  get isEmpty(): boolean {
    return this.channels.size === 0 && this.patterns.size === 0;
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
   * Hands `bytes[start, end)` to everyone who listens to the channel named by `source[channelStart, channelEnd)`; returns
   * how many did. A subscriber counts once a match. A name above `channelBytesMax` is nobody's.
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

  /** Each costs the publisher's turn, however many messages come in one pipeline. */
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

/** From the length, the first and the last bytes: names that differ in the middle alone take turns in one slot. */
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
