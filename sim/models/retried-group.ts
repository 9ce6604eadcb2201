/**
 * Entries of a group that are given up and come again, up to a number of deliveries, and then stand among the dead letters: once. Knows
 * nothing of the broker; a power failure begins a new group, so that all that was told here holds.
 */
import { Fault } from "../model.ts";

export const deliveriesMax = 3;
export const backoffMs = 20;
const backoffMsMax = 60;

interface Retried {
  /** It is known to be in the stream. */
  isTold: boolean;
  /** Deliveries that were seen, and those that were maybe made. */
  seen: number;
  lost: number;
  isAckAsked: boolean;
  isAcked: boolean;
  isDead: boolean;
  /** It was given up: not delivered again before this. */
  readyAt: number;
}

export class RetriedGroup {
  readonly #name: string;
  readonly #all = new Map<string, Retried>();
  isDamaged = false;
  /** Whether the disk has been full: what cannot become a dead letter comes again. */
  readonly #mayExceed: () => boolean;

  constructor(name: string, mayExceed: () => boolean) {
    this.#name = name;
    this.#mayExceed = mayExceed;
  }

  sent(body: string): void {
    const none = { isTold: false, seen: 0, lost: 0, isAckAsked: false, isAcked: false, isDead: false };
    this.#all.set(body, { ...none, readyAt: 0 });
  }

  refused(body: string): void {
    this.#all.delete(body);
  }

  told(body: string): void {
    this.#all.get(body)!.isTold = true;
  }

  #of(body: string): Retried {
    const entry = this.#all.get(body);
    if (entry === undefined) throw new Fault(`${this.#name}: "${body}" was delivered, which nobody sent`);
    return entry;
  }

  /** `isNew`: by XREADGROUP, which keeps to the back-off. */
  delivered(body: string, isNew: boolean, now: number): void {
    const entry = this.#of(body);
    if (this.isDamaged) return;
    entry.seen++;
    if (entry.isAcked) throw new Fault(`${this.#name}: ${body} is delivered after its acknowledgement`);
    if (entry.isDead) throw new Fault(`${this.#name}: ${body} is delivered, and a dead letter`);
    if (entry.seen > deliveriesMax && !this.#mayExceed())
      throw new Fault(`${this.#name}: ${body} is delivered ${entry.seen} times`);
    if (isNew && now < entry.readyAt)
      throw new Fault(`${this.#name}: ${body} is delivered at ${now}, before ${entry.readyAt}`);
    entry.readyAt = 0;
  }

  /** An answer was lost: any entry may have been delivered by it. */
  answerLost(): void {
    for (const entry of this.#all.values()) entry.lost++;
  }

  clockJumps(): void {
    for (const entry of this.#all.values()) entry.readyAt = 0;
  }

  ackAsked(body: string): void {
    this.#of(body).isAckAsked = true;
  }

  /** Returns whether it was pending. */
  acked(body: string, count: number): void {
    if (count === 1) this.#of(body).isAcked = true;
    // What is acknowledged is held: it had become no dead letter, since nobody else gives up or claims meanwhile.
  }

  /** It was given up, which was sent at `sentAt`; 0: the clock was set since. */
  givenUp(body: string, sentAt: number): void {
    const entry = this.#of(body);
    const least = Math.min(backoffMs * 2 ** (entry.seen - 1), backoffMsMax);
    entry.readyAt = sentAt === 0 ? 0 : sentAt + least;
  }

  /** Whether it was given up is not known: it may come at once. */
  givenUpUnsurely(body: string): void {
    this.#of(body).readyAt = 0;
  }

  /** All dead letters, with what they say of their deliveries. */
  foundDead(letters: readonly (readonly [body: string, deliveries: number])[]): void {
    if (this.isDamaged) return;
    const present = new Set<string>();
    for (const [body, deliveries] of letters) {
      const entry = this.#of(body);
      if (present.has(body)) throw new Fault(`${this.#name}: ${body} is a dead letter twice`);
      present.add(body);
      if (entry.isAcked) throw new Fault(`${this.#name}: ${body} was acknowledged, and is a dead letter`);
      if (deliveries < deliveriesMax || deliveries < entry.seen || deliveries > entry.seen + entry.lost)
        throw new Fault(
          `${this.#name}: the dead letter ${body} says ${deliveries} deliveries; ${entry.seen} were seen, and ${entry.lost} may have been lost`,
        );
      entry.isDead = true;
    }
    for (const [body, { isDead }] of this.#all)
      if (isDead && !present.has(body)) throw new Fault(`${this.#name}: the dead letter ${body} is gone`);
  }

  /** Nothing is pending or new any more, and the dead letters have been looked at. */
  checkEnd(): void {
    if (this.isDamaged) return;
    for (const [body, { isTold, isAckAsked, isDead }] of this.#all)
      if (isTold && !isAckAsked && !isDead)
        throw new Fault(`${this.#name}: ${body} is neither acknowledged nor a dead letter`);
  }
}

export { backoffMsMax };
