/**
 * Records of a share group without a retry policy: each with one member at a time, a few times at most, until one has settled it. Knows
 * nothing of the broker. A power failure forgets deliveries, and records whose answers did not mean durable; never what was said of them.
 */
import { Fault, type Level, type Promises } from "../model.ts";

export const deliveriesMax = 3;
export const lockMs = 4000;
/** For so long the broker may not have noticed that a connection is gone, and have a request of it wait for records. */
const noticedMs = 2000;

/** Who holds a record as far as its member knows; `isLost`: its connection is gone, and with it what it held. */
export interface Holder {
  readonly isLost: boolean;
}

interface Shared {
  /** It is known to be in the topic, since then (a number of `Promises`); 0: it is not. */
  told: number;
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
  readonly #promises: Promises;
  /** What an answer to a producer means. */
  readonly #level: Level;
  readonly #all = new Map<string, Shared>();
  isDamaged = false;
  /** Answers were lost then. */
  readonly #lostAt: number[] = [];

  constructor(name: string, promises: Promises, level: Level) {
    this.#name = name;
    this.#promises = promises;
    this.#level = level;
  }

  sent(body: string, now: number): void {
    const lost = this.#lostAt.filter((at) => now < at + noticedMs).length;
    const none = { told: 0, seen: 0, lost, holder: null, heldUntil: 0 };
    this.#all.set(body, { ...none, isSettleAsked: false, isSettled: false });
  }

  told(body: string): void {
    this.#of(body).told = this.#promises.number();
  }

  #of(body: string): Shared {
    const record = this.#all.get(body);
    if (record === undefined) throw new Fault(`${this.#name}: "${body}" was acquired, which nobody sent`);
    return record;
  }

  /** `askedAt`: when the request was sent that acquired it; `now`: when its answer came; `others`: requests whose answers may be lost too. */
  acquired(
    body: string,
    holder: Holder,
    count: number,
    { askedAt, now, others }: { askedAt: number; now: number; others: number },
  ): void {
    const record = this.#of(body);
    if (this.isDamaged) return;
    const { seen, lost } = record;
    // The answer took longer than the lock: another one may have had it since.
    if (now >= askedAt + lockMs && count <= seen) {
      record.lost++;
      return;
    }
    if (record.isSettled) throw new Fault(`${this.#name}: ${body} is acquired after it was settled`);
    if (record.holder?.isLost === false && now < record.heldUntil)
      throw new Fault(
        `${this.#name}: ${body} is acquired at ${now}, and another one has it until ${record.heldUntil}`,
      );
    if (count > deliveriesMax) throw new Fault(`${this.#name}: ${body} is delivered ${count} times`);
    if (count <= seen || count > seen + lost + others + 1)
      throw new Fault(
        `${this.#name}: ${body} has a count of ${count}; ${seen} were seen, ${lost} may have been lost`,
      );
    record.lost -= count - seen - 1;
    record.seen = count;
    record.holder = holder;
    record.heldUntil = askedAt + lockMs;
  }

  /** An answer was lost: any record may have been acquired by it. */
  answerLost(now: number): void {
    this.#lostAt.push(now);
    for (const record of this.#all.values()) if (!record.isSettled) record.lost++;
  }

  powerFailed(): void {
    for (const record of this.#all.values()) {
      record.lost += record.seen;
      record.seen = 0;
      if (!this.#promises.survives(record.told, this.#level, "power")) record.told = 0;
    }
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
    for (const [body, { told, isSettleAsked, seen, lost }] of this.#all)
      if (told > 0 && !isSettleAsked && seen + lost < deliveriesMax)
        throw new Fault(`${this.#name}: ${body} is gone after ${seen} deliveries, and nobody settled it`);
  }
}
