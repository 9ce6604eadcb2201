/**
 * Subscribers without a log: Redis Pub/Sub, by exact channel and by glob pattern.
 *
 * A channel is a routing key of the exchange `amq.topic`, so whoever publishes there reaches the subscribers, and a
 * PUBLISH reaches the queues bound there. Channels are latin1 strings of their bytes.
 */
import { compileGlob, type Glob } from "../base/glob.ts";
import type { Vhost } from "./vhost.ts";

export interface LiveSubscriber {
  /** A message on a channel; `pattern` is null for an exact subscription. Copies `bytes[start, end)` at once. */
  liveMessage(channel: Buffer, pattern: Buffer | null, bytes: Buffer, start: number, end: number): void;
}

interface PatternEntry {
  readonly glob: Glob;
  readonly bytes: Buffer;
  readonly subscribers: Set<LiveSubscriber>;
}

export const liveExchangeName = "amq.topic";

export class LiveChannels {
  readonly vhost: Vhost;
  readonly channels = new Map<string, Set<LiveSubscriber>>();
  readonly patterns = new Map<string, PatternEntry>();
  /** Which message is being handed out: subscribers that need the same bytes make them once for each number. */
  publication = 0;

  constructor(vhost: Vhost) {
    this.vhost = vhost;
  }

  get isEmpty(): boolean {
    return this.channels.size === 0 && this.patterns.size === 0;
  }

  subscribe(channel: string, subscriber: LiveSubscriber): void {
    let subscribers = this.channels.get(channel);
    if (subscribers === undefined) this.channels.set(channel, (subscribers = new Set()));
    subscribers.add(subscriber);
  }

  unsubscribe(channel: string, subscriber: LiveSubscriber): void {
    const subscribers = this.channels.get(channel);
    if (subscribers !== undefined && subscribers.delete(subscriber) && subscribers.size === 0) {
      this.channels.delete(channel);
    }
  }

  subscribePattern(pattern: string, subscriber: LiveSubscriber): void {
    let entry = this.patterns.get(pattern);
    if (entry === undefined) {
      const bytes = Buffer.from(pattern, "latin1");
      this.patterns.set(pattern, (entry = { glob: compileGlob(bytes), bytes, subscribers: new Set() }));
    }
    entry.subscribers.add(subscriber);
  }

  unsubscribePattern(pattern: string, subscriber: LiveSubscriber): void {
    const entry = this.patterns.get(pattern);
    if (entry !== undefined && entry.subscribers.delete(subscriber) && entry.subscribers.size === 0) {
      this.patterns.delete(pattern);
    }
  }

  /** Hands `bytes[start, end)` to everyone who listens; returns how many did. A subscriber counts once a match. */
  publish(channel: Buffer, bytes: Buffer, start: number, end: number): number {
    if (this.isEmpty) return 0;
    this.publication++;
    let count = 0;
    const exact = this.channels.get(channel.latin1Slice(0, channel.length));
    if (exact !== undefined) {
      for (const subscriber of exact) subscriber.liveMessage(channel, null, bytes, start, end);
      count += exact.size;
    }
    for (const { glob, bytes: pattern, subscribers } of this.patterns.values()) {
      if (!glob.matches(channel, 0, channel.length)) continue;
      for (const subscriber of subscribers) subscriber.liveMessage(channel, pattern, bytes, start, end);
      count += subscribers.size;
    }
    return count;
  }
}
