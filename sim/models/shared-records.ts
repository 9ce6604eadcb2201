/**
 * Records of a share group without a retry policy: each with one member at a time, a few times at most, until one has settled it. Knows
 * nothing of the broker; a power failure begins a new group, so that all that was told here holds.
 */
import { Fault } from "../model.ts";

export const deliveriesMax = 3;
export const lockMs = 4000;

/** Who holds a record as far as its member knows; `isLost`: its connection is gone, and with it what it held. */
export interface Holder {
  readonly isLost: boolean;
}

interface Shared {
  /** It is known to be in the topic. */
  isTold: boolean;
  /** Deliveries that were seen, and those that were maybe made. */
  seen: number;
  lost: number;
  holder: Holder | null;
  /** Until this, monotonic time, nobody else may have it. */
  heldUntil: number;
  isSettleAsked: boolean;
  isSettled: boolean;
}

export class SharedRecords {
  readonly #name: string;
  readonly #all = new Map<string, Shared>();
  isDamaged = false;

  constructor(name: string) {
    this.#name = name;
  }

  sent(body: string): void {
    const none = { isTold: false, seen: 0, lost: 0, holder: null, heldUntil: 0 };
    this.#all.set(body, { ...none, isSettleAsked: false, isSettled: false });
  }

  told(body: string): void {
    this.#of(body).isTold = true;
  }

  #of(body: string): Shared {
    const record = this.#all.get(body);
    if (record === undefined) throw new Fault(`${this.#name}: "${body}" was acquired, which nobody sent`);
    return record;
  }

  /** `askedAt`: when the request was sent that acquired it; now: when its answer came. */
  acquired(
    body: string,
    holder: Holder,
    count: number,
    { askedAt, now }: { askedAt: number; now: number },
  ): void {
    const record = this.#of(body);
    if (this.isDamaged) return;
    const { seen, lost } = record;
    if (record.isSettled) throw new Fault(`${this.#name}: ${body} is acquired after it was settled`);
    if (record.holder?.isLost === false && now < record.heldUntil)
      throw new Fault(
        `${this.#name}: ${body} is acquired at ${now}, and another one has it until ${record.heldUntil}`,
      );
    if (count > deliveriesMax) throw new Fault(`${this.#name}: ${body} is delivered ${count} times`);
    if (count <= seen || count > seen + lost + 1)
      throw new Fault(
        `${this.#name}: ${body} has a count of ${count}; ${seen} were seen, ${lost} may have been lost`,
      );
    record.lost -= count - seen - 1;
    record.seen = count;
    record.holder = holder;
    record.heldUntil = askedAt + lockMs;
  }

  /** An answer was lost: any record may have been acquired by it. */
  answerLost(): void {
    for (const record of this.#all.values()) if (!record.isSettled) record.lost++;
  }

  /** A member says something of it, which it may not have any more. */
  letGo(body: string, holder: Holder, isSettled: boolean): void {
    const record = this.#of(body);
    if (record.holder === holder) record.holder = null;
    if (isSettled) record.isSettleAsked = true;
  }

  settled(body: string): void {
    this.#of(body).isSettled = true;
  }

  /** Until when the member may be sure of it. */
  heldUntil(body: string, holder: Holder): number {
    const record = this.#of(body);
    return record.holder === holder ? record.heldUntil : 0;
  }

  /** Nothing is left in the group. */
  checkEnd(): void {
    if (this.isDamaged) return;
    for (const [body, { isTold, isSettleAsked, seen, lost }] of this.#all)
      if (isTold && !isSettleAsked && seen + lost < deliveriesMax)
        throw new Fault(`${this.#name}: ${body} is gone after ${seen} deliveries, and nobody settled it`);
  }
}
