/**
 * The reply of a command that is answered after its handler has returned: a blocking read, a password check, work in slices. Until
 * the reply is written no other request of the connection runs, so its database and protocol version stay the same.
 *
 * Not here: what the command waits for. Invariants: a command is answered once, or never once its connection has begun to end;
 * CLIENT REPLY OFF or SKIP, as it was when the command ran, applies to its reply.
 */
import type { Connection } from "../../../base/connection.ts";

/** The work that will produce the reply. */
export interface LaterWork {
  /** The command has not run yet: clients are paused, or others have claimed its keys. It is timed where it runs. */
  readonly isPostponed?: boolean;
  /** The time until the answer is the command's own: it works in slices, and waits for nothing. */
  readonly isWork?: boolean;
  /** The connection ends: stop, nothing will be answered. */
  abandon(): void;
  /** The client has read enough: more can be written. */
  outputDrained?(): void;
}

/** A command that waits until there is something for it. */
export interface BlockedCommand extends LaterWork {
  /** Ends the wait: answers as at a timeout, or with an error. */
  unblock(error: string | null): void;
  /** The user's rules have changed: the wait ends if the user may no longer read what it waits for. */
  rulesChanged(): void;
}

/** How the reply of a caller's command comes later. A connection is one. */
export interface LaterReplies {
  /** The command at work is answered later, by what this returns. */
  beginLater(work: LaterWork): LaterReply;
  /** The same for a command that waits for data, which CLIENT UNBLOCK can end. */
  beginBlocked(work: BlockedCommand): LaterReply;
  /** Lets `context.request` outlive the command's handler, until the command is answered. Call it before `beginLater` or `beginBlocked`. */
  keepRequest(): void;
  /** Tells how many bytes the command takes until it is answered, beside its request: of the reply, or in tables where it waits. */
  holdLater(bytes: number): void;
  /** This caller's part of the account of bytes in flight. */
  readonly memoryBytes: number;
  /** Pushed messages are kept back until the reply that comes later is sent. */
  holdsPushes: boolean;
  /** How many commands began to be answered later. */
  readonly begun: number;
  /** The client has too much unread output. */
  readonly isOutputFull: boolean;
  /** Bytes are about to be written to the output outside of a command: they are sent at the end of the tick. */
  touch(): void;
}

/** Who takes the reply when it comes. */
interface ReplyTaker {
  /** The connection of the client that waits. */
  readonly connection: Pick<Connection, "answerTo">;
  /** From when the command at work came; see `Connection.answerTo`. */
  readonly requestMark: number;
  answerLater(later: LaterReply, write: () => boolean, isServed: boolean): void;
}

interface ReplyTerms {
  /** False after CLIENT REPLY OFF or SKIP. */
  readonly isWanted: boolean;
  /** The command has waited for data: what is behind it runs when the tick ends, not where it is answered. */
  readonly hasWaited: boolean;
  /** By the monotonic clock, in ms. */
  readonly startedAt: number;
}

export class LaterReply {
  readonly work: LaterWork;
  readonly isWanted: boolean;
  readonly hasWaited: boolean;
  readonly startedAt: number;
  /** See `Connection.answerTo`. */
  readonly answerMark: number;
  readonly #taker: ReplyTaker;

  constructor(taker: ReplyTaker, work: LaterWork, { isWanted, hasWaited, startedAt }: ReplyTerms) {
    this.#taker = taker;
    this.work = work;
    this.isWanted = isWanted;
    this.hasWaited = hasWaited;
    this.startedAt = startedAt;
    this.answerMark = taker.requestMark;
  }

  /**
   * From when on the time until the answer is the command's own, by the monotonic clock; null if none of it is. As in redis, what waited in
   * vain has no time.
   */
  timedFrom(now: number, isServed: boolean): number | null {
    const { work, hasWaited } = this;
    if (work.isPostponed === true) return null;
    if (work.isWork === true) return this.startedAt;
    return !hasWaited || isServed ? now : null;
  }

  /** Writes the reply; what `write` throws becomes it. Then the requests behind it run. */
  answer(write: () => void): void {
    const writeAll = (): boolean => {
      write();
      return true;
    };
    this.#taker.connection.answerTo(this.answerMark, () => this.#taker.answerLater(this, writeAll, false));
  }

  /** The same if `write` returns true. Otherwise what it wrote is dropped and the wait goes on. */
  attempt(write: () => boolean): void {
    this.#taker.connection.answerTo(this.answerMark, () => this.#taker.answerLater(this, write, true));
  }

  /** Writes a part of the reply; the rest follows. */
  answerPart(write: () => void): void {
    this.#taker.connection.answerTo(this.answerMark, write);
  }
}
