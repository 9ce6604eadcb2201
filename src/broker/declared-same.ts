/**
 * Whether a declaration says the same as what is there already, in RabbitMQ's order and words.
 *
 * Not here: who may declare, and names that are taken by something else (name-rules.ts).
 */
import { BrokerError } from "../base/errors.ts";
import type { Exchange, ExchangeOptions } from "./exchange.ts";
import { shownName } from "./names.ts";
import type { Queue, QueueOptions } from "./queue.ts";
import type { BindingArguments } from "./routing/router.ts";

interface Declared {
  readonly vhost: string;
  readonly kind: "queue" | "exchange";
  readonly name: string;
}
type Field = [field: string, received: unknown, current: unknown];

/** Throws PRECONDITION_FAILED where it differs. */
export function assertSameExchange(vhost: string, options: ExchangeOptions, present: Exchange): void {
  const alternate = "alternate-exchange";
  assertSame({ vhost, kind: "exchange", name: present.name }, [
    ["type", options.type, present.type],
    ["durable", options.durable, present.durable],
    ["auto_delete", options.autoDelete, present.autoDelete],
    ["internal", options.internal, present.internal],
    [alternate, options.args[alternate], present.args[alternate]],
  ]);
}

/** Throws PRECONDITION_FAILED where it differs. */
export function assertSameQueue(vhost: string, options: QueueOptions, present: Queue): void {
  const declared = { vhost, kind: "queue", name: present.name } as const;
  assertSame(declared, [
    ["durable", options.durable, present.durable],
    ["exclusive", options.exclusiveOwner > 0, present.exclusiveOwner > 0],
    ["auto_delete", options.autoDelete, present.autoDelete],
  ]);
  for (const name of comparedArguments) {
    const received = options.args[name];
    const current = present.args[name];
    if (JSON.stringify(received) !== JSON.stringify(current))
      assertSame(declared, [[name, received, current]]);
  }
  if (typeName(options) !== typeName(present)) {
    assertSame(declared, [["x-queue-type", namedType(options), namedType(present)]]);
  }
}

/** Streams of other protocols have no such argument; a classic queue that does not say so is "none". */
function namedType({ kind, args }: QueueOptions | Queue): unknown {
  return args["x-queue-type"] ?? (kind === "stream" ? "stream" : undefined);
}

function assertSame({ vhost, kind, name }: Declared, fields: readonly Field[]): void {
  for (const [field, received, current] of fields) {
    if (received === current) continue;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `inequivalent arg '${field}' for ${kind} '${shownName(name)}' in vhost '${shownName(vhost)}': ` +
        `received ${shown(received, current)} but current is ${shown(current, received)}`,
    );
  }
}

/** In RabbitMQ's order: the first that differs is named. */
const comparedArguments = [
  "x-expires",
  "x-message-ttl",
  "x-dead-letter-exchange",
  "x-dead-letter-routing-key",
  "x-dead-letter-strategy",
  "x-max-length",
  "x-max-length-bytes",
  "x-max-priority",
  "x-overflow",
  "x-queue-mode",
  "x-queue-version",
  "x-single-active-consumer",
  "x-delivery-limit",
  "x-max-age",
];

function typeName({ kind, args }: { kind: "queue" | "stream"; args: BindingArguments }): unknown {
  return kind === "stream" ? "stream" : (args["x-queue-type"] ?? "classic");
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
