/** Dead-lettering: a record that a queue gives up goes to the queue's dead-letter exchange, with its history. */
import type { Broker } from "./broker.ts";
import type { Queue } from "./queue.ts";
import type { DeadLetterReason } from "./retention.ts";

export function deadLetter(_broker: Broker, _queue: Queue, _offset: number, _reason: DeadLetterReason): void {
  throw new Error("dead-lettering is being written");
}
