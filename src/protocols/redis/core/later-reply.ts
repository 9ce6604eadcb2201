/**
 * The reply of a command that is answered after its handler has returned: a read that blocks, a password that is looked
 * at, work in slices. Until then none of the connection's other requests runs, so its database and protocol stay.
 *
 * Not here: what is waited for. Invariant: it is answered once, or never after the connection has begun to end; what
 * CLIENT REPLY OFF or SKIP said when the command ran holds for its reply.
 */
/** What has begun for the reply. */
export interface LaterWork {
  /** The connection ends: nothing is answered any more. */
  abandon(): void;
  /** The client has read what stood in the way. */
  outputDrained?(): void;
}

/** A command that waits until there is something for it. */
export interface BlockedCommand extends LaterWork {
  /** Answers as at a timeout, or with an error, once the command at work is over. */
  unblockSoon(error: string | null): void;
  /** The user's rules have changed: what may no longer be read is no longer waited for. */
  rulesChanged(): void;
}

/** How the reply of a caller's command comes later. A connection is one. */
export interface LaterReplies {
  /** The command at work is answered later, by what this returns. */
  beginLater(work: LaterWork): LaterReply;
  /** The same for a command that waits for data, which CLIENT UNBLOCK can end. */
  beginBlocked(work: BlockedCommand): LaterReply;
  /** Lets `context.request` outlive the command's handler, until the command is answered. */
  keepRequest(): void;
  /** So much is gathered of the reply that comes later. */
  holdLater(replyBytes: number): void;
  /** What the account of bytes in flight has for this caller. */
  readonly bytesInFlight: number;
  /** Pushed messages are kept back until the reply that comes later is sent. */
  holdsPushes: boolean;
  /** The client leaves too much unread. */
  readonly isOutputFull: boolean;
  /** Bytes were written to the output outside of a command: they are sent at the end of the tick. */
  touch(): void;
}

/** Who takes the reply when it comes. */
interface ReplyTaker {
  answerLater(later: LaterReply, write: () => boolean): void;
}

export class LaterReply {
  readonly work: LaterWork;
  /** False after CLIENT REPLY OFF or SKIP. */
  readonly isWanted: boolean;
  readonly #taker: ReplyTaker;

  constructor(taker: ReplyTaker, work: LaterWork, isWanted: boolean) {
    this.#taker = taker;
    this.work = work;
    this.isWanted = isWanted;
  }

  /** Writes the reply; what `write` throws becomes it. Then the requests behind it run. */
  answer(write: () => void): void {
    this.attempt(() => {
      write();
      return true;
    });
  }

  /** The same, if `write` says that it wrote one; else whatever it wrote is dropped, and the wait goes on. */
  attempt(write: () => boolean): void {
    this.#taker.answerLater(this, write);
  }
}
