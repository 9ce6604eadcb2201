/**
 * Makes publishers wait while the broker is behind: while more waits for the disk than `journalBacklogBytesMax`, while records in
 * memory exceed their bound, or while the disk is full or failing.
 *
 * The broker does not read from a connection that has published until there is room; a connection that only consumes is served.
 * Not here: memory for incomplete requests (base/bytes-in-flight.ts), the free space of the disk (storage/journal/write-gate.ts).
 * Invariant: a connection that was paused is resumed once, by `check` after a flush, unless the connection is gone before.
 */
import type { Connection } from "../base/connection.ts";
import { limits } from "../base/limits.ts";
import type { Storage } from "../storage/index.ts";

/** Publishers go on below this share of the bound. */
const resumeShare = 7 / 8;
/** Memory is allocated in chunks, and one chunk is always held: with a smaller bound publishers would wait for ever. */
const memoryBytesLeast = 2 << 20;

export class PublisherFlow {
  readonly #storage: Storage;
  /** The bound on records that are kept in memory only; 0 is no limit. */
  readonly #memoryBytesMax: number;
  /** Publishers have to wait. */
  isBlocked = false;
  readonly #pausedPublishers = new Set<Connection>();
  /** Connections that wait for memory and the journal's backlog only: a full disk does not stop them. */
  readonly #pausedWriters = new Set<Connection>();
  #isBehindNow = false;
  /** Called when `isBlocked` changes. */
  readonly listeners = new Set<(isBlocked: boolean) => void>();

  constructor(storage: Storage, memoryBytesMax: number) {
    this.#storage = storage;
    this.#memoryBytesMax = memoryBytesMax;
  }

  /**
   * Call this after messages of the connection were taken, some of them at once at most, since one tick may read megabytes from
   * each of many connections.
   */
  publisherSeen(connection: Connection): void {
    if (!this.isBlocked && !this.#isBehind(1)) return;
    if (this.#pausedPublishers.has(connection)) return;
    this.#pausedPublishers.add(connection);
    connection.pauseReading();
  }

  /**
   * The same of a protocol that refuses what adds data while the disk is low (Redis, Kafka). Such a connection waits for memory and for
   * the journal's backlog, never for room on the disk: its next request may be the one that makes room.
   */
  requesterSeen(connection: Connection): void {
    if (this.#isBehindNow) this.#pauseWriter(connection);
    else this.writerSeen(connection);
  }

  /** The same after a request that frees space, such as DEL. Such requests go on while the disk is full. */
  writerSeen(connection: Connection): void {
    if (this.#isBehind(1)) this.#pauseWriter(connection);
  }

  #pauseWriter(connection: Connection): void {
    if (this.#pausedWriters.has(connection)) return;
    this.#pausedWriters.add(connection);
    connection.pauseReading();
  }

  /** The connection has published, and is not read from until there is room. */
  isHeldBack(connection: Connection): boolean {
    return this.#pausedPublishers.has(connection) || this.#pausedWriters.has(connection);
  }

  /** The connection is gone. */
  gone(connection: Connection): void {
    this.#pausedPublishers.delete(connection);
    this.#pausedWriters.delete(connection);
  }

  /** RabbitMQ's texts for `connection.blocked`. */
  get blockedReason(): string {
    return this.#storage.failure === null ? "low on memory" : "low on disk";
  }

  /** More waits for the disk, or is in memory, than publishers may add to. */
  get isBehind(): boolean {
    return this.#isBehind(1);
  }

  /** Whether the journal's backlog or the memory exceeds this share of its bound. */
  #isBehind(share: number): boolean {
    const storage = this.#storage;
    if (storage.pending - storage.durable > limits.journalBacklogBytesMax * share) return true;
    // Checked within a tick too: one tick may take all the room that there is.
    if (storage.pending > storage.gate.roomEnd) return true;
    const memoryBytesMax = this.#memoryBytesMax;
    return memoryBytesMax > 0 && storage.volatile.bytes > Math.max(memoryBytesMax, memoryBytesLeast) * share;
  }

  /** After each flush. Publishers that wait go on only when there is some room again; listeners hear of each change. */
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
