/**
 * Where the dead letters of a queue go: to its dead-letter exchange; else, where a retry policy says how often a record is delivered, to
 * the queue `<name>.dead`, which is made when the first of them comes.
 *
 * A record that was rejected as often as its policy allows is not lost: while `<name>.dead` cannot take it, it stays where it is. Not here:
 * what the dead letter says (queue/dead-letter.ts). As in RabbitMQ, what a dead-letter exchange does not route is gone.
 */
import { BrokerError } from "../../base/errors.ts";
import { shownName } from "../names.ts";
import { deadLettersOf, type QueuePolicy } from "../policy/policy.ts";
import type { Vhost } from "../vhost.ts";

/** Why a record leaves its queue unconsumed; RabbitMQ's words. */
export type DeadLetterReason = "expired" | "maxlen" | "rejected" | "delivery_limit";

export interface DeadLetterPlace {
  readonly exchange: string;
  /** Undefined: the keys that the message was published with. */
  readonly key: string | undefined;
  /** A dead letter that no queue takes stays in its queue. */
  readonly isSure: boolean;
}

/** The part of the queue that is needed here. */
interface DyingQueue {
  readonly name: string;
  readonly policy: QueuePolicy;
  readonly durable: boolean;
  readonly vhost: Vhost;
}

export function deadQueueName(name: string): string {
  return `${name}.dead`;
}

/** Null: a record that goes for that reason has no place to go to. */
export function deadLetterPlace(
  { name, policy }: DyingQueue,
  reason: DeadLetterReason,
): DeadLetterPlace | null {
  const { deadLetterExchange: exchange, deadLetterRoutingKey: key, retryLimit } = policy;
  if (exchange !== undefined) return { exchange, key, isSure: false };
  const isGivenUp = reason === "rejected" || reason === "delivery_limit";
  if (retryLimit === undefined || !isGivenUp) return null;
  return { exchange: "", key: deadQueueName(name), isSure: true };
}

/** Makes the queue `<name>.dead` where it is not there. False: it cannot be now. */
export function makeDeadQueue({ name, durable, vhost }: DyingQueue): boolean {
  const deadName = deadQueueName(name);
  if (vhost.queues.has(deadName)) return true;
  const args = { [deadLettersOf]: shownName(name) };
  const options = { kind: "queue", exclusiveOwner: 0, autoDelete: false, args } as const;
  try {
    vhost.declareQueue({ ...options, name: deadName, durable });
    return true;
  } catch (error) {
    // Its name is too long or another thing's, or the virtual host may have no more queues.
    if (error instanceof BrokerError) return false;
    throw error;
  }
}
