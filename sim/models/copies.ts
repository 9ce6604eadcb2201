/**
 * Messages that are published again and again under their ids, to a queue that drops copies: of all attempts within the window one is stored,
 * at least once one of them was confirmed; an attempt after the window is a new message.
 *
 * Attempts of one id that are surely within one window are a round. A round is unsure where that is not known: an answer came late, the
 * clock was set, or the power failed before anything was confirmed. Not here: who publishes and who looks (actors/copies.ts).
 */
import { type Crash, Fault } from "../model.ts";

interface Round {
  readonly startedAt: number;
  /** When the last answer came, or the connection was lost. */
  endedAt: number;
  open: number;
  attempts: number;
  isConfirmed: boolean;
  isUnsure: boolean;
  /** Bodies of attempts that were found in the queue. */
  readonly found: Set<string>;
}

interface Identity {
  readonly id: string;
  readonly rounds: Round[];
}

export interface Attempt {
  readonly id: string;
  readonly body: string;
}

export class CopiesModel {
  readonly queue: string;
  readonly windowMs: number;
  readonly #identities: Identity[] = [];
  readonly #roundOf = new Map<string, Round>();
  #bodies = 0;
  /** Messages that may have been taken by somebody who has not heard of them. */
  mayBeTaken = 0;

  constructor(queue: string, windowMs: number) {
    this.queue = queue;
    this.windowMs = windowMs;
  }

  get size(): number {
    return this.#identities.length;
  }

  /** An attempt for a new id. */
  begin(now: number): Attempt {
    const identity: Identity = { id: `id-${this.#identities.length}`, rounds: [] };
    this.#identities.push(identity);
    return this.#attempt(identity, this.#round(identity, now));
  }

  /** Another attempt for an id that is there; null where nobody could say what is to become of it. */
  again(at: number, now: number): { readonly attempt: Attempt; readonly isNew: boolean } | null {
    const identity = this.#identities[at]!;
    const round = identity.rounds.at(-1)!;
    if (now >= round.startedAt && now - round.startedAt < this.windowMs / 2)
      return { attempt: this.#attempt(identity, round), isNew: false };
    if (round.open > 0 || round.isUnsure || now < round.endedAt + this.windowMs) return null;
    return { attempt: this.#attempt(identity, this.#round(identity, now)), isNew: true };
  }

  #round(identity: Identity, now: number): Round {
    const round: Round = {
      startedAt: now,
      endedAt: now,
      open: 0,
      attempts: 0,
      isConfirmed: false,
      isUnsure: false,
      found: new Set(),
    };
    identity.rounds.push(round);
    return round;
  }

  #attempt({ id }: Identity, round: Round): Attempt {
    const body = `${id}/${this.#bodies++}`;
    this.#roundOf.set(body, round);
    round.open++;
    round.attempts++;
    return { id, body };
  }

  answered({ body }: Attempt, isConfirmed: boolean, now: number): void {
    const round = this.#roundOf.get(body)!;
    round.open--;
    round.endedAt = Math.max(round.endedAt, now);
    // It may have been looked at this late.
    if (Math.abs(now - round.startedAt) >= this.windowMs) round.isUnsure = true;
    if (isConfirmed) round.isConfirmed = true;
  }

  crashed(crash: Crash): void {
    if (crash === "kill") return;
    // What was stored and seen may be undone together with its id.
    for (const { rounds } of this.#identities) {
      const round = rounds.at(-1)!;
      if (!round.isConfirmed) round.isUnsure = true;
    }
  }

  clockJumped(): void {
    for (const { rounds } of this.#identities) rounds.at(-1)!.isUnsure = true;
  }

  /** Somebody has got this body from the queue. */
  found(body: string, isDamaged: boolean): void {
    const round = this.#roundOf.get(body);
    if (round === undefined) throw new Fault(`${body} came, which was never sent`);
    round.found.add(body);
    const most = round.isUnsure ? round.attempts : 1;
    if (!isDamaged && round.found.size > most)
      throw new Fault(`copies were stored: ${[...round.found].join(", ")} of ${round.attempts} attempts`);
  }

  /** Nothing is left in the queue. */
  checkEnd(): void {
    const lost = this.#identities.flatMap(({ id, rounds }) =>
      rounds.some(({ isConfirmed, isUnsure, found }) => isConfirmed && !isUnsure && found.size === 0)
        ? [id]
        : [],
    );
    if (lost.length > this.mayBeTaken)
      throw new Fault(`confirmed, and stored by no attempt: ${lost.join(", ")}`);
  }
}
