/**
 * Whether a declaration names what is there: RabbitMQ's comparison of properties and arguments, and its texts.
 *
 * Values are compared, not the types they came in: 1 is 1 as a byte or as a long, but not as a double. The texts name types.
 * Invariant: what is compared is what the type of the queue that is there has; other arguments may differ.
 */
import { BrokerError } from "../base/errors.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { shownName } from "./names.ts";
import type { QueueOptions } from "./queue.ts";

/** With RabbitMQ's names of the types in which they came, where these are arguments. */
interface Compared {
  readonly field: string;
  readonly received: unknown;
  readonly current: unknown;
  readonly receivedType?: string | undefined;
  readonly currentType?: string | undefined;
}

/** Types of arguments that are not what `usualTypeName` says: mostly there are none. */
export type ArgumentTypes = Readonly<Record<string, string>>;

/** The type that clients choose for such a value. */
export function usualTypeName(value: unknown): string {
  if (typeof value === "number") return (value | 0) === value ? "signedint" : "long";
  if (typeof value === "string") return "longstr";
  return typeof value === "boolean" ? "bool" : "table";
}

const floatTypes: ReadonlySet<string | undefined> = new Set(["float", "double"]);

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameExchange(vhost: string, received: ExchangeOptions, current: ExchangeOptions): void {
  assertSame(`exchange '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    { field: "type", received: received.type, current: current.type },
    { field: "durable", received: received.durable, current: current.durable },
    { field: "auto_delete", received: received.autoDelete, current: current.autoDelete },
    { field: "internal", received: received.internal, current: current.internal },
    {
      field: "alternate-exchange",
      received: received.args["alternate-exchange"],
      current: current.args["alternate-exchange"],
    },
  ]);
}

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameQueue(vhost: string, received: QueueOptions, current: QueueOptions): void {
  const names = comparedArguments[typeName(current)] ?? comparedArguments["classic"]!;
  assertSame(`queue '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    { field: "durable", received: received.durable, current: current.durable },
    { field: "exclusive", received: received.exclusiveOwner > 0, current: current.exclusiveOwner > 0 },
    { field: "auto_delete", received: received.autoDelete, current: current.autoDelete },
    ...names.map((name): Compared => ({
      field: name,
      received: argumentOf(received, name),
      current: argumentOf(current, name),
      receivedType: received.argumentTypes?.[name],
      currentType: current.argumentTypes?.[name],
    })),
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
function isSame({ field, received, current, receivedType, currentType }: Compared): boolean {
  if (field === "x-queue-type" && saysClassic(received) && saysClassic(current)) return true;
  if (floatTypes.has(receivedType) !== floatTypes.has(currentType)) return false;
  return received === current || JSON.stringify(received) === JSON.stringify(current);
}

function saysClassic(type: unknown): boolean {
  return type === undefined || type === "classic";
}

function assertSame(what: string, fields: readonly Compared[]): void {
  for (const compared of fields) {
    if (isSame(compared)) continue;
    const { field, received, current, receivedType, currentType } = compared;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `inequivalent arg '${field}' for ${what}: ` +
        `received ${shown(received, receivedType, current)} but current is ${shown(current, currentType, received)}`,
    );
  }
}

/** RabbitMQ's way of naming a value in a 406: with its type only where the other side has none. */
function shown(value: unknown, type: string | undefined, other: unknown): string {
  if (value === undefined) return "none";
  const text = valueText(value, type);
  if (other !== undefined) return `'${text}'`;
  return `the value '${text}' of type '${type ?? usualTypeName(value)}'`;
}

function valueText(value: unknown, type: string | undefined): string {
  if (typeof value === "string") return value;
  return floatTypes.has(type) && Number.isInteger(value) ? `${String(value)}.0` : JSON.stringify(value);
}
