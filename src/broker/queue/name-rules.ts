/**
 * Who may take a name in a virtual host: the one rule of the namespace that all protocols share.
 *
 *     is to become     while it is a value   a stream of Redis's alone   a queue, stream   an exchange   a topic's exchange
 *     a value          replaced              deleted for it              refused           refused       refused
 *     a stream (XADD)  refused               used                        used              refused       refused
 *     a queue, stream  refused               compared, and claimed       compared          made beside   refused
 *     an exchange      refused               made beside                 made beside       compared      compared
 *     a topic, or a
 *     partition of one refused               refused                     refused           refused       refused
 *
 * Values are kept by somebody else (the Redis keyspace), who says through `ValueNames` which names it has. RabbitMQ lets
 * a queue and an exchange have one name, and so does this. XADD onto an exchange publishes through it: that makes nothing.
 * Not here: comparing a declaration with what is there (lifecycle.ts, declared-same.ts). Invariant: no name is both a value and anything else.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { shownName } from "../names.ts";
import type { Queue } from "./queue.ts";
import type { Vhost } from "../vhost.ts";

/** The names that are values, not queues, streams or exchanges. */
export interface ValueNames {
  holds(name: string): boolean;
}

/** What is to be made with the name. */
export type NameWanted = "queue" | "implicit stream" | "exchange";

/** Throws ALREADY_EXISTS if the name cannot become that. The caller has checked that nothing of the same kind has the name. */
export function assertFree(vhost: Vhost, name: string, wanted: NameWanted): void {
  const refusal = refusalOf(vhost, name, wanted);
  if (refusal !== null) throw new BrokerError("ALREADY_EXISTS", refusal);
}

/** Whether a stream may come into being under the name, which no queue has, by a record that enters it without a client. */
export function isFreeForStream(vhost: Vhost, name: string): boolean {
  return name.length <= limits.nameBytesMax && refusalOf(vhost, name, "implicit stream") === null;
}

function refusalOf(vhost: Vhost, name: string, wanted: NameWanted): string | null {
  const shown = (): string => `'${shownName(name)}' in vhost '${shownName(vhost.name)}'`;
  if (vhost.values?.holds(name) === true) return taken(`${shown()} is a Redis value`);
  if (wanted === "exchange") return null;
  const exchange = name === "" ? undefined : vhost.exchanges.get(name);
  if (exchange?.type === "x-kafka-topic")
    return `${shown()} is a Kafka topic of several partitions; use '${shownName(name)}-0' and the others`;
  return exchange !== undefined && wanted === "implicit stream" ? taken(`${shown()} is an exchange`) : null;
}

/** Whether anything has the name. Then no topic or partition can get it. */
export function isTaken(vhost: Vhost, name: string): boolean {
  return (
    vhost.findQueue(name) !== undefined || vhost.exchanges.has(name) || vhost.values?.holds(name) === true
  );
}

/**
 * The stream that must be deleted before a value can take its name; undefined if the name is free, or is a value already. Throws
 * ALREADY_EXISTS if other clients may rely on what has the name.
 */
export function replacedByValue(vhost: Vhost, name: string): Queue | undefined {
  const queue = vhost.findQueue(name);
  if (queue !== undefined && !isUnclaimed(queue)) {
    const what = queue.kind === "queue" ? "a queue" : "a stream that other protocols know";
    throw new BrokerError("ALREADY_EXISTS", taken(`'${shownName(name)}' is ${what}`));
  }
  if (name !== "" && vhost.exchanges.has(name))
    throw new BrokerError("ALREADY_EXISTS", taken(`'${shownName(name)}' is an exchange or topic`));
  return queue;
}

/**
 * Whether only Redis clients know of a stream: it was made by being written to (XADD, XGROUP CREATE MKSTREAM), and since then no
 * AMQP client has declared, bound or consumed it, and no Kafka client has set a configuration for it, committed an offset or
 * written as an idempotent producer. Only such a stream can be replaced by a value, or be deleted by FLUSHDB.
 */
export function isUnclaimed(queue: Queue): boolean {
  const { vhost } = queue;
  return (
    queue.isImplicit &&
    queue.streamConsumers === 0 &&
    queue.producers === null &&
    !vhost.bindings.isBound(queue) &&
    vhost.topics.topicOf(queue) === undefined &&
    !vhost.groupOffsets.hasTopic(queue.name)
  );
}

/** Throws INVALID if the name is too long. */
export function assertNameFits(kind: string, name: string): void {
  const { length } = name;
  if (length <= limits.nameBytesMax) return;
  throw new BrokerError("INVALID", `${kind} name of ${length} bytes; the most is ${limits.nameBytesMax}`);
}

function taken(what: string): string {
  return `${what}; delete it first, or choose another name`;
}
