/**
 * Compares a declaration with the existing queue or exchange: RabbitMQ's comparison of properties and arguments, and its error
 * texts.
 *
 * Invariant: the type of the existing queue says which arguments are compared; others may differ.
 */
import { BrokerError } from "../../base/errors.ts";
import type { ExchangeOptions } from "../exchange/definition.ts";
import { fieldTypeNames, type FieldValue } from "../../message/amqp/table.ts";
import { type PlainValue, usualType } from "../../message/amqp/table-plain.ts";
import { shownName } from "../names.ts";
import type { QueueOptions } from "./definition.ts";
import { queueTypeOf } from "./queue-type.ts";
import type { ArgumentTypes } from "../exchange/routing/plain-arguments.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";

/** The declared value of one field; undefined: none. */
interface Declared {
  readonly value: unknown;
  readonly type: FieldValue["type"];
}

type Compared = readonly [field: string, received: Declared, current: Declared];

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameExchange(vhost: string, received: ExchangeOptions, current: ExchangeOptions): void {
  assertSame(`exchange '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    ["type", property(shownType(received)), property(shownType(current))],
    ["durable", property(received.durable), property(current.durable)],
    ["auto_delete", property(received.autoDelete), property(current.autoDelete)],
    ["internal", property(received.internal), property(current.internal)],
    ["alternate-exchange", argument(received, "alternate-exchange"), argument(current, "alternate-exchange")],
  ]);
}

/** RabbitMQ shows the atom: with quotes of its own where there is a hyphen in it. */
function shownType({ type }: ExchangeOptions): string {
  return type.includes("-") ? `'${type}'` : type;
}

/** @throws PRECONDITION_FAILED that names the first difference */
export function assertSameQueue(vhost: string, received: QueueOptions, current: QueueOptions): void {
  const names = comparedArguments[queueTypeOf(current)] ?? comparedArguments["classic"]!;
  assertSame(`queue '${shownName(current.name)}' in vhost '${shownName(vhost)}'`, [
    ["durable", property(received.durable), property(current.durable)],
    ["exclusive", property(received.exclusiveOwner > 0), property(current.exclusiveOwner > 0)],
    ["auto_delete", property(received.autoDelete), property(current.autoDelete)],
    ...names.map((name): Compared => [name, queueArgument(received, name), queueArgument(current, name)]),
  ]);
}

/** By the type of the existing queue, in RabbitMQ's order: the error names the first that differs. */
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

/** A stream that another protocol made has no `x-queue-type` argument. */
function queueArgument(options: QueueOptions, name: string): Declared {
  const isImplied = name === "x-queue-type" && options.kind === "stream" && options.args[name] === undefined;
  return isImplied ? property("stream") : argument(options, name);
}

interface WithArguments {
  readonly args: BindingArguments;
  readonly argTypes?: ArgumentTypes | undefined;
}

function argument({ args, argTypes }: WithArguments, name: string): Declared {
  const declared = property(args[name]);
  return { ...declared, type: argTypes?.[name] ?? declared.type };
}

function property(value: unknown): Declared {
  return { value, type: value === undefined ? "V" : usualType(value as PlainValue) };
}

/** `x-queue-type: classic` is the same as no argument. */
function isSame(field: string, received: Declared, current: Declared): boolean {
  if (field === "x-queue-type" && saysClassic(received.value) && saysClassic(current.value)) return true;
  return (
    numberClass(received) === numberClass(current) &&
    JSON.stringify(received.value) === JSON.stringify(current.value)
  );
}

function saysClassic(type: unknown): boolean {
  return type === undefined || type === "classic";
}

/** An integer, a float and a decimal of the same number differ; all integer types are the same, timestamps included. */
function numberClass({ value, type }: Declared): "float" | "decimal" | "other" {
  if (typeof value !== "number") return "other";
  if (type === "D") return "decimal";
  return type === "f" || type === "d" ? "float" : "other";
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

/** A value as RabbitMQ shows it in a 406: with its type only if the other side has no value. */
function shown(declared: Declared, other: Declared): string {
  const { value, type } = declared;
  if (value === undefined) return "none";
  if (other.value === undefined) return `the value '${textOf(declared)}' of type '${fieldTypeNames[type]}'`;
  return value === null ? "none" : `'${textOf(declared)}'`;
}

/** As Erlang prints it, except for arrays and tables. */
function textOf(declared: Declared): string {
  const { value } = declared;
  if (typeof value === "string") return value;
  if (value === null) return "undefined";
  const text = JSON.stringify(value);
  return numberClass(declared) === "float" && /^-?\d+$/.test(text) ? `${text}.0` : text;
}
