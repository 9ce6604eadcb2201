/**
 * The cells of the matrix policy x producer x consumer x restart, and those that are not run, each with its reason.
 *
 * Invariant: every combination is a cell or is listed, never both.
 */
import { type ConsumerKind, consumers } from "./consumers.ts";
import { policies, type PolicyCase } from "./policies.ts";
import { type ProducerKind, producers } from "./producers.ts";

export interface Cell {
  readonly policy: PolicyCase;
  readonly producer: ProducerKind;
  readonly consumer: ConsumerKind;
}

export const producerNames = ["AMQP", "Redis", "Kafka"] as const;
export const consumerNames = [
  "AMQP queue",
  "AMQP group",
  "Redis group",
  "Kafka group",
  "Kafka share group",
] as const;

interface Left {
  readonly policy?: readonly string[];
  readonly producer?: readonly string[];
  readonly consumer?: readonly string[];
  readonly why: string;
}

/** Why combinations are not run; the first that applies. */
const left: readonly Left[] = [];

export function nameOf(policy: string, producer: string, consumer: string): string {
  return `${policy}: ${producer} to ${consumer}`;
}

export function reasonAgainst(policy: string, producer: string, consumer: string): string | undefined {
  const has = (names: readonly string[] | undefined, name: string): boolean =>
    names === undefined || names.includes(name);
  return left.find(
    (each) => has(each.policy, policy) && has(each.producer, producer) && has(each.consumer, consumer),
  )?.why;
}

export const cells: readonly Cell[] = policies.flatMap((policy) =>
  producers.flatMap((producer) =>
    consumers.flatMap((consumer) =>
      reasonAgainst(policy.name, producer.name, consumer.name) === undefined
        ? [{ policy, producer, consumer }]
        : [],
    ),
  ),
);
