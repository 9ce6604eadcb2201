/** Random arguments of queues, exchanges and consumers, by the profile of a run. */
import { fromPlain, type PlainTable, type PlainValue } from "../../src/message/amqp/table-plain.ts";
import type { Field, FieldTable, FieldValue } from "../../src/message/amqp/table.ts";
import type { MethodArguments } from "../../src/protocols/amqp/wire/methods.ts";
import type { Pool } from "./pool.ts";

class Arguments {
  readonly values: Record<string, PlainValue> = {};
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  set(share: number, name: string, values: readonly PlainValue[]): this {
    if (this.#pool.chance(share)) this.values[name] = this.#pool.pick(values);
    return this;
  }

  get table(): FieldTable {
    return retyped(this.#pool, fromPlain(this.values));
  }
}

const integerTypes = ["b", "B", "s", "u", "I", "i", "l"] as const;

/** Now and then a small number comes in another type than clients choose for it: RabbitMQ compares most by value. */
function retyped(pool: Pool, table: FieldTable): FieldTable {
  return table.map(({ name, field }): Field => {
    if (field.type !== "I" || field.value < 0 || field.value > 127 || !pool.chance(0.3))
      return { name, field };
    const { value } = field;
    const types: FieldValue[] = integerTypes.map((type) => ({ type, value }));
    if (pool.chance(0.2)) types.push({ type: "d", value }, { type: "f", value }, { type: "T", value });
    return { name, field: pool.pick(types) };
  });
}

export function queueDeclaration(pool: Pool): MethodArguments["queue.declare"] {
  const { profile } = pool;
  const args = new Arguments(pool);
  const isPlain = !pool.isTyped;
  if (isPlain) classicArguments(pool, args);
  else typedArguments(pool, args);
  const isLives = profile === "lives";
  const queue = pool.queue();
  // RabbitMQ fails where it is to name a queue of a type that is none.
  if (queue === "" && typeof args.values["x-queue-type"] === "number") delete args.values["x-queue-type"];
  return {
    ticket: 0,
    queue,
    passive: pool.chance(0.2),
    durable: pool.chance(isPlain ? 0.85 : 0.97),
    exclusive: pool.chance(isLives ? 0.3 : isPlain ? 0.04 : 0.02),
    autoDelete: pool.chance(isLives ? 0.4 : isPlain ? 0.05 : 0.02),
    noWait: false,
    arguments: args.table,
  };
}

function classicArguments(pool: Pool, args: Arguments): void {
  const { profile } = pool;
  const hasDeaths = profile === "deaths";
  const exchanges = ["", pool.name("x1"), pool.name("x2")];
  args
    .set(0.3, "x-max-length", [0, 1, 2, 2, 3, -1, "x"])
    .set(0.15, "x-max-length-bytes", [0, 5, 10, 20, -1])
    .set(0.3, "x-overflow", ["reject-publish", "reject-publish-dlx", "drop-head", "none", 5])
    .set(
      hasDeaths ? 0.9 : pool.isTame ? 0 : 0.4,
      "x-dead-letter-exchange",
      hasDeaths ? exchanges : [...exchanges, 5],
    )
    .set(hasDeaths ? 0.5 : 0.25, "x-dead-letter-routing-key", [
      ...["q1", "q2", "q3"].map((name) => pool.name(name)),
      ...(hasDeaths ? ["a.b"] : ["a.b", 7]),
    ])
    .set(
      hasDeaths ? 0.3 : profile === "priorities" ? 0 : 0.1,
      "x-message-ttl",
      hasDeaths ? [0] : [0, 0, 1_000_000, -1, "x", 2 ** 40],
    )
    .set(0.05, "x-expires", [10_000_000, 0, -1, "x"])
    .set(profile === "consumers" ? 0.4 : 0.05, "x-single-active-consumer", [true, true, false, "x"])
    .set(0.03, "x-queue-mode", ["lazy", "default", "x"])
    .set(0.03, "x-queue-version", [1, 2, 3, "x"])
    .set(0.03, "x-unknown", [1])
    .set(
      profile === "priorities" ? 0.9 : 0.06,
      "x-max-priority",
      profile === "priorities" ? [1, 3, 3, 255, 0] : [-1, 256, "x", 2, 3, 10],
    )
    .set(0.02, "x-delivery-limit", [1])
    .set(0.02, "x-queue-leader-locator", ["random"])
    .set(0.04, "x-queue-type", ["classic", "classic", "none", 5]);
}

/** For the arguments' checks more than for what they do: those that change deliveries are left out of quorum queues. */
function typedArguments(pool: Pool, args: Arguments): void {
  const type = pool.profile === "quorum" ? "quorum" : "stream";
  args
    .set(0.95, "x-queue-type", [type])
    // Without a limit RabbitMQ puts what is given back behind all that is there: docs/rabbitmq.md.
    .set(type === "quorum" ? 1 : 0, "x-delivery-limit", [5])
    .set(0.06, "x-max-length-bytes", type === "stream" ? [1_000_000, -1, "x"] : [-1, "x"])
    .set(0.04, "x-max-age", ["7D", "0D", 5])
    .set(0.04, "x-stream-max-segment-size-bytes", [1_000_000, -1, 2 ** 40])
    .set(0.03, "x-initial-cluster-size", [1, 0, "x"])
    .set(0.03, "x-quorum-initial-group-size", [1, 0, "x"])
    .set(0.03, "x-queue-leader-locator", ["client-local", "balanced", "x", 5])
    .set(0.03, "x-dead-letter-strategy", ["at-most-once", "x", 5])
    .set(0.03, "x-max-in-memory-length", [1, -1, "x"])
    .set(0.03, "x-queue-mode", ["lazy"])
    .set(0.03, "x-max-priority", [3])
    .set(0.03, "x-message-ttl", [-1, "x"])
    .set(0.03, "x-overflow", ["drop-head", "none"]);
}

const pluginTypes = ["x-consistent-hash", "x-consistent-hash", "x-modulus-hash", "x-recent-history"];

function pluginArguments(args: Arguments): void {
  args
    .set(0.1, "hash-header", ["a", "b"])
    .set(0.15, "hash-property", ["message_id", "correlation_id", "timestamp", "type"])
    .set(0.2, "x-recent-history-length", [1, 3, 5, 0, -1, "x"]);
}

export function exchangeDeclaration(pool: Pool): MethodArguments["exchange.declare"] {
  const isDeaths = pool.profile === "deaths";
  const args = new Arguments(pool).set(isDeaths ? 0.6 : 0.25, "alternate-exchange", [
    ...["x1", "x2", "x3"].map((name) => pool.name(name)),
    "amq.fanout",
    ...(isDeaths ? [] : [5]),
  ]);
  const isPlugins = pool.profile === "exchanges";
  if (isPlugins) pluginArguments(args);
  return {
    ticket: 0,
    exchange: pool.exchange(),
    type: isPlugins
      ? pool.pick([...pluginTypes, "fanout"])
      : pool.pick(["direct", "topic", "fanout", "headers", "topic", isDeaths ? "direct" : "none"]),
    passive: pool.chance(0.1),
    durable: pool.chance(0.9),
    autoDelete: pool.chance(pool.profile === "lives" ? 0.4 : 0.05),
    internal: pool.chance(0.05),
    noWait: false,
    arguments: args.table,
  };
}

/** `tags` is how many consumers there have been: each gets a priority of its own where priorities are compared. */
export function consumerArguments(pool: Pool, tags: number): FieldTable {
  const args = new Arguments(pool);
  if (pool.profile === "streams") {
    args.set(0.8, "x-stream-offset", ["first", "first", "next", 0, 1, 3, "1h"]);
    return args.set(0.05, "x-priority", [1]).table;
  }
  if (pool.profile === "consumers") args.values["x-priority"] = ((tags * 37) % 101) - 50;
  return args
    .set(0.05, "x-priority", pool.isTame ? [1, -1] : [1, -1, "x"])
    .set(0.02, "x-stream-offset", ["first"])
    .set(0.02, "x-cancel-on-ha-failover", [true, 5]).table;
}

export function messageHeaders(pool: Pool): FieldTable {
  return new Arguments(pool)
    .set(0.5, "a", [1, "1", true, null])
    .set(0.3, "b", ["x", 2, ["x"]])
    .set(0.2, "x-y", [1])
    .set(0.25, "CC", [[pool.key(), pool.key()], [pool.key(), 7], [], ...(pool.isTame ? [] : ["no"])])
    .set(pool.profile === "deaths" ? 0.25 : 0.05, "x-death", clientDeaths(pool))
    .set(0.15, "BCC", [[pool.key()], [pool.key(), pool.key()], [], ...(pool.isTame ? [] : [5])]).table;
}

/** What a client may write into `x-death`; RabbitMQ takes much of it for true. */
function clientDeaths(pool: Pool): PlainValue[] {
  const death = (queue: string, reason: string, count?: PlainValue): PlainTable => ({
    queue: pool.name(queue),
    reason,
    ...(count === undefined ? {} : { count }),
  });
  return [
    "no",
    [],
    [death("q1", "rejected", 3)],
    [death("q1", "expired")],
    [death("q2", "maxlen", 1), death("q1", "maxlen", 1)],
    [death("q1", "expired"), death("q1", "expired"), death("q3", "rejected", 2)],
  ];
}
