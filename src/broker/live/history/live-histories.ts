/**
 * The histories of live channels: which rules there are, and the log of each.
 *
 * The logs are streams of a virtual host that no client can name, so they are stored and restored as all streams are. Every message
 * that reaches live subscribers comes by here (channels.ts), whichever protocol published it. Not here: walking a history
 * (catch-up.ts). A log whose rule was there in an earlier run only is kept and takes nothing, until its rule is there again.
 * Invariants: a channel has one history, that of the first rule that it matches; a log is deleted only when its rule is taken away
 * in the same run, or moves between disk and memory.
 */
import type { Broker } from "../../broker.ts";
import { implicitStream } from "../../queue/lifecycle.ts";
import type { Vhost } from "../../vhost.ts";
import { ChannelHistory } from "./channel-history.ts";
import { NamedReaders } from "./named-readers.ts";
import type { HistoryRule } from "./rules.ts";

const vhostName = "\0live-history";

export class LiveHistories {
  readonly #broker: Broker;
  #all: ChannelHistory[] = [];
  readonly readers: NamedReaders;
  /** The history that has the message which is being published; null: none has. */
  keptIn: ChannelHistory | null = null;
  /** Messages that were not kept, since the disk took nothing. */
  notKept = 0;

  private constructor(broker: Broker) {
    this.#broker = broker;
    this.readers = new NamedReaders(broker.storage.definitions);
  }

  /** What earlier runs of the broker have left. */
  static restore(broker: Broker, rules: readonly HistoryRule[]): LiveHistories {
    const histories = new LiveHistories(broker);
    histories.configure(rules);
    histories.#tellOfOthers();
    return histories;
  }

  get all(): readonly ChannelHistory[] {
    return this.#all;
  }

  /** Replaces the rules. A pattern that stays keeps its messages, unless it moves between disk and memory. */
  configure(rules: readonly HistoryRule[]): void {
    const kept: ChannelHistory[] = [];
    for (const rule of rules) {
      const history = this.#all.find((each) => each.rule.pattern === rule.pattern);
      if (history !== undefined && history.rule.isDurable === rule.isDurable) {
        history.rule = rule;
        history.enforce();
        kept.push(history);
      }
    }
    for (const history of this.#all) if (!kept.includes(history)) this.#drop(history);
    const made = new Map<string, ChannelHistory>();
    this.#all = rules.map((rule) => {
      const found = kept.find((each) => each.rule === rule);
      if (found !== undefined) return found;
      const history = this.#make(rule);
      made.set(rule.pattern, history);
      return history;
    });
    if (made.size > 0) this.readers.restore(made);
  }

  #tellOfOthers(): void {
    for (const { name } of this.#vhost?.queues.values() ?? []) {
      if (this.#all.some(({ rule }) => rule.pattern === name)) continue;
      this.#broker.logger.warn(
        "a Pub/Sub history on the disk has no rule: it is kept; give its pattern a rule by --redis-pubsub-history or " +
          "CONFIG SET troika-pubsub-history to use it, and take the rule away by CONFIG SET to delete it",
        { pattern: Buffer.from(name, "latin1").toString() },
      );
    }
  }

  get #vhost(): Vhost | undefined {
    return this.#broker.vhost(vhostName);
  }

  #make(rule: HistoryRule): ChannelHistory {
    const vhost = this.#broker.createVhost(vhostName);
    const found = vhost.queues.get(rule.pattern);
    if (found !== undefined && found.durable !== rule.isDurable) vhost.deleteQueue(found);
    const queue = vhost.declareQueue({ ...implicitStream, name: rule.pattern, durable: rule.isDurable });
    const history = new ChannelHistory(rule, queue, this.#broker.clock);
    history.enforce();
    return history;
  }

  #drop({ queue, rule }: ChannelHistory): void {
    queue.vhost.deleteQueue(queue);
    this.readers.forgetPattern(rule.pattern);
  }

  /** The history of the channel named by `bytes[start, end)`. */
  find(bytes: Uint8Array, start: number, end: number): ChannelHistory | null {
    for (const history of this.#all) if (history.holds(bytes, start, end)) return history;
    return null;
  }

  historyOf(channel: string): ChannelHistory | null {
    const bytes = Buffer.from(channel, "latin1");
    return this.find(bytes, 0, bytes.length);
  }

  /** Called for each message that is published, before its subscribers get it. */
  keep(
    source: Uint8Array,
    channelStart: number,
    channelEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.keptIn = null;
    const history = this.find(source, channelStart, channelEnd);
    if (history === null) return;
    if (history.rule.isDurable && this.#broker.storage.failure !== null) {
      this.notKept++;
      return;
    }
    history.keep(source, channelStart, channelEnd, bytes, start, end);
    this.keptIn = history;
  }
}
