/** What a queue's arguments ask for, read once. Times in ms, sizes in bytes; undefined is unbounded. */
import type { BindingArguments } from "../exchange/routing/router.ts";

export interface QueuePolicy {
  readonly messageTtl: number | undefined;
  readonly expires: number | undefined;
  readonly maxLength: number | undefined;
  readonly maxLengthBytes: number | undefined;
  /** Drop the oldest, refuse the newest, or refuse it and dead-letter it. */
  readonly overflow: "drop-head" | "reject-publish" | "reject-publish-dlx";
  /** A bound drops what is given back before anybody gets it again, as in RabbitMQ's classic queues; its quorum queues deliver first. */
  readonly dropsReturned: boolean;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  readonly deliveryLimit: number | undefined;
  /** Kafka's topic configuration may change these two. How long acknowledged records of a queue, or all records of a stream, stay readable. */
  historyMs: number | undefined;
  historyBytes: number | undefined;
  readonly singleActiveConsumer: boolean;
  /** What is given back waits behind what was given back before, as in RabbitMQ's quorum queues; else it has its old place. */
  readonly keepsReturnOrder: boolean;
  /** Deliveries after the first say how many came before (`x-delivery-count`, as of RabbitMQ's quorum queues). */
  readonly countsDeliveries: boolean;
  /** Some records may expire: the head is looked at before each delivery. */
  canExpire: boolean;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

/** A name in the broker's form: a latin1 string of its bytes. */
function nameOf(value: unknown): string | undefined {
  return typeof value === "string" ? Buffer.from(value).latin1Slice() : undefined;
}

const ageUnitsMs: Record<string, number> = {
  Y: 365 * 86_400_000,
  M: 30 * 86_400_000,
  D: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
};

function overflowOf(value: unknown): QueuePolicy["overflow"] {
  return value === "reject-publish" || value === "reject-publish-dlx" ? value : "drop-head";
}

/** RabbitMQ's `x-max-age`: a number and a unit, such as `7D`; undefined when it is not of that form. */
export function maxAgeMs(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const unit = ageUnitsMs[value.slice(-1)];
  const count = Number(value.slice(0, -1));
  return unit === undefined || !Number.isInteger(count) || count < 0 ? undefined : count * unit;
}

/** Acknowledged records stay readable for a while. */
export function keepsHistory({ historyMs, historyBytes }: QueuePolicy): boolean {
  return historyMs !== undefined || historyBytes !== undefined;
}

export function queuePolicy(args: BindingArguments): QueuePolicy {
  const messageTtl = numberOf(args["x-message-ttl"]);
  // -1 is none, as for RabbitMQ 4; without the argument there is none, as before it.
  const deliveryLimit = numberOf(args["x-delivery-limit"]);
  const overflow = overflowOf(args["x-overflow"]);
  const maxLength = numberOf(args["x-max-length"]);
  const maxLengthBytes = numberOf(args["x-max-length-bytes"]);
  const isBounded = maxLength !== undefined || maxLengthBytes !== undefined;
  const isQuorum = args["x-queue-type"] === "quorum";
  const isClassic = !isQuorum && args["x-queue-type"] !== "stream";
  return {
    messageTtl,
    expires: numberOf(args["x-expires"]),
    maxLength,
    maxLengthBytes,
    overflow,
    dropsReturned: isBounded && overflow === "drop-head" && isClassic,
    deadLetterExchange: nameOf(args["x-dead-letter-exchange"]),
    deadLetterRoutingKey: nameOf(args["x-dead-letter-routing-key"]),
    deliveryLimit,
    historyMs: numberOf(args["x-history-ms"]) ?? maxAgeMs(args["x-max-age"]),
    historyBytes: numberOf(args["x-history-bytes"]),
    singleActiveConsumer: args["x-single-active-consumer"] === true,
    keepsReturnOrder: isQuorum,
    countsDeliveries: deliveryLimit !== undefined || isQuorum,
    canExpire: messageTtl !== undefined,
  };
}
