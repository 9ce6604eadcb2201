/** Who is told of what happens to keys: those that watch or wait for some, and those that tell clients of events. */

/** Is called for each changed key (WATCH, commands that wait). */
export interface KeyWatcher {
  /**
   * The key has, or had until now, a value of that type, as TYPE names it. `isAgain`: a command changes it over several turns, and those who
   * watch it have been told of that.
   */
  keyChanged(database: number, key: string, type: string, isAgain: boolean): void;
  /** The next key goes though no command has asked for it: it has expired, or is evicted. */
  isUnasked: boolean;
  /** Nobody watches anything: changes need not be told. */
  readonly isEmpty: boolean;
}

/** Is told of keys that come into being, or that go though no command has asked for it, whatever did it. Not of those that the server makes for itself. */
export interface KeyListener {
  readonly hearsMade: boolean;
  readonly hearsExpired: boolean;
  readonly hearsEvicted: boolean;
  readonly hearsFields: boolean;
  /** A key that had nothing has a value. */
  keyMade(database: number, bytes: Buffer, start: number, end: number): void;
  /** The time of fields of the hash has come; it may have gone with its last one. */
  fieldsExpired(database: number, bytes: Buffer, start: number, end: number, isGone: boolean): void;
  /** The time of a key has come: it is about to be removed. */
  keyExpired(database: number, bytes: Buffer, start: number, end: number): void;
  /** A key is about to be removed to make room. */
  keyEvicted(database: number, bytes: Buffer, start: number, end: number): void;
}
