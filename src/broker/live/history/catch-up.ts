/**
 * A walk of one subscriber through a history, from where it was to the end, where it becomes a live subscriber.
 *
 * A job in slices that stops while the subscriber has much unread output. Until it reaches the end, what is published is found in
 * the history; from then on the subscriber is told of it. Both meet in one step, in which nothing can be published, so nothing is missed or
 * comes twice. Not here: how messages are written (the target). Invariant: a channel is in `from` until its messages have been told
 * or it is left.
 */
import type { Job, RunningJob, TurnWork } from "../../../base/turn-work.ts";
import { type LogReader } from "../../../storage/index.ts";
import { type ChannelHistory, partsOf } from "./channel-history.ts";

/** Looking at a message, and telling one. */
const unitsOfLook = 0.5;
const unitsOfMessage = 1;
const bytesOfUnit = 1024;
const unitsOfPiece = 64;

/** The subscriber. */
export interface CatchUpTarget {
  /** It has much unread output: the walk stops, until `resume` is called. */
  readonly isFull: boolean;
  /** A message that it has missed: `reader` is at it; the channel and the message are where `partsOf` says. */
  missed(channel: string, reader: LogReader): void;
  /** Bytes that a message takes on the way to the subscriber. */
  sizeOf(channelBytes: number, messageBytes: number): number;
  /** All was told: it is to be subscribed to `channels` before this returns. */
  caughtUp(walk: CatchUp, channels: Iterable<string>): void;
  /** The history cannot be read: the walk has ended where it stands, and goes on no more. */
  failed(): void;
}

/** Where a channel is caught up from: `offset`, or so far before it that `unsent` bytes of messages are told again. */
export interface CatchUpFrom {
  readonly offset: number;
  readonly unsent: number;
  /**
   * The channels whose messages these were, each with the offset from which on its messages had been told. What one connection leaves has one
   * map for all of its channels.
   */
  readonly among: ReadonlyMap<string, number>;
}

/** Channels that go back by the same bytes. */
interface Unsent {
  readonly from: CatchUpFrom;
  left: number;
  /** Where they begin. */
  at: number;
}

export class CatchUp {
  readonly history: ChannelHistory;
  readonly from = new Map<string, CatchUpFrom>();
  readonly #target: CatchUpTarget;
  readonly #work: TurnWork;
  #run: RunningJob | null = null;
  #position = -1;
  #isStopped = false;

  constructor(history: ChannelHistory, target: CatchUpTarget, work: TurnWork) {
    this.history = history;
    this.#target = target;
    this.#work = work;
  }

  /** Where it stands: what is below has been told. -1: it has not begun. */
  get position(): number {
    return this.#position;
  }

  /** Begins, or goes on once the subscriber has room. */
  resume(): void {
    if (this.#isStopped || this.#run?.isRunning === true) return;
    const run = this.#work.run(this.#walking(), (outcome) => {
      this.#run = null;
      if (!("error" in outcome)) return;
      this.#isStopped = true;
      this.history.queue.failed(outcome.error);
      this.#target.failed();
    });
    if (run.isRunning) this.#run = run;
  }

  /** The subscriber is gone, or listens to none of the channels any more. */
  stop(): void {
    this.#isStopped = true;
    this.#run?.cancel();
  }

  *#walking(): Job<void> {
    const { history } = this;
    history.seal();
    if (this.#position < 0) yield* this.#goBack();
    const reader = history.queue.reader(this.#position);
    let units = 0;
    for (;;) {
      if (this.#target.isFull || this.#isStopped) return;
      if (!reader.next()) {
        if (history.seal() > reader.position && !history.queue.isDeleted) continue;
        this.#end();
        return;
      }
      units += unitsOfLook + this.#look(reader);
      this.#position = reader.position;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
  }

  #end(): void {
    this.#isStopped = true;
    this.#target.caughtUp(this, this.from.keys());
  }

  #look(reader: LogReader): number {
    if (reader.timestamp < this.history.oldest) return 0;
    const { channelStart, channelEnd, start, end } = partsOf(reader);
    const channel = reader.buffer.latin1Slice(channelStart, channelEnd);
    const from = this.from.get(channel);
    if (from === undefined || reader.offset < from.offset) return 0;
    this.#target.missed(channel, reader);
    return unitsOfMessage + (end - start) / bytesOfUnit;
  }

  /** Finds where the walk begins: of what had not left when the subscriber went, at the message that had not left whole. */
  *#goBack(): Job<void> {
    const all = new Map<ReadonlyMap<string, number>, Unsent>();
    for (const from of this.from.values()) {
      const { offset: at, unsent: left, among } = from;
      if (left > 0 && !all.has(among)) all.set(among, { from, left, at });
    }
    if (all.size > 0) yield* this.#passUnsent([...all.values()]);
    let first = Infinity;
    for (const [channel, from] of this.from) {
      let at = from.offset;
      if (from.unsent > 0) at = Math.min(all.get(from.among)?.at ?? at, at);
      if (at < from.offset) this.from.set(channel, { ...from, offset: at, unsent: 0 });
      first = Math.min(first, at);
    }
    this.#position = first;
  }

  /** One look back through the history, for all of them. */
  *#passUnsent(all: readonly Unsent[]): Job<void> {
    const { log, queue } = this.history;
    const ofChannels = new Map<string, Unsent[]>();
    let at = 0;
    let units = 0;
    for (const unsent of all) {
      at = Math.max(at, unsent.from.offset);
      for (const channel of unsent.from.among.keys()) {
        const known = ofChannels.get(channel);
        if (known === undefined) ofChannels.set(channel, [unsent]);
        else known.push(unsent);
        units += unitsOfLook;
      }
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
    const reader = queue.reader();
    let open = all.length;
    while (open > 0) {
      const offset = log.removed.previousPresent(at - 1);
      if (offset < log.firstOffset) break;
      at = offset;
      reader.seek(offset);
      if (!reader.next()) break;
      const { channelStart, channelEnd, start, end } = partsOf(reader);
      const channel = reader.buffer.latin1Slice(channelStart, channelEnd);
      const size = this.#target.sizeOf(channelEnd - channelStart, end - start);
      for (const unsent of ofChannels.get(channel) ?? []) {
        units += unitsOfLook;
        const { offset: endOffset, among } = unsent.from;
        if (unsent.left <= 0 || offset >= endOffset || offset < among.get(channel)!) continue;
        unsent.left -= size;
        unsent.at = offset;
        if (unsent.left <= 0) open--;
      }
      units += unitsOfMessage;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
    // Of these there is less than had not left: they get what there is.
    for (const unsent of all) if (unsent.left > 0) unsent.at = Math.min(unsent.at, at);
  }
}
