/**
 * Random steps over few names, so that they meet: each is the same for both servers, and says itself as a line.
 *
 * Left out, since servers may differ in them by right: timers other than 0 and far away, which consumer of several gets
 * a message, memory and disk.
 */
import type { AmqpProperties } from "../../src/message/amqp/properties.ts";
import { fromPlain, type PlainValue } from "../../src/message/amqp/table-plain.ts";
import type { FieldTable } from "../../src/message/amqp/table.ts";
import type { MethodArguments, MethodName } from "../../src/protocols/amqp/wire/methods.ts";
import { consumerArguments, exchangeDeclaration, messageHeaders, queueDeclaration } from "./declarations.ts";
import type { Pool } from "./pool.ts";
import { rawFrames } from "./raw-frames.ts";
import type { Outstanding, Place, Side } from "./side.ts";

export interface Step {
  readonly text: string;
  /** Where the round trip goes that ends the step. */
  readonly place: Place;
  /** Several methods at once. */
  readonly isBurst?: boolean;
  run(side: Side): Promise<void>;
}

export class Steps {
  readonly #pool: Pool;
  #bodies = 0;
  #tags = 0;
  readonly #consumers: { tag: string; queue: string; place: Place }[] = [];
  /** What comes first. */
  readonly #first: Step[] = [];

  constructor(pool: Pool) {
    this.#pool = pool;
    if (!pool.isTame) return;
    for (const name of ["q1", "q2", "q3", "qü"]) {
      const declaration = queueDeclaration(pool);
      const flags = { passive: false, exclusive: false, autoDelete: false };
      this.#first.push(this.#call("queue.declare", { ...declaration, ...flags, queue: pool.name(name) }));
    }
    for (const name of ["x1", "x2", "x3"])
      this.#first.push(
        this.#call("exchange.declare", {
          ...exchangeDeclaration(pool),
          passive: false,
          internal: false,
          type: pool.pick(["direct", "topic", "fanout", "headers"]),
          exchange: pool.name(name),
        }),
      );
    for (let bindings = 8; bindings > 0; bindings--) this.#first.push(this.#bind());
  }

  /** What to do next; `known` are deliveries that both servers wait to have acknowledged. */
  next(known: readonly Outstanding[]): Step {
    const first = this.#first.shift();
    if (first !== undefined) return first;
    if (this.#pool.profile === "wire" && this.#pool.chance(0.25)) return this.#onWire();
    if (this.#pool.isTame) return this.#tame(known);
    const roll = this.#pool.random();
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

  #call<Name extends MethodName>(name: Name, values: MethodArguments[Name], at = this.#pool.place()): Step {
    const sent = "noWait" in values && this.#pool.chance(0.08) ? { ...values, noWait: true } : values;
    const isTold = "noWait" in sent && sent.noWait;
    const text = `${at.connection}/${at.channel} ${name} ${JSON.stringify(sent)}`;
    return {
      text,
      place: at,
      run: (side) => (isTold ? side.tell(at, name, sent) : side.call(at, name, sent)),
    };
  }

  /** Bursts, and what may come between them. */
  #tame(known: readonly Outstanding[]): Step {
    const roll = this.#pool.random();
    if (roll < 0.55) return this.#burst(known);
    if (roll < 0.65 && known.length > 0) return this.#settle(known);
    if (roll < 0.75) return this.#publish();
    if (roll < 0.82) return this.#get();
    if (roll < 0.9) return this.#consume();
    if (roll < 0.95 && this.#consumers.length > 0) return this.#cancel();
    const place = this.#pool.place();
    if (roll < 0.98)
      return this.#call("channel.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 }, place);
    return {
      text: `${place.connection} closes`,
      place,
      run: async (side) => side.closeConnection(place.connection),
    };
  }

  /** Some methods of one channel at once: each sees the state after those before it. */
  #burst(known: readonly Outstanding[]): Step {
    const place = this.#pool.place();
    const mine = known.filter(
      ({ connection, channel }) => connection === place.connection && channel === place.channel,
    );
    this.#pool.fixedPlace = place;
    const isTx = place.connection === 1 && place.channel === 2;
    const kinds: (() => Step)[] = [
      () => this.#publish(),
      () => this.#publish(),
      () => this.#publish(),
      () => this.#get(),
      // No declaration: RabbitMQ's queue counts for one before it does what came before.
      () => this.#consume(),
      () => this.#call("queue.purge", { ticket: 0, queue: this.#pool.queue(), noWait: false }),
      () =>
        this.#call("basic.qos", {
          prefetchSize: 0,
          prefetchCount: this.#pool.pick([0, 1, 2]),
          global: false,
        }),
      // It leaves to chance which deliveries of the same burst are among the recovered.
      ...(this.#pool.profile === "priorities" ? [] : [() => this.#call("basic.recover", { requeue: true })]),
      ...(isTx ? [() => this.#call("tx.commit", {}, place), () => this.#call("tx.rollback", {}, place)] : []),
    ];
    const steps = Array.from({ length: this.#pool.pick([2, 3, 4, 6]) }, () => {
      if (mine.length === 0 || this.#pool.chance(0.6)) return this.#pool.pick(kinds)();
      const [one] = mine.splice(Math.floor(this.#pool.random() * mine.length), 1);
      return this.#settle([one!], false);
    });
    this.#pool.fixedPlace = null;
    return {
      text: steps.map(({ text }) => text).join("\n+ "),
      place,
      isBurst: true,
      run: (side) =>
        side.together(place, async () => {
          for (const step of steps) await step.run(side);
        }),
    };
  }

  #publish(): Step {
    const place = this.#pool.place();
    const body = this.#pool.chance(0.05)
      ? ""
      : `m${++this.#bodies}${"x".repeat(this.#pool.pick([0, 0, 3, 9]))}`;
    const properties: AmqpProperties = {};
    if (this.#pool.chance(0.6)) properties.deliveryMode = 2;
    if (this.#pool.chance(0.15)) properties.expiration = this.#pool.pick(this.#expirations);
    if (!this.#pool.isTame && this.#pool.chance(0.03))
      properties.userId = this.#pool.pick(["guest", "other"]);
    if (this.#pool.chance(0.3)) properties.headers = messageHeaders(this.#pool);
    if (this.#pool.chance(this.#pool.profile === "priorities" ? 0.8 : 0.2))
      properties.priority = this.#pool.pick([0, 1, 2, 3, 3, 255]);
    const mandatory = this.#pool.chance(0.15);
    const values = {
      ticket: 0,
      exchange: this.#pool.exchange(),
      routingKey: this.#pool.key(),
      mandatory,
      immediate: !this.#pool.isTame && this.#pool.chance(0.005),
    };
    const text = `${place.connection}/${place.channel} basic.publish ${JSON.stringify({ ...values, body, ...properties })}`;
    return { text, place, run: (side) => side.publish(place, values, { properties, body }) };
  }

  /** RabbitMQ does not look whether a message has expired that is first only by its priority. */
  get #expirations(): readonly string[] {
    if (this.#pool.profile === "priorities") return ["1000000"];
    return this.#pool.isTame ? ["0", "1000000"] : ["0", "0", "1000000", "abc", "-1", "1.5", ""];
  }

  #settle(known: readonly Outstanding[], mayBeMultiple = true): Step {
    const { queue, body } = this.#pool.pick(known);
    const name = this.#pool.pick(["basic.ack", "basic.ack", "basic.nack", "basic.reject"] as const);
    const multiple = mayBeMultiple && name !== "basic.reject" && this.#pool.chance(0.05);
    const requeue = this.#pool.chance(0.5);
    const found = (side: Side): Outstanding =>
      side.outstanding.find((each) => each.queue === queue && each.body === body)!;
    const text = `${name} ${JSON.stringify({ queue, body, multiple, requeue })}`;
    const place = found(this.#named);
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
  #named!: Side;
  startWith(side: Side): void {
    this.#named = side;
  }

  #get(): Step {
    return this.#call("basic.get", {
      ticket: 0,
      queue: this.#pool.queue(),
      noAck: this.#pool.chance(0.4),
    });
  }

  #declareQueue(): Step {
    return this.#call("queue.declare", queueDeclaration(this.#pool));
  }

  #consume(): Step {
    const isPlaced = this.#pool.isTame || this.#pool.profile === "quorum";
    const found = isPlaced
      ? this.#placedConsumer()
      : { place: this.#pool.place(), queue: this.#pool.queue() };
    if (found === null) return this.#publish();
    const { place, queue } = found;
    const isAgain = !this.#pool.isTame && this.#consumers.length > 0 && this.#pool.chance(0.05);
    const consumerTag = isAgain
      ? this.#pool.pick(this.#consumers).tag
      : `${this.#pool.prefix}c${++this.#tags}`;
    const values = {
      ticket: 0,
      queue,
      consumerTag,
      noLocal: false,
      noAck: this.#pool.chance(0.3),
      // RabbitMQ has no exclusive consumers of the other types.
      exclusive: !this.#pool.isTyped && !this.#pool.isTame && this.#pool.chance(0.08),
      // RabbitMQ may answer behind later methods, for the queue sends it.
      noWait: this.#pool.fixedPlace !== null,
      arguments: consumerArguments(this.#pool, this.#tags),
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

  /**
   * In bursts, and of quorum queues, all consumers of a queue are on one channel: else each server would give other channels
   * other messages, and what one gives back would be others. Null: none may be on the channel of this burst.
   */
  #placedConsumer(): { queue: string; place: Place } | null {
    const places: readonly (readonly [queue: string, connection: number, channel: number])[] = [
      ["q1", 0, 1],
      ["q2", 0, 2],
      ["q3", 1, 1],
      ["qü", 2, 1],
    ];
    const fixed = this.#pool.fixedPlace;
    const possible = places.filter(
      ([, connection, channel]) =>
        fixed === null || (fixed.connection === connection && fixed.channel === channel),
    );
    if (possible.length === 0) return null;
    const [queue, connection, channel] = this.#pool.pick(possible);
    return { queue: this.#pool.name(queue), place: { connection, channel } };
  }

  #cancel(): Step {
    const [consumer] = this.#consumers.splice(Math.floor(this.#pool.random() * this.#consumers.length), 1);
    return this.#call("basic.cancel", { consumerTag: consumer!.tag, noWait: false }, consumer!.place);
  }

  #bindingArguments(): FieldTable {
    if (this.#pool.chance(0.6)) return [];
    const match = this.#pool.pick<PlainValue>(["all", "any", "all-with-x", "any-with-x", "none", 5]);
    const first = this.#pool.chance(0.8) ? fromPlain({ "x-match": match }) : [];
    return [...first, ...messageHeaders(this.#pool)];
  }

  #bind(): Step {
    const common = {
      ticket: 0,
      routingKey: this.#pool.key(),
      noWait: false,
      arguments: this.#bindingArguments(),
    };
    // RabbitMQ's recent history fails with an error of its own where a message leads from the bound exchange to no queue.
    if (this.#pool.profile !== "exchanges" && this.#pool.chance(0.3)) {
      const name = this.#pool.chance(0.8) ? "exchange.bind" : "exchange.unbind";
      return this.#call(name, {
        ...common,
        destination: this.#pool.exchange(),
        source: this.#pool.exchange(),
      });
    }
    const { noWait, ...unbinding } = {
      ...common,
      queue: this.#pool.queue(),
      exchange: this.#pool.exchange(),
    };
    if (this.#pool.chance(0.2)) return this.#call("queue.unbind", unbinding);
    return this.#call("queue.bind", { ...unbinding, noWait });
  }

  #declareExchange(): Step {
    return this.#call("exchange.declare", exchangeDeclaration(this.#pool));
  }

  /** Rules of frames, and replies that need no queue. */
  #onWire(): Step {
    if (this.#pool.chance(0.5)) return this.#rawFrames();
    const place = this.#pool.place();
    const steps: (() => Step)[] = [
      () => this.#consumeReplies(place),
      () => this.#request(place),
      () => this.#request(place),
      () => this.#reply(place),
      () => this.#reply(place),
      () => this.#call("basic.cancel", { consumerTag: this.#pool.name("reply"), noWait: false }),
      () =>
        this.#call("queue.declare", {
          ...queueDeclaration(this.#pool),
          queue: this.#pool.pick(["amq.rabbitmq.reply-to", "amq.rabbitmq.reply-to.none"]),
        }),
    ];
    return this.#pool.pick(steps)();
  }

  #rawFrames(): Step {
    const place = this.#pool.place();
    const what = this.#pool.pick(Object.keys(rawFrames));
    return {
      text: `${place.connection}/${place.channel} ${what}`,
      place,
      run: (side) => side.write(place, rawFrames[what]!(place.channel)),
    };
  }

  #consumeReplies(place: Place): Step {
    const consumerTag = this.#pool.chance(0.7) ? this.#pool.name("reply") : "";
    const queue = "amq.rabbitmq.reply-to";
    const flags = { noLocal: false, noAck: this.#pool.chance(0.9), exclusive: false, noWait: false };
    return this.#call("basic.consume", { ticket: 0, queue, consumerTag, ...flags, arguments: [] }, place);
  }

  #request(place: Place): Step {
    const values = {
      ticket: 0,
      exchange: "",
      routingKey: this.#pool.queue(),
      mandatory: false,
      immediate: false,
    };
    const content = { properties: { replyTo: "amq.rabbitmq.reply-to" }, body: `r${++this.#bodies}` };
    const text = `${place.connection}/${place.channel} requests ${JSON.stringify({ ...values, ...content })}`;
    return { text, place, run: (side) => side.publish(place, values, content) };
  }

  /** To whoever sent the last request that was delivered, in the name that its server gave it. */
  #reply(place: Place): Step {
    const mandatory = this.#pool.chance(0.5);
    const body = `a${++this.#bodies}`;
    return {
      text: `${place.connection}/${place.channel} replies ${JSON.stringify({ mandatory, body })}`,
      place,
      run: (side) =>
        side.publish(
          place,
          { ticket: 0, exchange: "", routingKey: side.replyTo, mandatory, immediate: false },
          { properties: {}, body },
        ),
    };
  }

  #tell<Name extends MethodName>(name: Name, values: MethodArguments[Name]): Step {
    const place = this.#pool.place();
    const text = `${place.connection}/${place.channel} ${name} ${JSON.stringify(values)}`;
    return {
      text,
      place,
      run: async (side) => {
        await side.tell(place, name, values);
        if (!name.startsWith("basic.recover")) side.settledAll(place);
      },
    };
  }

  /** A mode that the channel may not be able to take. */
  #conflict(): Step {
    if (this.#pool.chance(0.5)) return this.#call("tx.select", {}, { connection: 0, channel: 2 });
    return this.#call("confirm.select", { noWait: false }, { connection: 1, channel: 2 });
  }

  #seldom(): Step {
    const place = this.#pool.place();
    const prefetchCount = this.#pool.pick(this.#pool.profile === "streams" ? [0, 20, 20] : [0, 1, 1, 2, 5]);
    const multiple = this.#pool.chance(0.5);
    // RabbitMQ has no conditional deletion of the other types.
    const isClassic = !this.#pool.isTyped;
    const steps: (() => Step)[] = [
      () => this.#call("queue.purge", { ticket: 0, queue: this.#pool.queue(), noWait: false }),
      () =>
        this.#call("queue.delete", {
          ticket: 0,
          queue: this.#pool.queue(),
          ifUnused: isClassic && this.#pool.chance(0.4),
          ifEmpty: isClassic && this.#pool.chance(0.4),
          noWait: false,
        }),
      () =>
        this.#call("exchange.delete", {
          ticket: 0,
          exchange: this.#pool.exchange(),
          ifUnused: this.#pool.chance(0.4),
          noWait: false,
        }),
      () =>
        this.#call("basic.qos", {
          prefetchSize: this.#pool.chance(0.05) ? 1 : 0,
          prefetchCount,
          global: this.#pool.chance(0.2),
        }),
      () => this.#call("basic.qos", { prefetchSize: 0, prefetchCount, global: false }),
      () => this.#call("basic.recover", { requeue: this.#pool.chance(0.8) }),
      () => this.#tell("basic.recover-async", { requeue: this.#pool.chance(0.9) }),
      () => this.#tell("basic.ack", { deliveryTag: 0, multiple: true }),
      () => this.#tell("basic.nack", { deliveryTag: 0, multiple: true, requeue: this.#pool.chance(0.7) }),
      () => this.#call("channel.flow", { active: this.#pool.chance(0.8) }),
      () => this.#conflict(),
      () => this.#call("confirm.select", { noWait: false }, { connection: 0, channel: 2 }),
      () => this.#call("tx.select", {}, { connection: 1, channel: 2 }),
      () => this.#call("tx.commit", {}, { connection: 1, channel: 2 }),
      () => this.#call("tx.rollback", {}, { connection: 1, channel: 2 }),
      () => this.#call("channel.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 }),
      () => this.#call("basic.cancel", { consumerTag: `${this.#pool.prefix}none`, noWait: false }),
      () => ({
        text: `${place.connection} closes`,
        place,
        run: async (side) => side.closeConnection(place.connection),
      }),
      () => ({
        text: `${place.connection}/${place.channel} acknowledges an unknown tag`,
        place,
        run: (side) => side.tell(place, "basic.ack", { deliveryTag: 1_000_000, multiple }),
      }),
    ];
    return this.#pool.pick(steps)();
  }
}
