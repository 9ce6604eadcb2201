/**
 * Keyspace notifications: tells subscribers of `__keyspace@DB__:KEY` and `__keyevent@DB__:EVENT` what happens to keys.
 *
 * Handlers tell of their own events (`CommandContext.notify`); the keyspace tells here of keys that come into being, expire or are evicted,
 * whichever command is the reason. A message reaches Pub/Sub subscribers only, never the queues that are bound to the exchange of
 * channels: a queue of events would slow the command that caused them. Not here: the events (key-events.ts). Invariant: while
 * nothing is asked for, `classes` is 0, and an event costs its teller this one test.
 */
import { limits } from "../../../base/limits.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import type { KeyListener } from "../../../keyspace/key-listeners.ts";
import { effectiveClasses, keyClass } from "../core/event-classes.ts";
import { type KeyEvent, keyEvents } from "./key-events.ts";

const scratch = Buffer.allocUnsafeSlow(limits.channelBytesMax);

export class KeyNotices implements KeyListener {
  readonly #live: LiveChannels;
  /** The classes of events that are told, 0 for none (event-classes.ts). */
  classes = 0;
  /** `__keyspace@DATABASE__:` */
  readonly #prefixes: Buffer[] = [];
  /** A value takes the place of a stream: to redis its key is not new. */
  #isReplacing = false;

  constructor(live: LiveChannels) {
    this.#live = live;
  }

  configure(classes: number): void {
    this.classes = effectiveClasses(classes);
    this.#isReplacing = false;
  }

  /** Tells of an event of the key `bytes[start, end)`. */
  tell(event: KeyEvent, database: number, bytes: Buffer, start: number, end: number): void {
    const { classes } = this;
    const live = this.#live;
    if ((classes & event.keyClass) === 0 || live.isEmpty) return;
    if ((classes & keyClass.keyspace) !== 0) {
      const prefix = (this.#prefixes[database] ??= Buffer.from(`__keyspace@${database}__:`));
      const size = prefix.length + end - start;
      // Nobody can subscribe to a longer name.
      if (size <= limits.channelBytesMax) {
        prefix.copy(scratch, 0);
        bytes.copy(scratch, prefix.length, start, end);
        const { name } = event;
        live.publish(scratch, 0, size, name, 0, name.length);
      }
    }
    if ((classes & keyClass.keyevent) !== 0) {
      const channel = event.channel(database);
      live.publish(channel, 0, channel.length, bytes, start, end);
    }
  }

  /** The same for a key by its name. */
  tellNamed(event: KeyEvent, database: number, key: string): void {
    if ((this.classes & event.keyClass) === 0) return;
    const bytes = Buffer.from(key, "latin1");
    this.tell(event, database, bytes, 0, bytes.length);
  }

  /** Tells of a key that went with its last element. */
  keyGone(database: number, bytes: Buffer, start: number, end: number): void {
    this.tell(keyEvents.del, database, bytes, start, end);
  }

  // Of the keyspace

  get hearsMade(): boolean {
    return (this.classes & keyClass.made) !== 0;
  }

  get hearsFields(): boolean {
    return (this.classes & (keyClass.hash | keyClass.generic)) !== 0;
  }

  get hearsExpired(): boolean {
    return (this.classes & keyClass.expired) !== 0;
  }

  get hearsEvicted(): boolean {
    return (this.classes & keyClass.evicted) !== 0;
  }

  keyMade(database: number, bytes: Buffer, start: number, end: number): void {
    if (!this.#isReplacing) this.tell(keyEvents.made, database, bytes, start, end);
    this.#isReplacing = false;
  }

  fieldsExpired(database: number, bytes: Buffer, start: number, end: number, isGone: boolean): void {
    this.tell(keyEvents.hexpired, database, bytes, start, end);
    if (isGone) this.keyGone(database, bytes, start, end);
  }

  keyExpired(database: number, bytes: Buffer, start: number, end: number): void {
    this.tell(keyEvents.expired, database, bytes, start, end);
  }

  keyEvicted(database: number, bytes: Buffer, start: number, end: number): void {
    this.tell(keyEvents.evicted, database, bytes, start, end);
  }

  /** The next key that is made is one that was a stream until now. */
  streamMadeWay(): void {
    this.#isReplacing = this.hearsMade;
  }
}
