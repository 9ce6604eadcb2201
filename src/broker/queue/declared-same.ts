/**
 * Whether a declaration names what is there: RabbitMQ's comparison of properties and arguments, and its texts.
 *
 * Invariant: what is compared is what the type of the queue that is there has; other arguments may differ.
 */
import { BrokerError } from "../../base/errors.ts";
import type { ExchangeOptions } from "../exchange/exchange.ts";
import { shownName } from "../names.ts";
import type { QueueOptions } from "./queue.ts";

type Compared = readonly [field: string, received: unknown, current: unknown];

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameExchange(vhost: string, received: ExchangeOptions, current: ExchangeOptions): void {
  assertSame(`exchange '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    ["type", received.type, current.type],
    ["durable", received.durable, current.durable],
    ["auto_delete", received.autoDelete, current.autoDelete],
    ["internal", received.internal, current.internal],
    ["alternate-exchange", received.args["alternate-exchange"], current.args["alternate-exchange"]],
  ]);
}

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameQueue(vhost: string, received: QueueOptions, current: QueueOptions): void {
  const names = comparedArguments[typeName(current)] ?? comparedArguments["classic"]!;
  assertSame(`queue '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    ["durable", received.durable, current.durable],
    ["exclusive", received.exclusiveOwner > 0, current.exclusiveOwner > 0],
    ["auto_delete", received.autoDelete, current.autoDelete],
    ...names.map((name): Compared => [name, argumentOf(received, name), argumentOf(current, name)]),
  ]);
}

/** By the type of the queue that is there, in RabbitMQ's order: the first that differs is named. */
const comparedArguments: Readonly<Record<string, readonly string[]>> = {
  classic: [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-single-active-consumer",
    "x-queue-type",
    "x-queue-master-locator",
  ],
  quorum: [
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-expires",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-overflow",
    "x-single-active-consumer",
    "x-queue-type",
    "x-quorum-initial-group-size",
    "x-delivery-limit",
    "x-message-ttl",
    "x-queue-leader-locator",
  ],
  stream: [
    "x-max-length-bytes",
    "x-queue-type",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-initial-cluster-size",
    "x-queue-leader-locator",
  ],
};

function typeName({ kind, args }: QueueOptions): string {
  if (kind === "stream") return "stream";
  return args["x-queue-type"] === "quorum" ? "quorum" : "classic";
}

/** Streams of other protocols have no such argument. */
function argumentOf({ kind, args }: QueueOptions, name: string): unknown {
  return args[name] ?? (name === "x-queue-type" && kind === "stream" ? "stream" : undefined);
}

/** A classic queue may say so or not. */
function isSame(field: string, received: unknown, current: unknown): boolean {
  if (field === "x-queue-type" && saysClassic(received) && saysClassic(current)) return true;
  return received === current || JSON.stringify(received) === JSON.stringify(current);
}

function saysClassic(type: unknown): boolean {
  return type === undefined || type === "classic";
}

function assertSame(what: string, fields: readonly Compared[]): void {
  for (const [field, received, current] of fields) {
    if (isSame(field, received, current)) continue;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `inequivalent arg '${field}' for ${what}: ` +
        `received ${shown(received, current)} but current is ${shown(current, received)}`,
    );
  }
}

/** RabbitMQ's way of naming a value in a 406: with its type only where the other side has none. */
function shown(value: unknown, other: unknown): string {
  if (value === undefined) return "none";
  if (other !== undefined) return `'${typeof value === "string" ? value : JSON.stringify(value)}'`;
  // Which integer type it came as is not kept: this is the one that clients choose for such a number.
  if (typeof value === "number") {
    return `the value '${value}' of type '${(value | 0) === value ? "signedint" : "long"}'`;
  }
  if (typeof value === "string") return `the value '${value}' of type 'longstr'`;
  if (typeof value === "boolean") return `the value '${value}' of type 'bool'`;
  return `'${JSON.stringify(value)}'`;
}
