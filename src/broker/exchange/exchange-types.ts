/**
 * The types of exchanges, a row for each: how it routes, what it asks of arguments and bindings, what it keeps.
 *
 * Texts and order of checks are RabbitMQ's and its plugins'. Not here: finding all queues of a message (routes.ts), the stations that keep
 * messages (stations/).
 */
import { BrokerError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { FieldValue } from "../../message/amqp/table.ts";
import { type PlainValue, usualType } from "../../message/amqp/table-plain.ts";
import { queueTypeOf } from "../queue/queue-type.ts";
import { type ExchangeOptions, type ExchangeType, exchangeTypes } from "./definition.ts";
import { ConsistentHashRouter, hashedProperties } from "./routing/consistent-hash.ts";
import { DirectRouter } from "./routing/direct.ts";
import { FanoutRouter } from "./routing/fanout.ts";
import { HeadersRouter } from "./routing/headers.ts";
import { ModulusHashRouter, RandomRouter } from "./routing/one-of-all.ts";
import type { Named } from "./routing/ordered-bindings.ts";
import { PartitionRouter } from "./routing/partition.ts";
import type { BindingArguments, Router } from "./routing/router.ts";
import { TopicRouter } from "./routing/topic.ts";
import type { StationKind } from "./stations/station.ts";

/** What a binding leads to, as its source's type may ask. */
export interface BoundTo extends Named {
  readonly args: BindingArguments;
}

type Checked = Pick<ExchangeOptions, "args" | "argTypes">;

export interface ExchangeTypeRow {
  /** As RabbitMQ's plugins describe themselves. */
  readonly description: string;
  /** Only the broker makes such exchanges. */
  readonly isOwn?: true;
  makeRouter<Destination extends Named>(args: BindingArguments, random: Random): Router<Destination>;
  /** Throws PRECONDITION_FAILED for arguments that no exchange of the type has. */
  checkArguments?(options: Checked): void;
  /** Throws PRECONDITION_FAILED for a binding that no exchange of the type has. */
  checkBinding?(key: string, destination: BoundTo): void;
  /** The order in which bindings were made counts, and is kept. */
  readonly keepsOrder?: true;
  readonly station?: StationKind;
}

const rows: Readonly<Record<ExchangeType, ExchangeTypeRow>> = {
  direct: {
    description: "AMQP direct exchange, as per the AMQP specification",
    makeRouter: () => new DirectRouter(),
  },
  fanout: {
    description: "AMQP fanout exchange, as per the AMQP specification",
    makeRouter: () => new FanoutRouter(),
  },
  topic: {
    description: "AMQP topic exchange, as per the AMQP specification",
    makeRouter: () => new TopicRouter(),
  },
  headers: {
    description: "AMQP headers exchange, as per the AMQP specification",
    makeRouter: () => new HeadersRouter(),
  },
  "x-consistent-hash": {
    description: "Consistent Hashing Exchange",
    makeRouter: (args) => new ConsistentHashRouter(args),
    checkArguments: checkHashArguments,
    checkBinding: checkWeight,
    keepsOrder: true,
  },
  "x-delayed-message": {
    description: "Delayed Message Exchange.",
    // Such an exchange is what its argument says, see `rowOf`.
    makeRouter: () => new FanoutRouter(),
    checkArguments: checkDelayedType,
    station: "delay",
  },
  /** Spreads messages over the partitions of a topic by key, as Kafka's default partitioner does. */
  "x-kafka-topic": {
    description: "Partitions of a Kafka topic",
    isOwn: true,
    makeRouter: () => new PartitionRouter(),
  },
  "x-local-random": {
    description: "Picks one random local binding (queue) to route via (to).",
    makeRouter: (_args, random) => new RandomRouter(random),
    checkBinding: checkLocal,
  },
  "x-modulus-hash": {
    description: "Modulus Hashing Exchange",
    makeRouter: () => new ModulusHashRouter(),
  },
  "x-random": {
    description: "Randomly picks a binding (queue) to route via (to).",
    makeRouter: (_args, random) => new RandomRouter(random),
  },
  "x-recent-history": {
    description: "Recent History Exchange.",
    makeRouter: () => new FanoutRouter(),
    checkArguments: checkHistoryLength,
    station: "history",
  },
};

/** The row of an exchange. A delayed exchange routes, and is bound, as the type that its argument names. */
export function rowOf({ type, args }: Pick<ExchangeOptions, "type" | "args">): ExchangeTypeRow {
  if (type !== "x-delayed-message") return rows[type];
  const inner = declaredType(args["x-delayed-type"]);
  return inner === undefined ? rows[type] : { ...rows[inner], station: "delay" };
}

export function exchangeTypeDescription(type: ExchangeType): string {
  return rows[type].description;
}

/** The type of that name, if a client may declare an exchange of it. */
export function declaredType(name: unknown): ExchangeType | undefined {
  const type = exchangeTypes.find((known) => known === name);
  return type === undefined || rows[type].isOwn === true ? undefined : type;
}

/**
 * Names that are no types, but Erlang atoms of RabbitMQ's own (asked of 3.10.8): it calls them invalid, and all others unknown. There are
 * more such atoms than are worth knowing.
 */
const atoms: ReadonlySet<unknown> = new Set(["", "none", "undefined", "true", "false", "queue", "stream"]);

/** What is wrong with a name for which `declaredType` has none, in RabbitMQ's words. */
export function typeProblem(name: unknown): string {
  return `${atoms.has(name) ? "invalid" : "unknown"} exchange type '${String(name)}'`;
}

/** Throws PRECONDITION_FAILED for arguments that no exchange of that type has. */
export function checkExchangeArguments(options: Pick<ExchangeOptions, "type" | "args" | "argTypes">): void {
  rows[options.type].checkArguments?.(options);
}

function refused(text: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", text);
}

function typeOf({ args, argTypes }: Checked, name: string): FieldValue["type"] | undefined {
  const value = args[name];
  return value === undefined ? undefined : (argTypes?.[name] ?? usualType(value as PlainValue));
}

function checkHashArguments(options: Checked): void {
  const { args } = options;
  for (const name of ["hash-header", "hash-property"]) {
    const type = typeOf(options, name);
    if (type !== undefined && type !== "S") throw refused(`invalid arg '${name}': it must be a string`);
  }
  const property = args["hash-property"];
  if (property === undefined) return;
  if (args["hash-header"] !== undefined)
    throw refused("hash-header and hash-property are mutually exclusive");
  if (!hashedProperties.some((known) => known === property))
    throw refused(`Unsupported property: ${property as string}`);
}

/** The most buckets of one binding: sums of them stay exact. */
const weightMax = 2 ** 31 - 1;

function checkWeight(key: string): void {
  const shown = shownBinary(key);
  if (!/^[+-]?\d+$/.test(key)) throw refused(`The binding key must be an integer: ${shown}`);
  if (Number(key) < 1) throw refused("The binding key must be greater than 0");
  if (Number(key) > weightMax) throw refused(`The binding key must be at most ${weightMax}: ${shown}`);
}

/** A text of bytes as Erlang shows a binary. */
function shownBinary(text: string): string {
  if (text === "") return "<<>>";
  const bytes = Buffer.from(text, "latin1");
  // Erlang takes each byte for a character, and its text for the bytes of UTF-8 again.
  const isText = /^[\t-\r\x20-\x7e\xa0-\xff]*$/.test(text);
  return isText ? `<<${JSON.stringify(bytes.toString())}>>` : `<<${[...bytes].join(",")}>>`;
}

function checkLocal(key: string, destination: BoundTo): void {
  if (key !== "")
    throw refused(`Non empty binding '${Buffer.from(key, "latin1").toString()}' key not permitted`);
  if (destination.kind === "exchange") throw refused("Destination not found");
  const type = queueTypeOf(destination);
  if (type !== "classic") throw refused(`Queue type rabbit_${type}_queue not valid for this exchange type`);
}

/** The integers that the plugin takes: byte, short, signedint, long. */
const lengthTypes = "bsIlL";

function checkHistoryLength(options: Checked): void {
  const type = typeOf(options, "x-recent-history-length");
  if (type === undefined) return;
  const value = options.args["x-recent-history-length"];
  if (lengthTypes.includes(type) && Number(value) > 0) return;
  const shown = typeof value === "string" ? shownBinary(value) : JSON.stringify(value);
  throw refused(`Invalid argument ${shown}, 'x-recent-history-length' must be a positive integer`);
}

function checkDelayedType({ args, argTypes }: Checked): void {
  const inner = declaredType(args["x-delayed-type"]);
  if (inner === undefined || inner === "x-delayed-message" || rows[inner].station !== undefined)
    throw refused("Invalid argument, 'x-delayed-type' must be an existing exchange type");
  rows[inner].checkArguments?.({ args, argTypes });
}
