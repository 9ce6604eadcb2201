/** Keys that a command needs as they are, over several turns (protocols/redis/core/claims): they neither expire nor are evicted meanwhile. */
export interface HeldKeys {
  /** Some key may be held. */
  readonly isAny: boolean;
  /** Some holder of a key is at work now, not necessarily that of the key in question: a key that is due and held is there for it. */
  readonly isAtWork: boolean;
  holds(database: number, key: string): boolean;
}
