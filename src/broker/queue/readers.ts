/** Those who have to do with a queue or stream, as the queue sees them: it calls them, and knows no protocol. */
import type { QueueCursor } from "../cursor/queue-cursor.ts";
import type { Queue } from "./queue.ts";

/** Somebody who takes records of a queue as they become ready (AMQP basic.consume). */
export interface QueueConsumer {
  /** Above 0, unique in this process. */
  readonly id: number;
  readonly priority: number;
  readonly isNoAck: boolean;
  /** Nobody else may consume from the queue meanwhile. */
  readonly isExclusive: boolean;
  /** For `QueueConsumers` alone: it had no room when it was looked at last. */
  isParked: boolean;
  /** Room in the prefetch and in the connection's output. Once false, it tells `Queue.consumerReady` when it may have room again. */
  canTake(): boolean;
  /** Copies the cursor's record to the client. A no-ack record is settled by the queue, others later by the session. */
  deliver(queue: Queue, cursor: QueueCursor): void;
  /** The queue is gone (basic.cancel to the client). */
  cancelled(queue: Queue): void;
}

/** Somebody who looks at a log by himself and wants to know of new records (long polls, blocking reads, streams). */
export interface LogWaiter {
  /** Records came, or the log was deleted (`queue.isDeleted`). May remove itself from `waiters`. */
  logChanged(queue: Queue): void;
}

/** Told of each queue and stream that is made or deleted. */
export interface QueueListener {
  queueMade(queue: Queue): void;
  queueDeleted(queue: Queue): void;
}
