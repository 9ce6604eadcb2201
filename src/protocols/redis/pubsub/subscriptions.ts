/**
 * What one connection is subscribed to, and how messages reach it.
 *
 * Not here: who publishes, the bytes of a message (live-messages.ts). Invariant: each name in a set is registered with
 * its `LiveChannels` under this subscriber. A subscriber that does not read is disconnected once its output passes
 * `subscriberOutputBytesMax`: live messages are not kept for anybody.
 */
import { compileGlob } from "../../../base/patterns/glob.ts";
import { limits } from "../../../base/limits.ts";
import { finishNow, type Job, type TurnWork } from "../../../base/turn-work.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import { mayUseChannel, mayUseShardChannel } from "../../../broker/access/rights.ts";
import type { LiveChannels, LiveSubscriber } from "../../../broker/live/channels.ts";
import { partsOf } from "../../../broker/live/history/channel-history.ts";
import type { LiveHistories } from "../../../broker/live/history/live-histories.ts";
import type { LogReader } from "../../../storage/logs.ts";
import { RedisError } from "../core/errors.ts";
import { pushTo } from "../core/push.ts";
import { encodeMessage } from "./identified-message.ts";
import type { LiveMessages } from "./live-messages.ts";
import { PastMessages, type PastReader } from "./past-messages.ts";
import type { RespVersion } from "../wire/reply-writer.ts";
import type { Connection } from "../../contract.ts";
import type { CommandSpec } from "../core/command-spec.ts";

/** The connection that is subscribed. */
interface Subscriber {
  readonly login: Authorization | null;
  readonly user: string;
  /** The name that the connection has given itself, or nothing. */
  readonly name: string;
  readonly host: string;
  readonly connection: Connection;
  /** Bytes for this connection that have not left. */
  readonly unsentBytes: number;
  readonly protocolVersion: RespVersion;
  /** Sends bytes outside of replies. */
  push(bytes: Buffer, length: number): void;
}

/** What a subscriber is registered with, and where long work runs. */
interface Channels {
  readonly live: LiveChannels;
  readonly liveMessages: LiveMessages;
  /** Of channels that keep their messages; null: none does. */
  readonly histories: LiveHistories | null;
  readonly shardLive: LiveChannels;
  readonly shardMessages: LiveMessages;
  readonly broker: { readonly work: TurnWork };
  /** CONFIG's `client-output-buffer-limit` of class pubsub. */
  readonly settings: { readonly subscriberOutputBytesMax: number };
}

/** One of a connection's two subscribers: ordinary channels and patterns, or shard channels. */
class ChannelSubscriber implements LiveSubscriber {
  readonly #subscriber: Subscriber;
  readonly #messages: LiveMessages;
  readonly #settings: Channels["settings"];

  constructor(subscriber: Subscriber, messages: LiveMessages, settings: Channels["settings"]) {
    this.#subscriber = subscriber;
    this.#messages = messages;
    this.#settings = settings;
  }

  liveMessage(channel: Buffer, pattern: Buffer | null, bytes: Buffer, start: number, end: number): void {
    const subscriber = this.#subscriber;
    const message = this.#messages.encode(subscriber.protocolVersion, channel, pattern, bytes, start, end);
    pushTo(subscriber, message, this.#settings.subscriberOutputBytesMax);
  }
}

/** The third: channels of which the client wants to know the ids of messages. */
class IdentifyingSubscriber implements LiveSubscriber {
  readonly #subscriber: Subscriber;
  readonly #histories: Channels;
  readonly #settings: Channels["settings"];

  constructor(subscriber: Subscriber, channels: Channels) {
    this.#subscriber = subscriber;
    this.#histories = channels;
    this.#settings = channels.settings;
  }

  liveMessage(channel: Buffer, _pattern: Buffer | null, bytes: Buffer, start: number, end: number): void {
    const id = this.#histories.histories?.keptIn?.lastId ?? null;
    const subscriber = this.#subscriber;
    const version = subscriber.protocolVersion;
    const message = encodeMessage({ version, channel, bytes, start, end, id });
    pushTo(subscriber, message, this.#settings.subscriberOutputBytesMax);
  }
}

export class Subscriptions implements PastReader {
  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();
  #patternBytes = 0;
  readonly #owner: Subscriber;
  readonly #work: TurnWork;
  readonly #live: LiveChannels;
  readonly #shardLive: LiveChannels;
  readonly #subscriber: ChannelSubscriber;
  readonly #shardSubscriber: ChannelSubscriber;
  readonly #server: Channels;
  /** Null: no channel of it has had a history. */
  past: PastMessages | null = null;
  /** Channels that it hears with ids, and by whom; null: none. */
  #identified: { readonly channels: Set<string>; readonly subscriber: IdentifyingSubscriber } | null = null;

  constructor(owner: Subscriber, server: Channels) {
    this.#owner = owner;
    this.#server = server;
    this.#work = server.broker.work;
    this.#live = server.live;
    this.#shardLive = server.shardLive;
    this.#subscriber = new ChannelSubscriber(owner, server.liveMessages, server.settings);
    this.#shardSubscriber = new ChannelSubscriber(owner, server.shardMessages, server.settings);
  }

  get count(): number {
    return this.channels.size + this.patterns.size + this.shardChannels.size;
  }

  /** Whether each of them is still allowed, by the user's own rules or any selector. */
  areAllowed(): boolean {
    const { login, host } = this.#owner;
    const selectors = [login, ...(login?.selectors ?? [])];
    const isAllowed = (mayUse: typeof mayUseChannel, name: string, isPattern: boolean): boolean =>
      selectors.some((authorization) => mayUse({ authorization, host }, "subscribe", name, isPattern));
    return (
      [...this.channels].every((name) => isAllowed(mayUseChannel, name, false)) &&
      [...this.patterns].every((name) => isAllowed(mayUseChannel, name, true)) &&
      [...this.shardChannels].every((name) => isAllowed(mayUseShardChannel, name, false))
    );
  }

  /** The number that a confirmation of SUBSCRIBE and PSUBSCRIBE bears. */
  get plainCount(): number {
    return this.channels.size + this.patterns.size;
  }

  /** Throws where a RESP2 connection that is subscribed may not run the command. */
  assertAllowed(spec: CommandSpec): void {
    if (this.#owner.protocolVersion === 3 || this.count === 0 || spec.forSubscribers !== undefined) return;
    throw new RedisError(
      `ERR Can't execute '${spec.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET ` +
        "are allowed in this context",
    );
  }

  subscribe(channel: string): void {
    if (
      this.#server.histories !== null &&
      !this.channels.has(channel) &&
      this.#ensurePast()?.subscribed(channel)
    ) {
      this.channels.add(channel);
      return;
    }
    this.channels.add(channel);
    if (this.past?.isWalking(channel) !== true) this.goesLive(channel);
  }

  #ensurePast(): PastMessages | null {
    const { histories } = this.#server;
    if (histories !== null) this.past ??= new PastMessages(histories, this, this.#work);
    return this.past;
  }

  /** The next subscription to each of the channels begins at that offset of its history. */
  askFor(offsets: ReadonlyMap<string, number>): void {
    this.#ensurePast()?.ask(offsets);
  }

  /** Messages of the channel come with their ids. */
  identify(channel: string): void {
    this.#identified ??= {
      channels: new Set(),
      subscriber: new IdentifyingSubscriber(this.#owner, this.#server),
    };
    this.#identified.channels.add(channel);
  }

  #subscriberOf(channel: string): LiveSubscriber {
    const identified = this.#identified;
    return identified !== null && identified.channels.has(channel) ? identified.subscriber : this.#subscriber;
  }

  unsubscribe(channel: string): void {
    if (!this.channels.delete(channel)) return;
    this.#live.unsubscribe(channel, this.#subscriberOf(channel));
    this.#identified?.channels.delete(channel);
    this.past?.unsubscribed(channel);
  }

  // PastReader

  get user(): string {
    return this.#owner.user;
  }

  get name(): string {
    return this.#owner.name;
  }

  get unsentBytes(): number {
    return this.#owner.unsentBytes;
  }

  goesLive(channel: string): void {
    this.#live.subscribe(channel, this.#subscriberOf(channel));
  }

  disconnect(): void {
    this.#owner.connection.destroy();
  }

  tell(channel: string, reader: LogReader): void {
    const { buffer, id } = reader;
    const { channelStart, channelEnd, start, end } = partsOf(reader);
    const owner = this.#owner;
    const message = encodeMessage({
      version: owner.protocolVersion,
      channel: buffer.subarray(channelStart, channelEnd),
      bytes: buffer,
      start,
      end,
      id: this.#identified?.channels.has(channel) === true ? id : null,
    });
    // The walk through the past stops where the client does not read (`unsentBytes`).
    owner.push(message.buffer, message.length);
  }

  /** Throws where these would be more than one connection may listen to, or one of them cannot be listened to. */
  assertRoomForPatterns(names: readonly string[]): void {
    const added = new Set(names.filter((name) => !this.patterns.has(name)));
    let bytes = this.#patternBytes;
    for (const name of added) bytes += name.length;
    if (
      this.patterns.size + added.size > limits.connectionPatternsMax ||
      bytes > limits.connectionPatternBytesMax
    ) {
      throw new RedisError(
        `ERR one connection may listen to ${limits.connectionPatternsMax} patterns of ${limits.connectionPatternBytesMax} ` +
          "bytes in all; use fewer and wider ones, or another connection",
      );
    }
    // None that is shorter is ever refused.
    for (const name of added) {
      if (name.length > limits.globWildStepsMax) compileGlob(Buffer.from(name, "latin1"));
    }
  }

  subscribePattern(pattern: string): void {
    if (!this.patterns.has(pattern)) this.#patternBytes += pattern.length;
    this.patterns.add(pattern);
    this.#live.subscribePattern(pattern, this.#subscriber);
  }

  unsubscribePattern(pattern: string): void {
    if (!this.patterns.delete(pattern)) return;
    this.#patternBytes -= pattern.length;
    this.#live.unsubscribePattern(pattern, this.#subscriber);
  }

  subscribeShard(channel: string): void {
    this.shardChannels.add(channel);
    this.#shardLive.subscribe(channel, this.#shardSubscriber);
  }

  unsubscribeShard(channel: string): void {
    if (this.shardChannels.delete(channel)) this.#shardLive.unsubscribe(channel, this.#shardSubscriber);
  }

  unsubscribeAll(): void {
    finishNow(this.#unsubscribing());
  }

  /** The connection is gone: what it listened to goes in slices, and gets no message meanwhile. */
  closed(): void {
    this.past?.closed();
    this.past = null;
    this.#work.run(this.#unsubscribing(), () => {});
  }

  *#unsubscribing(): Job<void> {
    for (const channel of this.channels) {
      this.unsubscribe(channel);
      yield 1;
    }
    for (const pattern of this.patterns) {
      this.unsubscribePattern(pattern);
      yield 1;
    }
    for (const channel of this.shardChannels) {
      this.unsubscribeShard(channel);
      yield 1;
    }
  }
}
