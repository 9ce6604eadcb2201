/** The readers of a queue or stream, as the queue calls them. The queue knows no protocol. */
import type { Connection } from "../../base/connection.ts";
import type { ConsumerFacts } from "../../base/connection-facts.ts";
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { Queue } from "./queue.ts";

/** A consumer, and where it is: for operators. */
export interface ConsumerPlace {
  readonly consumer: ConsumerFacts;
  readonly channel: number;
  readonly user: string;
  readonly connection: Pick<Connection, "local" | "remote">;
}

/** Takes records of a queue as they become ready (AMQP basic.consume). */
export interface QueueConsumer {
  /** Above 0, unique in this process. */
  readonly id: number;
  readonly priority: number;
  readonly isNoAck: boolean;
  /** No other consumer is allowed meanwhile. */
  readonly isExclusive: boolean;
  /** Set only by `QueueConsumers`: it had no room when it was last asked. */
  isParked: boolean;
  /**
   * Whether the prefetch and the connection's output have room. After it was false, the consumer calls `Queue.consumerReady` when
   * it may have room again.
   */
  canTake(): boolean;
  /**
   * Copies the cursor's record to the client. The queue settles the record of a no-ack consumer; for others the session settles it
   * later.
   */
  deliver(queue: Queue, cursor: QueueCursor): void;
  /** How the client calls it. */
  readonly tag?: string;
  describe?(): ConsumerPlace;
  /** The queue was deleted (basic.cancel to the client). */
  cancelled(queue: Queue): void;
}

/** Reads a log without consuming, and wants to hear of new records (long polls, blocking reads, streams). */
export interface LogWaiter {
  /** Records were appended, or the log was deleted (`queue.isDeleted`). May remove itself from `waiters`. */
  logChanged(queue: Queue): void;
  /** Of those that are consumers to their client. */
  describe?(): ConsumerPlace;
}

/** Hears of each queue and stream that is made or deleted. */
export interface QueueListener {
  queueMade(queue: Queue): void;
  queueDeleted(queue: Queue): void;
}
