/** Keys that a command needs as they are, over several turns (protocols/redis/core/claims): they neither expire nor are evicted meanwhile. */
export interface HeldKeys {
  /** Some key may be held. */
  readonly isAny: boolean;
  /** Who holds it is at work now: a key that is due is there for him. */
  readonly isAtWork: boolean;
  holds(database: number, key: string): boolean;
}
