/**
 * The reply of a command that is answered after its handler has returned: a read that blocks, a password that is looked
 * at, work in slices. Until then none of the connection's other requests runs, so its database and protocol stay.
 *
 * Not here: what is waited for. Invariant: it is answered once, or never after the connection has begun to end; what
 * CLIENT REPLY OFF or SKIP said when the command ran holds for its reply.
 */
import type { RedisSession } from "./session.ts";

/** What has begun for the reply. */
export interface LaterWork {
  /** The connection ends: nothing is answered any more. */
  abandon(): void;
  /** The client has read what stood in the way. */
  outputDrained?(): void;
}

export class LaterReply {
  readonly work: LaterWork;
  /** False after CLIENT REPLY OFF or SKIP. */
  readonly isWanted: boolean;
  /** See `Connection.answerTo`. */
  readonly answerMark: number;
  readonly #session: RedisSession;

  constructor(session: RedisSession, work: LaterWork, isWanted: boolean) {
    this.#session = session;
    this.work = work;
    this.isWanted = isWanted;
    this.answerMark = session.requestMark;
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
    this.#session.connection.answerTo(this.answerMark, () => this.#session.answerLater(this, write));
  }
}
