/**
 * A queue with history and a Redis stream that are copied by one replay after the other, each from where the last one says that it came, over
 * cancellations, kills and losses of power.
 *
 * At every moment the copies are exactly the messages before `next_offset` of the last replay, in their order. It looks into the broker,
 * which no client can do in one moment.
 */
import type { Broker } from "../../src/broker/broker.ts";
import type { Operation } from "../../src/broker/operations/operation.ts";
import { newReplayCounts, type ReplayCounts, replaying } from "../../src/broker/operations/replay/replay.ts";
import { QueueTarget } from "../../src/broker/operations/replay/replay-target.ts";
import type { Queue } from "../../src/broker/queue/queue.ts";
import { AmqpView } from "../../src/message/convert/as-amqp.ts";
import { AmqpClient, tableOf } from "../clients/amqp-client.ts";
import { RedisClient } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";

const messagesMax = 200;
const burstMax = 12;
const view = new AmqpView();

export class ReplaysActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queue: string;
  readonly #stream: string;
  #amqp: AmqpClient | null = null;
  #redis: RedisClient | null = null;
  #isAmqpBusy = false;
  #number = 0;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#queue = `replayed.${name}`;
    this.#stream = `replayed:${name}`;
    world.crashListeners.push(() => this.#lost());
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  #lost(): void {
    this.#amqp = null;
    this.#isAmqpBusy = false;
  }

  act(): void {
    const { random, isDraining, isDamaged } = this.#world;
    const { broker } = this.#world.process;
    if (broker === null || isDamaged || this.#isChecked) return;
    for (const [source, target] of this.#pairsOf(broker)) this.#look(broker, source, target);
    if (isDraining) return this.#finish(broker);
    const choice = random.next();
    if (choice < 0.15) this.#replay(broker);
    else if (choice < 0.6) this.#actByAmqp();
    else this.#actByRedis();
  }

  #pairsOf({ defaultVhost: { queues } }: Broker): [source: Queue, target: Queue][] {
    return [this.#queue, this.#stream].flatMap((name) => {
      const [source, target] = [queues.get(name), queues.get(`${name}.copy`)];
      return source === undefined || target === undefined ? [] : [[source, target]];
    });
  }

  /** The last one of that source. */
  #lastOf({ operations }: Broker, source: Queue): Operation | undefined {
    const isOwn = ({ options }: Operation): boolean =>
      options.startedBy === this.name && options.source === source.name;
    // By number: the clock may have been set back between two.
    const numberOf = ({ id }: Operation): number => Number.parseInt(id, 10);
    return [...operations.all()]
      .filter(isOwn)
      .toSorted((a, b) => numberOf(a) - numberOf(b))
      .at(-1);
  }

  #nextOf(broker: Broker, source: Queue): number {
    const last = this.#lastOf(broker, source);
    return last === undefined ? 0 : (last.counts as ReplayCounts).next_offset;
  }

  /** Begins a replay, or breaks one off. */
  #replay(broker: Broker): void {
    const { random } = this.#world;
    const pairs = this.#pairsOf(broker);
    if (pairs.length === 0) return;
    const [source, target] = random.pick(pairs);
    const last = this.#lastOf(broker, source);
    if (last?.isRunning === true) {
      if (random.chance(0.1)) broker.operations.cancel(last);
      return;
    }
    const from = this.#nextOf(broker, source);
    const limit = random.chance(0.4) ? random.between(1, 4) : Infinity;
    const rate = random.chance(0.7) ? random.pick([50, 300, 1000]) : null;
    this.#world.count("replays begun");
    broker.operations.start(
      { kind: "replay", vhost: "/", source: source.name, startedBy: this.name, rate },
      replaying(broker, {
        source,
        from,
        to: Infinity,
        isHistoryOnly: false,
        filter: null,
        limit,
        copiesBatches: true,
        isDry: false,
        target: new QueueTarget(target),
      }),
      newReplayCounts(from),
    );
  }

  #actByAmqp(): void {
    const client = this.#amqp;
    if (client === null) return this.#connect();
    if (this.#isAmqpBusy) return;
    if (this.#number < messagesMax && this.#world.random.chance(0.6)) {
      for (let left = this.#world.random.between(1, burstMax); left > 0; left--)
        client.publish(this.#queue, `${this.name}/${this.#number++}`);
      return;
    }
    this.#isAmqpBusy = true;
    // What is acknowledged stays as history.
    client.get(this.#queue, () => {
      if (client === this.#amqp) this.#isAmqpBusy = false;
    });
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    const client = new AmqpClient(link, {
      confirmed: () => {},
      lost: () => {
        if (this.#amqp === client) this.#lost();
      },
    });
    this.#amqp = client;
    this.#isAmqpBusy = true;
    client.declare(this.#queue, tableOf({ "x-history-bytes": 1_000_000_000 }), () => {});
    client.declare(`${this.#queue}.copy`, tableOf({}), (answer) => {
      if (answer !== null && client === this.#amqp) this.#isAmqpBusy = false;
    });
  }

  #actByRedis(): void {
    const client = this.#redis;
    if (client === null || client.isLost) {
      const link = this.#world.connect("redis");
      if (link === null) return;
      this.#redis = new RedisClient(link);
      this.#redis.call(["XGROUP", "CREATE", `${this.#stream}.copy`, "g", "0", "MKSTREAM"], () => {});
      return;
    }
    if (client.waiting > 0 || this.#number >= messagesMax) return;
    for (let left = this.#world.random.between(1, burstMax); left > 0; left--)
      client.call(["XADD", this.#stream, "*", "body", `${this.name}/${this.#number++}`], () => {});
  }

  /** A disk that cannot be read now hides what is there. */
  #look(broker: Broker, source: Queue, target: Queue): void {
    const next = this.#nextOf(broker, source);
    let expected: string[];
    let found: string[];
    try {
      expected = bodiesOf(source, next);
      found = bodiesOf(target, Infinity);
    } catch {
      return;
    }
    if (found.join(" ") === expected.join(" ")) return;
    throw new Fault(
      `${this.name}: a replay of ${source.name} is at ${next}, so it has copied ${expected.join(" ")}; found: ${found.join(" ")}`,
    );
  }

  #finish(broker: Broker): void {
    for (const [source] of this.#pairsOf(broker)) {
      const last = this.#lastOf(broker, source);
      if (last?.isRunning === true) broker.operations.cancel(last);
    }
    this.#isChecked = true;
  }
}

function bodiesOf(queue: Queue, end: number): string[] {
  queue.log.store.seal();
  const reader = queue.reader();
  const bodies: string[] = [];
  while (reader.next() && reader.offset < end) {
    const { buffer, bodyStart, bodyEnd } = view.show(reader);
    bodies.push(buffer.latin1Slice(bodyStart, bodyEnd));
  }
  return bodies;
}
