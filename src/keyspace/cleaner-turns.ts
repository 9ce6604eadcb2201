/**
 * The cleaner and the commands whose changes are kept back take turns: it writes nothing while such commands are at work, so commands that
 * overlap would keep it waiting for as long as they come, and the journal would grow. When it was refused often enough, new ones wait until
 * it has had as many turns, or has nothing left to do.
 *
 * Not here: the waiting of the commands (protocols/redis/core/sliced-reply.ts), which begin after a bounded time even where the cleaner
 * has stopped. Invariant: who waits is called once.
 */

/** The cleaner asks once in a turn of the event loop, mostly. */
const turnsEach = 64;

export class CleanerTurns {
  #refused = 0;
  #turnsLeft = 0;
  readonly #waiting = new Set<() => void>();

  /** A command whose changes would be kept back is to wait. */
  get isCleanersTurn(): boolean {
    return this.#turnsLeft > 0;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Calls `start` once it is no more the cleaner's turn. Returns what ends the wait. */
  wait(start: () => void): () => void {
    this.#waiting.add(start);
    return () => this.#waiting.delete(start);
  }

  wasRefused(): void {
    if (this.#turnsLeft === 0 && ++this.#refused >= turnsEach) this.#turnsLeft = turnsEach;
  }

  hadTurn(): void {
    this.#refused = 0;
    if (this.#turnsLeft > 0 && --this.#turnsLeft === 0) this.#letGo();
  }

  /** The cleaner has no work for now. */
  isDone(): void {
    this.#refused = 0;
    this.#turnsLeft = 0;
    this.#letGo();
  }

  #letGo(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const start of waiting) start();
  }
}
