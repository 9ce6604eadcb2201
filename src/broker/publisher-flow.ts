/**
 * Publishers wait while the broker is behind: more waits for the disk than may, messages in memory take more than they may, or the
 * disk is full or fails.
 *
 * A connection that has published is not read from until there is room; one that only consumes is served. Not here: what connections
 * hold of requests that are not whole (base/bytes-in-flight.ts), what the disk has left (storage/journal/write-gate.ts).
 * Invariant: a connection that was paused is resumed once, by `check` after a flush, unless it is gone before.
 */
import type { Connection } from "../base/connection.ts";
import { limits } from "../base/limits.ts";
import type { Storage } from "../storage/index.ts";

/** Publishers that were held back go on below this share of the bound. */
const resumeShare = 7 / 8;
/** Memory is given out in chunks, of which one is always held: a smaller bound would hold publishers for ever. */
const memoryBytesLeast = 2 << 20;

export class PublisherFlow {
  readonly #storage: Storage;
  /** Of messages that live in memory; 0 is no limit. */
  readonly #memoryBytesMax: number;
  /** Publishers are being held back. */
  isBlocked = false;
  readonly #pausedPublishers = new Set<Connection>();
  /** Those that wait for the journal's backlog only, since what they send frees space. */
  readonly #pausedWriters = new Set<Connection>();
  #isBehindNow = false;
  /** Told when `isBlocked` changes. */
  readonly listeners = new Set<(isBlocked: boolean) => void>();

  constructor(storage: Storage, memoryBytesMax: number) {
    this.#storage = storage;
    this.#memoryBytesMax = memoryBytesMax;
  }

  /**
   * Call after taking a message from a connection: while the broker is behind, its publishers are not read from. It is
   * looked at for each message, since one tick may read megabytes from each of many connections.
   */
  publisherSeen(connection: Connection): void {
    if (!this.isBlocked && !this.#isBehind(1)) return;
    if (this.#pausedPublishers.has(connection)) return;
    this.#pausedPublishers.add(connection);
    connection.pauseReading();
  }

  /** The same after a request that frees space, such as DEL: it goes on while the disk is full. */
  writerSeen(connection: Connection): void {
    if (!this.#isBehind(1) || this.#pausedWriters.has(connection)) return;
    this.#pausedWriters.add(connection);
    connection.pauseReading();
  }

  /** It has published, and is not read from until there is room. */
  isHeldBack(connection: Connection): boolean {
    return this.#pausedPublishers.has(connection) || this.#pausedWriters.has(connection);
  }

  /** The connection is gone. */
  gone(connection: Connection): void {
    this.#pausedPublishers.delete(connection);
    this.#pausedWriters.delete(connection);
  }

  /** RabbitMQ's words for `connection.blocked`. */
  get blockedReason(): string {
    return this.#storage.failure === null ? "low on memory" : "low on disk";
  }

  /** Whether a share of what the journal or memory may have waiting is passed. */
  #isBehind(share: number): boolean {
    const storage = this.#storage;
    if (storage.pending - storage.durable > limits.journalBacklogBytesMax * share) return true;
    // Looked at within the tick too: what one tick takes may be all the room that there is.
    if (storage.pending > storage.gate.roomEnd) return true;
    const memoryBytesMax = this.#memoryBytesMax;
    return memoryBytesMax > 0 && storage.volatile.bytes > Math.max(memoryBytesMax, memoryBytesLeast) * share;
  }

  /** Once held back, publishers stay so until there is some room: each change is told to all who listen. */
  check(): void {
    const { failure } = this.#storage;
    this.#isBehindNow = this.#isBehind(this.#isBehindNow ? resumeShare : 1);
    const isBlocked = failure !== null || this.#isBehindNow;
    if (isBlocked !== this.isBlocked) {
      this.isBlocked = isBlocked;
      for (const listener of this.listeners) listener(isBlocked);
    }
    if (!this.#isBehindNow) resume(this.#pausedWriters);
    if (!isBlocked) resume(this.#pausedPublishers);
  }
}

function resume(paused: Set<Connection>): void {
  for (const connection of paused) connection.resumeReading();
  paused.clear();
}
