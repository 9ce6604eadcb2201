/**
 * Random steps over few names, so that they meet: each is the same for both servers, and says itself as a line.
 *
 * Left out, since servers may differ in them by right: timers other than 0 and far away, which consumer of several gets
 * a message, memory and disk.
 */
import type { AmqpProperties } from "../../src/message/amqp-properties.ts";
import { fromPlain, type PlainTable, type PlainValue } from "../../src/message/amqp-table-plain.ts";
import type { MethodArguments, MethodName } from "../../src/protocols/amqp/wire/methods.ts";
import type { Outstanding, Place, Side } from "./side.ts";

export interface Step {
  readonly text: string;
  /** Where the round trip goes that ends the step. */
  readonly place: Place;
  run(side: Side): Promise<void>;
}

export class Steps {
  readonly #random: () => number;
  readonly #prefix: string;
  #bodies = 0;
  #tags = 0;
  readonly #consumers: { tag: string; queue: string; place: Place }[] = [];

  constructor(random: () => number, prefix: string) {
    this.#random = random;
    this.#prefix = prefix;
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)]!;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #place(): Place {
    return { connection: this.#chance(0.8) ? 0 : 1, channel: this.#chance(0.7) ? 1 : 2 };
  }

  #queue(): string {
    if (this.#chance(0.02))
      return this.#pick(["", "amq.none", `${this.#prefix}none`, `${this.#prefix}q\r\n1`]);
    return `${this.#prefix}q${this.#pick([1, 1, 1, 2, 2, 3, "ü"])}`;
  }

  #exchange(): string {
    if (this.#chance(0.25)) return "";
    if (this.#chance(0.05)) return this.#pick(["amq.topic", "amq.none", `${this.#prefix}none`, "amq.direct"]);
    return `${this.#prefix}x${this.#pick([1, 1, 2, 3])}`;
  }

  #key(): string {
    if (this.#chance(0.5)) return this.#queue();
    return this.#pick(["a", "a.b", "a.b.c", "", "*", "#", "a.#", "*.b", "#.#", "ü.b"]);
  }

  /** What to do next; `known` are deliveries that both servers wait to have acknowledged. */
  next(known: readonly Outstanding[]): Step {
    const roll = this.#random();
    if (roll < 0.26) return this.#publish();
    if (roll < 0.4 && known.length > 0) return this.#settle(known);
    if (roll < 0.5) return this.#get();
    if (roll < 0.62) return this.#declareQueue();
    if (roll < 0.7) return this.#consume();
    if (roll < 0.75) return this.#bind();
    if (roll < 0.8) return this.#declareExchange();
    if (roll < 0.83 && this.#consumers.length > 0) return this.#cancel();
    return this.#seldom();
  }

  #call<Name extends MethodName>(name: Name, values: MethodArguments[Name], at = this.#place()): Step {
    const text = `${at.connection}/${at.channel} ${name} ${JSON.stringify(values)}`;
    return { text, place: at, run: (side) => side.call(at, name, values) };
  }

  #publish(): Step {
    const place = this.#place();
    const body = this.#chance(0.05) ? "" : `m${++this.#bodies}${"x".repeat(this.#pick([0, 0, 3, 9]))}`;
    const properties: AmqpProperties = {};
    if (this.#chance(0.6)) properties.deliveryMode = 2;
    if (this.#chance(0.15)) properties.expiration = this.#pick(["0", "0", "1000000", "abc", "-1", "1.5", ""]);
    if (this.#chance(0.03)) properties.userId = this.#pick(["guest", "other"]);
    if (this.#chance(0.3)) properties.headers = fromPlain(this.#headers());
    if (this.#chance(0.1)) properties.priority = this.#pick([0, 3, 255]);
    const mandatory = this.#chance(0.15);
    const values = {
      ticket: 0,
      exchange: this.#exchange(),
      routingKey: this.#key(),
      mandatory,
      immediate: this.#chance(0.005),
    };
    const text = `${place.connection}/${place.channel} basic.publish ${JSON.stringify({ ...values, body, ...properties })}`;
    return { text, place, run: (side) => side.publish(place, values, { properties, body }) };
  }

  #headers(): PlainTable {
    const headers: Record<string, PlainValue> = {};
    if (this.#chance(0.5)) headers["a"] = this.#pick<PlainValue>([1, "1", true, null]);
    if (this.#chance(0.3)) headers["b"] = this.#pick<PlainValue>(["x", 2, ["x"]]);
    if (this.#chance(0.2)) headers["x-y"] = 1;
    if (this.#chance(0.25))
      headers["CC"] = this.#pick<PlainValue>([[this.#key(), this.#key()], [this.#key(), 7], [], "no"]);
    if (this.#chance(0.15)) headers["BCC"] = this.#pick<PlainValue>([[this.#key()], [], 5]);
    if (this.#chance(0.05)) {
      headers["x-death"] = this.#pick<PlainValue>([
        "no",
        [],
        [{ queue: `${this.#prefix}q1`, reason: "rejected", count: 3 }],
      ]);
    }
    return headers;
  }

  #settle(known: readonly Outstanding[]): Step {
    const { queue, body } = this.#pick(known);
    const name = this.#pick(["basic.ack", "basic.ack", "basic.nack", "basic.reject"] as const);
    const multiple = name !== "basic.reject" && this.#chance(0.05);
    const requeue = this.#chance(0.5);
    const found = (side: Side): Outstanding =>
      side.outstanding.find((each) => each.queue === queue && each.body === body)!;
    const text = `${name} ${JSON.stringify({ queue, body, multiple, requeue })}`;
    const place = found(this.#first);
    return {
      text: `${place.connection}/${place.channel} ${text}`,
      place,
      run: async (side) => {
        const { tag, ...at } = found(side);
        side.outstanding = side.outstanding.filter((each) => {
          const isOfChannel = each.connection === at.connection && each.channel === at.channel;
          return !(isOfChannel && (each.tag === tag || (multiple && each.tag < tag)));
        });
        const values = { deliveryTag: tag, multiple, requeue };
        if (name === "basic.ack") await side.tell(at, name, { deliveryTag: tag, multiple });
        else if (name === "basic.nack") await side.tell(at, name, values);
        else await side.tell(at, name, { deliveryTag: tag, requeue });
      },
    };
  }

  /** Whose places a step's text names. */
  #first!: Side;
  startWith(side: Side): void {
    this.#first = side;
  }

  #get(): Step {
    return this.#call("basic.get", { ticket: 0, queue: this.#queue(), noAck: this.#chance(0.4) });
  }

  #declareQueue(): Step {
    const args: Record<string, PlainValue> = {};
    const set = (share: number, name: string, values: readonly PlainValue[]): void => {
      if (this.#chance(share)) args[name] = this.#pick(values);
    };
    const name = this.#queue();
    // Mostly the same for the same name, so that a declaration meets an equal one.
    set(0.3, "x-max-length", [0, 1, 2, 2, 3, -1, "x"]);
    set(0.15, "x-max-length-bytes", [0, 5, 10, 20, -1]);
    set(0.3, "x-overflow", ["reject-publish", "reject-publish-dlx", "drop-head", "none", 5]);
    set(0.4, "x-dead-letter-exchange", ["", `${this.#prefix}x1`, `${this.#prefix}x2`, 5]);
    set(0.25, "x-dead-letter-routing-key", [`${this.#prefix}q2`, `${this.#prefix}q3`, "a.b", 7]);
    set(0.1, "x-message-ttl", [0, 0, 1_000_000, -1, "x", 2 ** 40]);
    set(0.05, "x-expires", [10_000_000, 0, -1, "x"]);
    set(0.05, "x-single-active-consumer", [true, false, "x"]);
    set(0.03, "x-queue-mode", ["lazy", "default", "x"]);
    set(0.03, "x-unknown", [1]);
    set(0.02, "x-queue-type", ["classic", "none", 5]);
    const flags = { passive: this.#chance(0.3), durable: this.#chance(0.85), exclusive: this.#chance(0.04) };
    const autoDelete = this.#chance(0.05);
    return this.#call("queue.declare", {
      ticket: 0,
      queue: name,
      ...flags,
      autoDelete,
      noWait: false,
      arguments: fromPlain(args),
    });
  }

  #consume(): Step {
    const place = this.#place();
    const queue = this.#queue();
    const isAgain = this.#consumers.length > 0 && this.#chance(0.05);
    const consumerTag = isAgain ? this.#pick(this.#consumers).tag : `${this.#prefix}c${++this.#tags}`;
    const args: Record<string, PlainValue> = {};
    if (this.#chance(0.1)) args["x-priority"] = this.#pick<PlainValue>([1, -1, "x"]);
    const values = {
      ticket: 0,
      queue,
      consumerTag,
      noLocal: false,
      noAck: this.#chance(0.3),
      exclusive: this.#chance(0.08),
      noWait: false,
      arguments: fromPlain(args),
    };
    if (!isAgain) this.#consumers.push({ tag: consumerTag, queue, place });
    const step = this.#call("basic.consume", values, place);
    return {
      ...step,
      run: (side) => {
        if (!isAgain) side.queueOfConsumer.set(consumerTag, queue.replaceAll(/[\r\n]/g, ""));
        return step.run(side);
      },
    };
  }

  #cancel(): Step {
    const [consumer] = this.#consumers.splice(Math.floor(this.#random() * this.#consumers.length), 1);
    return this.#call("basic.cancel", { consumerTag: consumer!.tag, noWait: false }, consumer!.place);
  }

  #bindingArguments(): PlainTable {
    if (this.#chance(0.6)) return {};
    const match = this.#pick<PlainValue>(["all", "any", "all-with-x", "any-with-x", "none", 5]);
    return { ...(this.#chance(0.8) ? { "x-match": match } : {}), ...this.#headers() };
  }

  #bind(): Step {
    const common = {
      ticket: 0,
      routingKey: this.#key(),
      noWait: false,
      arguments: fromPlain(this.#bindingArguments()),
    };
    if (this.#chance(0.3)) {
      const name = this.#chance(0.8) ? "exchange.bind" : "exchange.unbind";
      return this.#call(name, { ...common, destination: this.#exchange(), source: this.#exchange() });
    }
    const { noWait, ...unbinding } = { ...common, queue: this.#queue(), exchange: this.#exchange() };
    if (this.#chance(0.2)) return this.#call("queue.unbind", unbinding);
    return this.#call("queue.bind", { ...unbinding, noWait });
  }

  #declareExchange(): Step {
    const args: Record<string, PlainValue> = {};
    if (this.#chance(0.25)) {
      args["alternate-exchange"] = this.#pick<PlainValue>([
        `${this.#prefix}x2`,
        `${this.#prefix}x3`,
        "amq.fanout",
        5,
      ]);
    }
    return this.#call("exchange.declare", {
      ticket: 0,
      exchange: this.#exchange(),
      type: this.#pick(["direct", "topic", "fanout", "headers", "topic", "none"]),
      passive: this.#chance(0.1),
      durable: this.#chance(0.9),
      autoDelete: this.#chance(0.05),
      internal: this.#chance(0.05),
      noWait: false,
      arguments: fromPlain(args),
    });
  }

  #seldom(): Step {
    const place = this.#place();
    const prefetchCount = this.#pick([0, 1, 1, 2, 5]);
    const steps: (() => Step)[] = [
      () => this.#call("queue.purge", { ticket: 0, queue: this.#queue(), noWait: false }),
      () =>
        this.#call("queue.delete", {
          ticket: 0,
          queue: this.#queue(),
          ifUnused: this.#chance(0.4),
          ifEmpty: this.#chance(0.4),
          noWait: false,
        }),
      () =>
        this.#call("exchange.delete", {
          ticket: 0,
          exchange: this.#exchange(),
          ifUnused: this.#chance(0.4),
          noWait: false,
        }),
      () =>
        this.#call("basic.qos", {
          prefetchSize: this.#chance(0.05) ? 1 : 0,
          prefetchCount,
          global: this.#chance(0.2),
        }),
      () => this.#call("basic.qos", { prefetchSize: 0, prefetchCount, global: false }),
      () => this.#call("basic.recover", { requeue: this.#chance(0.8) }),
      () => this.#call("confirm.select", { noWait: false }, { connection: 0, channel: 2 }),
      () => this.#call("tx.select", {}, { connection: 1, channel: 2 }),
      () => this.#call("tx.commit", {}, { connection: 1, channel: 2 }),
      () => this.#call("tx.rollback", {}, { connection: 1, channel: 2 }),
      () => this.#call("channel.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 }),
      () => this.#call("basic.cancel", { consumerTag: `${this.#prefix}none`, noWait: false }),
      () => ({
        text: `${place.connection} closes`,
        place,
        run: async (side) => side.closeConnection(place.connection),
      }),
      () => ({
        text: `${place.connection}/${place.channel} acknowledges an unknown tag`,
        place,
        run: (side) => side.tell(place, "basic.ack", { deliveryTag: 1_000_000, multiple: this.#chance(0.5) }),
      }),
    ];
    return this.#pick(steps)();
  }
}
