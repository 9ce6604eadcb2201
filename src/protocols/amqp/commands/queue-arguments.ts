/**
 * What the arguments of queue.declare and basic.consume may be: RabbitMQ's checks, in its order, and its texts, as tables.
 *
 * Unknown arguments pass, as in RabbitMQ; `x-history-ms` and `x-history-bytes` are our own. What an argument means is
 * in broker/policy/policy.ts. Invariant: what passes here is read there without a second look.
 */
import { limits } from "../../../base/limits.ts";
import { adviceForValue } from "../../../broker/policy/own-values.ts";
import { maxAgeMs } from "../../../broker/policy/policy.ts";
import { type QueueType, queueTypes } from "../../../broker/queue/queue-type.ts";
import { type FieldTable, fieldTypeNames, type FieldValue, findField } from "../../../message/amqp/table.ts";
import { displayText } from "../../../message/amqp/text.ts";
import { dedupByOf } from "../../../message/identity/dedup-by.ts";
import { AmqpError } from "../core/errors.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** RabbitMQ's largest time, ten years; beyond it: value_too_large. */
export const durationMsMax = 315_360_000_000;
const prioritiesMax = 255;

/** The fault of a value, in RabbitMQ's words; undefined for none. */
type Check = (field: FieldValue, table: FieldTable) => string | undefined;

interface ArgumentRule {
  readonly check: Check;
  readonly types: readonly QueueType[];
}

/** RabbitMQ's name for the type of a field. */
export function fieldTypeName({ type }: FieldValue): string {
  return fieldTypeNames[type];
}

const integerTypes = "bBsuIilL";

/** The integer in a field; otherwise RabbitMQ's complaint. */
export function integerOf(field: FieldValue): number | string {
  if (!integerTypes.includes(field.type)) return `"expected integer, got ${fieldTypeNames[field.type]}"`;
  return Number((field as { readonly value: number | bigint }).value);
}

const atLeastZero: Check = (field) => {
  const value = integerOf(field);
  if (typeof value === "string") return value;
  return value < 0 ? `{value_negative,${value}}` : undefined;
};

const duration: Check = (field) => {
  const problem = atLeastZero(field, []);
  const value = integerOf(field);
  return problem ?? (Number(value) > durationMsMax ? `{value_too_large,${value}}` : undefined);
};

const durationAboveZero: Check = (field) => {
  return integerOf(field) === 0 ? "{value_zero,0}" : duration(field, []);
};

const aboveZero: Check = (field) => (integerOf(field) === 0 ? "{value_zero,0}" : atLeastZero(field, []));

/** Fractions too. */
const between =
  (least: number, most: number): Check =>
  (field) => {
    if (field.type !== "d" && field.type !== "f" && !integerTypes.includes(field.type))
      return unacceptable(field);
    const value = Number((field as { readonly value: number | bigint }).value);
    return value >= least && value <= most ? undefined : `{value_out_of_range,${value},${least},${most}}`;
  };

const clusterSize: Check = (field) => (integerOf(field) === 0 ? "{value_zero,0}" : atLeastZero(field, []));

const queueVersion: Check = (field) => {
  const version = integerOf(field);
  return (
    atLeastZero(field, []) ??
    (version === 1 || version === 2 ? undefined : `"unsupported queue version '${version}'"`)
  );
};

const priorities: Check = (field) => {
  const value = integerOf(field);
  return (
    atLeastZero(field, []) ?? (Number(value) > prioritiesMax ? `{max_value_exceeded,${value}}` : undefined)
  );
};

function unacceptable(field: FieldValue): string {
  return `{unacceptable_type,${fieldTypeNames[field.type]}}`;
}

const text: Check = (field) => (field.type === "S" ? undefined : unacceptable(field));
const flag: Check = (field) => (field.type === "t" ? undefined : unacceptable(field));
const any: Check = () => undefined;

function oneOf(values: readonly string[], problem: string): Check {
  return (field) => {
    if (field.type !== "S") return unacceptable(field);
    return values.includes(displayText(field.value)) ? undefined : problem;
  };
}

const queueMode: Check = (field) => {
  if (field.type !== "S") return unacceptable(field);
  const mode = displayText(field.value);
  return mode === "default" || mode === "lazy" ? undefined : `"unsupported queue mode '${mode}'"`;
};

const deadLetterKey: Check = (field, table) =>
  text(field, table) ??
  (findField(table, "x-dead-letter-exchange") === undefined
    ? "routing_key_but_no_dlx_defined"
    : tooLong(field));

/** RabbitMQ takes longer ones, and cannot deliver what is published under them. */
function tooLong(field: FieldValue): string | undefined {
  const size = field.type === "S" ? Buffer.byteLength(field.value) : 0;
  return size > limits.nameBytesMax ? `{routing_key_too_long,${size}}` : undefined;
}

const dedupWindow: Check = (field) => {
  const value = Number(integerOf(field));
  return (
    atLeastZero(field, []) ?? (value > limits.dedupWindowMsMax ? `{value_too_large,${value}}` : undefined)
  );
};

const dedupBy: Check = (field, table) =>
  text(field, table) ??
  (field.type === "S" && dedupByOf(displayText(field.value)) === null ? "invalid_dedup_by" : undefined);

const maxAge: Check = (field) => {
  if (field.type !== "S") return unacceptable(field);
  // Not 0, which would keep nothing.
  return (maxAgeMs(displayText(field.value)) ?? 0) === 0 ? "invalid_max_age" : undefined;
};

const segmentBytesMax = 3_000_000_000;
const [filterBytesMin, filterBytesMax] = [16, 255];

const streamOffset: Check = (field) => {
  // Whatever is no text passes: a number is an offset, and what is neither finds nothing.
  if (field.type !== "S" || streamOffsetWords.has(displayText(field.value))) return undefined;
  const value = displayText(field.value);
  return (maxAgeMs(value) ?? 0) === 0 ? `{invalid_stream_offset_arg,{longstr,<<"${value}">>}}` : undefined;
};

const streamOffsetWords: ReadonlySet<string> = new Set(["first", "last", "next"]);

const everywhere: readonly QueueType[] = queueTypes;
const queues: readonly QueueType[] = ["classic", "quorum"];

export const queueArguments: Readonly<Record<string, ArgumentRule>> = {
  "x-expires": { check: durationAboveZero, types: queues },
  "x-message-ttl": { check: duration, types: queues },
  "x-dead-letter-exchange": { check: any, types: queues },
  "x-dead-letter-routing-key": { check: deadLetterKey, types: queues },
  "x-dead-letter-strategy": {
    check: oneOf(["at-most-once", "at-least-once"], "invalid_dlx_strategy"),
    types: ["quorum"],
  },
  "x-max-length": { check: atLeastZero, types: queues },
  "x-max-length-bytes": { check: atLeastZero, types: everywhere },
  "x-max-in-memory-length": { check: atLeastZero, types: ["quorum"] },
  "x-max-in-memory-bytes": { check: atLeastZero, types: ["quorum"] },
  "x-max-priority": { check: priorities, types: ["classic"] },
  "x-overflow": {
    check: oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], "invalid_overflow"),
    types: queues,
  },
  "x-queue-mode": { check: queueMode, types: ["classic"] },
  "x-queue-version": { check: queueVersion, types: ["classic"] },
  "x-single-active-consumer": { check: flag, types: queues },
  "x-quorum-initial-group-size": { check: clusterSize, types: ["quorum"] },
  "x-max-age": { check: maxAge, types: ["stream"] },
  "x-stream-max-segment-size-bytes": { check: atLeastZero, types: ["stream"] },
  "x-stream-filter-size-bytes": { check: atLeastZero, types: ["stream"] },
  "x-initial-cluster-size": { check: clusterSize, types: ["stream"] },
  "x-queue-leader-locator": {
    check: oneOf(["client-local", "balanced", "random", "least-leaders"], "invalid_queue_locator_arg"),
    types: ["quorum", "stream"],
  },
  "x-queue-master-locator": { check: any, types: ["classic"] },
  "x-delivery-limit": { check: any, types: ["quorum"] },
  "x-consumer-timeout": { check: atLeastZero, types: everywhere },
  "x-history-ms": { check: atLeastZero, types: everywhere },
  "x-history-bytes": { check: atLeastZero, types: everywhere },
  "x-retry-limit": { check: aboveZero, types: everywhere },
  "x-retry-backoff-ms": { check: atLeastZero, types: everywhere },
  "x-retry-factor": { check: between(1, 1000), types: everywhere },
  "x-retry-max-ms": { check: atLeastZero, types: everywhere },
  "x-retry-jitter": { check: between(0, 1), types: everywhere },
  "x-delay-allowed": { check: flag, types: everywhere },
  "x-dedup-window-ms": { check: dedupWindow, types: everywhere },
  "x-dedup-by": { check: dedupBy, types: everywhere },
  "x-trace-sample": { check: between(0, 1), types: everywhere },
  "x-retry-keeps-order": { check: flag, types: queues },
};

/** Arguments of basic.consume. A queue that keeps its history is read like a stream by who gives an offset. */
const consumeArguments: Readonly<Record<string, ArgumentRule>> = {
  "x-priority": { check: (field) => problemOf(integerOf(field)), types: queues },
  "x-cancel-on-ha-failover": { check: flag, types: ["classic"] },
  "x-stream-offset": { check: streamOffset, types: ["stream"] },
  "x-group": { check: text, types: ["stream"] },
  "x-stream-filter": { check: any, types: ["stream"] },
  "x-stream-match-unfiltered": { check: any, types: ["stream"] },
};

function problemOf(value: number | string): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Throws PRECONDITION_FAILED for a wrong value, then for an argument that is another type's; `what` names the queue. */
function checkArguments(
  rules: Readonly<Record<string, ArgumentRule>>,
  table: FieldTable,
  { type, what }: { readonly type: QueueType; readonly what: string },
): void {
  for (const [name, { check, types }] of Object.entries(rules)) {
    const field = types.includes(type) ? findField(table, name) : undefined;
    const problem = field === undefined ? undefined : check(field, table);
    if (problem === undefined) continue;
    // RabbitMQ's words, where it has the argument.
    const advice = adviceForValue(name.replace(/^x-/, ""));
    throw refused(`invalid arg '${name}' for ${what}: ${advice ?? problem}`);
  }
  for (const { name } of table) {
    const rule = typeof name === "string" && Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined || rule.types.includes(type)) continue;
    throw refused(`invalid arg '${displayText(name)}' for ${what} of queue type rabbit_${type}_queue`);
  }
}

type Declare = MethodArguments["queue.declare"];

/** Throws PRECONDITION_FAILED unless the arguments make a queue; tells which type. `what` names the queue. */
export function checkQueueArguments(values: Declare, what: string): QueueType {
  const table = values.arguments;
  const type = typeOf(table, what);
  checkArguments(queueArguments, table, { type, what });
  checkProperties(values, type, what);
  const segment = type === "stream" ? findField(table, "x-stream-max-segment-size-bytes") : undefined;
  if (segment !== undefined && Number(integerOf(segment)) > segmentBytesMax) {
    throw refused("Exceeded max value for x-stream-max-segment-size-bytes");
  }
  const filter = type === "stream" ? findField(table, "x-stream-filter-size-bytes") : undefined;
  const filterBytes = filter === undefined ? filterBytesMin : Number(integerOf(filter));
  if (filterBytes < filterBytesMin || filterBytes > filterBytesMax) {
    throw refused("Invalid value for  x-stream-filter-size-bytes");
  }
  return type;
}

/** Throws PRECONDITION_FAILED unless the arguments may start a consumer of a queue of that type. */
export function checkConsumeArguments(table: FieldTable, type: QueueType, what: string): void {
  checkArguments(consumeArguments, table, { type, what });
}

/** A name that the server is to make is only for classic queues; asked before all else. */
export function assertServerNamed(table: FieldTable): void {
  const type = typeNamed(table);
  if (type !== "classic") {
    throw refused(`Cannot declare a server-named queue for type rabbit_${type}_queue`);
  }
}

/** The type that arguments name which need not be right. */
export function typeNamed(table: FieldTable): QueueType {
  const field = findField(table, "x-queue-type");
  const name = field?.type === "S" ? displayText(field.value) : "classic";
  return everywhere.find((known) => known === name) ?? "classic";
}

function typeOf(table: FieldTable, what: string): QueueType {
  const field = findField(table, "x-queue-type");
  if (field === undefined) return "classic";
  if (field.type !== "S") throw refused(`invalid arg 'x-queue-type' for ${what}: ${unacceptable(field)}`);
  const name = displayText(field.value);
  const type = everywhere.find((known) => known === name);
  if (type !== undefined) return type;
  throw refused(`invalid arg 'x-queue-type' for ${what}: "unsupported queue type '${name}'"`);
}

/** Quorum queues and streams outlive their connections, or would be no use. */
function checkProperties(values: Declare, type: QueueType, what: string): void {
  if (type === "classic") return;
  const properties: [isSet: boolean, name: string][] = [
    [values.autoDelete, "auto-delete"],
    [values.exclusive, "exclusive-owner"],
    [!values.durable, "non-durable"],
  ];
  for (const [isSet, name] of properties) {
    if (isSet) throw refused(`invalid property '${name}' for ${what}`);
  }
}

function refused(detail: string): AmqpError {
  return new AmqpError("PRECONDITION_FAILED", detail);
}
