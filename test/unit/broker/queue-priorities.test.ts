/**
 * Priorities where they meet the other rules of a queue: requeue, prefetch, bounds, expiry, dead letters, purges, restarts. Against
 * a model that does one thing after the other, as RabbitMQ's queues do, while the broker gathers a turn's. What clients see is in
 * test/clients/amqp/amqp-priority.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { setSizes } from "../../../src/base/sizes.ts";
import { AmqpView } from "../../../src/message/convert/as-amqp.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import { purge } from "../../../src/broker/queue/removal.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { QueueConsumer } from "../../../src/broker/queue/readers.ts";
import type { StoredRecord } from "../../../src/message/record.ts";
import { type BareBroker, openBareBroker, publishInTurn, publishTo } from "../../support/bare-broker.ts";

const getOwner = 1;
const view = new AmqpView();

function bodyOf(record: StoredRecord): string {
  const { buffer, bodyStart, bodyEnd } = view.show(record);
  return buffer.latin1Slice(bodyStart, bodyEnd);
}

/** A message, `b` for one that was given out before. */
const shown = (body: string, isAgain: boolean): string => (isAgain ? `${body} again` : body);

interface Rules {
  readonly max: number;
  readonly maxLength: number | undefined;
  readonly prefetch: number;
  readonly isNoAck: boolean;
  readonly keepsHistory: boolean;
}

interface Message {
  readonly body: string;
  readonly level: number;
  readonly expiresAt: number;
  given: number;
}

/** One thing after the other. */
class Model {
  readonly rules: Rules;
  now = 1000;
  /** In the order in which they came. */
  ready: Message[] = [];
  held: Message[] = [];
  got: Message[] = [];
  hasConsumer = false;
  readonly delivered: string[] = [];
  readonly dead: string[] = [];
  readonly #places = new Map<Message, number>();

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** A message has expired behind others, or may while a bound drops what is before it: what a turn gathers may not be told apart. */
  get mayExpireBehind(): boolean {
    const before = this.rules.maxLength === undefined ? this.now + 1 : Infinity;
    return this.ready.some(({ expiresAt }) => expiresAt < before);
  }

  #head(): Message | undefined {
    let head: Message | undefined;
    for (const message of this.ready) if (head === undefined || message.level > head.level) head = message;
    return head;
  }

  #takeHead(): Message | undefined {
    this.expire();
    const head = this.#head();
    if (head !== undefined) this.ready.splice(this.ready.indexOf(head), 1);
    return head;
  }

  expire(): void {
    for (;;) {
      const head = this.#head();
      if (head === undefined || head.expiresAt > this.now) return;
      this.#die(head);
    }
  }

  #die(message: Message): void {
    this.ready.splice(this.ready.indexOf(message), 1);
    this.dead.push(message.body);
  }

  #bound(): void {
    const { maxLength } = this.rules;
    while (maxLength !== undefined && this.ready.length > maxLength) this.#die(this.#head()!);
  }

  deliver(): void {
    const { prefetch, isNoAck } = this.rules;
    while (this.hasConsumer && (isNoAck || this.held.length < prefetch)) {
      const message = this.#takeHead();
      if (message === undefined) return;
      this.delivered.push(shown(message.body, message.given++ > 0));
      if (!isNoAck) this.held.push(message);
    }
  }

  publish(message: Message): void {
    this.#places.set(message, this.#places.size);
    this.ready.push(message);
    this.deliver();
    this.#bound();
    this.expire();
  }

  requeue(messages: readonly Message[]): void {
    for (const message of messages) this.ready.push(message);
    this.ready.sort((a, b) => this.#places.get(a)! - this.#places.get(b)!);
    this.#bound();
    this.deliver();
  }

  get(): string | null {
    const message = this.#takeHead();
    if (message === undefined) return null;
    this.got.push(message);
    const text = shown(message.body, message.given++ > 0);
    this.expire();
    return text;
  }

  restart(): void {
    this.hasConsumer = false;
    const back = [...this.held.splice(0), ...this.got.splice(0)];
    this.requeue(back);
    this.expire();
  }
}

type Step =
  | {
      publish: readonly (readonly [priority: number | undefined, ttl: number | undefined])[];
      endsTurn: boolean;
    }
  | { settle: "ack" | "requeue" | "reject"; pick: number; ofGet: boolean }
  | { requeueAll: boolean }
  | { pass: number }
  | "get"
  | "consume"
  | "purge"
  | "restart"
  | "turn";

const priority = fc.option(fc.nat(9), { nil: undefined });
const ttl = fc.option(fc.constantFrom(5, 20), { nil: undefined, freq: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc.record({
      publish: fc.array(fc.tuple(priority, ttl), { minLength: 1, maxLength: 5 }),
      endsTurn: fc.boolean(),
    }),
  },
  {
    weight: 50,
    arbitrary: fc.record({
      settle: fc.constantFrom("ack" as const, "ack" as const, "requeue" as const, "reject" as const),
      pick: fc.nat(),
      ofGet: fc.boolean(),
    }),
  },
  { weight: 10, arbitrary: fc.record({ requeueAll: fc.boolean() }) },
  { weight: 10, arbitrary: fc.record({ pass: fc.constantFrom(3, 10, 30) }) },
  { weight: 30, arbitrary: fc.constant("get" as const) },
  { weight: 20, arbitrary: fc.constant("consume" as const) },
  { weight: 3, arbitrary: fc.constant("purge" as const) },
  { weight: 4, arbitrary: fc.constant("restart" as const) },
  { weight: 20, arbitrary: fc.constant("turn" as const) },
);

/** The broker's queue, used as a channel uses it. */
class Real {
  readonly rules: Rules;
  bare!: BareBroker;
  queue!: Queue;
  dead!: Queue;
  readonly held = new Map<string, number>();
  readonly got = new Map<string, number>();
  readonly delivered: string[] = [];
  #consumer: QueueConsumer | null = null;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  async open(): Promise<void> {
    const { max, maxLength, keepsHistory } = this.rules;
    this.bare = await openBareBroker();
    this.dead = this.bare.declare("dead");
    this.queue = this.bare.declare("q", {
      "x-max-priority": max,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "dead",
      ...(maxLength === undefined ? {} : { "x-max-length": maxLength }),
      ...(keepsHistory ? { "x-history-ms": 1_000_000 } : {}),
    });
  }

  async restart(now: number): Promise<void> {
    await this.bare.close();
    this.bare = await openBareBroker(this.bare.disk);
    await this.pass(now - 1000);
    const { queues } = this.bare.broker.defaultVhost;
    this.queue = queues.get("q")!;
    this.dead = queues.get("dead")!;
    this.held.clear();
    this.got.clear();
    this.#consumer = null;
    await this.bare.turnsUntil(() => !this.queue.isFiling);
    this.queue.catchUp();
  }

  /** Records get the time of their tick. */
  async pass(ms: number): Promise<void> {
    const { bare } = this;
    bare.pass(ms);
    const before = bare.ticks();
    bare.broker.ticker.request();
    await bare.turnsUntil(() => bare.ticks() > before);
  }

  consume(): void {
    if (this.#consumer !== null) return;
    const { isNoAck, prefetch } = this.rules;
    const consumer: QueueConsumer = {
      id: 7,
      priority: 0,
      isNoAck,
      isExclusive: false,
      isParked: false,
      canTake: () => isNoAck || this.held.size < prefetch,
      deliver: (_, { record, deliveryCount }) => {
        const body = bodyOf(record);
        this.delivered.push(shown(body, deliveryCount > 1));
        if (!isNoAck) this.held.set(body, record.offset);
      },
      cancelled: () => {},
    };
    this.queue.catchUp();
    this.#consumer = consumer;
    this.queue.addConsumer(consumer);
  }

  get(): string | null {
    this.queue.catchUp();
    const found = takeOnce(this.queue, getOwner);
    if (found === "empty") return null;
    assert.equal(found, "taken");
    const { record, deliveryCount } = this.queue.cursor!;
    const body = bodyOf(record);
    this.got.set(body, record.offset);
    this.queue.dropExpired();
    return shown(body, deliveryCount > 1);
  }

  settle(bodies: readonly string[], outcome: "ack" | "requeue" | "reject"): void {
    const { queue } = this;
    queue.expectRoom();
    if (outcome === "requeue" && queue.policy.dropsReturned) queue.returns.expect();
    for (const body of bodies) {
      const offset = (this.held.get(body) ?? this.got.get(body))!;
      if (this.held.delete(body)) queue.consumerReady(this.#consumer!);
      this.got.delete(body);
      if (outcome === "ack") queue.settle(offset);
      else if (outcome === "requeue") queue.requeue(offset);
      else this.bare.broker.retention.discard(queue, offset, "rejected");
    }
    if (outcome === "requeue") queue.returns.done();
  }

  drained(queue: Queue): string[] {
    const bodies: string[] = [];
    while (takeOnce(queue, getOwner) === "taken") {
      bodies.push(bodyOf(queue.cursor!.record));
      queue.drop(queue.cursor!.record.offset);
    }
    return bodies;
  }
}

async function compare(rules: Rules, steps: readonly Step[]): Promise<void> {
  const model = new Model(rules);
  const real = new Real(rules);
  await real.open();
  let published = 0;
  let hasMadeRoom = false;
  const same = (): void => {
    assert.deepEqual(real.delivered, model.delivered);
    assert.equal(real.queue.readyCount, model.ready.length);
    assert.deepEqual([...real.held.keys()].toSorted(), model.held.map(({ body }) => body).toSorted());
  };
  /** All of the turn is done, in both. */
  const catchUp = (): void => {
    real.queue.catchUp();
    model.expire();
  };
  for (const each of steps) {
    if (typeof each === "object" && "publish" in each) {
      for (const [ofMessage, ttlMs] of each.publish) {
        // What comes in a turn is put in order, and the bound is applied, before the head is looked at for its expiry.
        const mayExpire = model.mayExpireBehind;
        if (mayExpire) catchUp();
        const body = `m${published++}`;
        publishInTurn(real.queue, body, {
          ...(ofMessage === undefined ? {} : { priority: ofMessage }),
          ...(ttlMs === undefined ? {} : { expirationMs: ttlMs }),
        });
        if (ttlMs !== undefined) real.queue.canExpire = real.queue.hasExpirations = true;
        const level = Math.min(ofMessage ?? 0, rules.max);
        model.publish({ body, level, expiresAt: model.now + (ttlMs ?? Infinity), given: 0 });
        if (mayExpire || model.mayExpireBehind) catchUp();
      }
      if (!each.endsTurn) continue;
    } else if (typeof each === "object" && "settle" in each) {
      // What is under way in this turn nobody has been told of yet.
      const among = (each.ofGet ? model.got : model.held).filter(
        ({ body }) => real.held.has(body) || real.got.has(body),
      );
      if (among.length === 0) continue;
      const message = among[each.pick % among.length]!;
      const from = each.ofGet ? model.got : model.held;
      from.splice(from.indexOf(message), 1);
      // Otherwise the turn delivers what is given back as if it had been there before the room was.
      if (each.settle === "requeue" && hasMadeRoom) catchUp();
      hasMadeRoom = true;
      real.settle([message.body], each.settle);
      if (each.settle === "requeue") model.requeue([message]);
      else {
        if (each.settle === "reject") model.dead.push(message.body);
        model.deliver();
      }
      if (each.pick % 2 === 0) continue;
    } else if (typeof each === "object" && "requeueAll" in each) {
      catchUp();
      same();
      const all = each.requeueAll ? model.got.splice(0) : model.held.splice(0);
      real.settle(
        all.map(({ body }) => body),
        "requeue",
      );
      model.requeue(all);
    } else if (typeof each === "object") {
      catchUp();
      await real.pass(each.pass);
      model.now += each.pass;
      model.expire();
    } else if (each === "get") assert.equal(real.get(), model.get());
    else if (each === "consume") {
      real.consume();
      model.hasConsumer = true;
      model.deliver();
    } else if (each === "purge") {
      catchUp();
      assert.equal(purge(real.queue), model.ready.length);
      model.ready = [];
    } else if (each === "restart") {
      catchUp();
      same();
      await real.restart(model.now);
      model.restart();
    }
    catchUp();
    hasMadeRoom = false;
    same();
  }
  catchUp();
  same();
  const left: string[] = [];
  for (let text = model.get(); text !== null; text = model.get()) left.push(text.split(" ")[0]!);
  assert.deepEqual(real.drained(real.queue), left);
  real.dead.catchUp();
  assert.deepEqual(real.drained(real.dead).toSorted(), model.dead.toSorted());
  await real.bare.close();
}

const rules: fc.Arbitrary<Rules> = fc.record({
  max: fc.constantFrom(1, 5, 255),
  maxLength: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  prefetch: fc.constantFrom(1, 2, 5, 1000),
  isNoAck: fc.boolean(),
  keepsHistory: fc.boolean(),
});

test("requeue, prefetch, bounds, expiry, dead letters, purges and restarts keep to the order of priorities", async () => {
  await fc.assert(fc.asyncProperty(rules, fc.array(step, { maxLength: 50, size: "max" }), compare), {
    numRuns: 120,
  });
});

test("a backlog is filed in slices after a restart, and nothing is given out before that has ended", async (t) => {
  setSizes({ filedInTurn: 100, filedInSlice: 1 });
  t.after(() => setSizes({}));
  const first = await openBareBroker();
  const queue = first.declare("q", { "x-max-priority": 3 });
  const count = 6000;
  for (let i = 0; i < count; i++) publishInTurn(queue, String(i), { priority: i % 4 });
  queue.catchUp();
  // More came in the turn than is filed in one.
  assert.ok(queue.isFiling);
  assert.equal(takeOnce(queue, getOwner), "later");
  await first.turnsUntil(() => !queue.isFiling);
  assert.equal(takeOnce(queue, getOwner), "taken");
  assert.equal(bodyOf(queue.cursor!.record), "3");
  await first.close();

  const second = await openBareBroker(first.disk);
  const again = second.broker.defaultVhost.queue("q");
  assert.ok(again.isFiling);
  assert.equal(takeOnce(again, getOwner), "later");
  const before = second.ticks();
  await second.turnsUntil(() => !again.isFiling);
  assert.ok(second.ticks() >= before);
  const order: string[] = [];
  while (takeOnce(again, getOwner) === "taken") order.push(bodyOf(again.cursor!.record));
  const expected = Array.from({ length: count }, (_, i) => i).toSorted((a, b) => (b % 4) - (a % 4) || a - b);
  assert.deepEqual(order, expected.map(String));
  await second.close();
});

test("what came while a backlog is filed is filed with it", async (t) => {
  setSizes({ filedInTurn: 100, filedInSlice: 1 });
  t.after(() => setSizes({}));
  const first = await openBareBroker();
  const queue = first.declare("q", { "x-max-priority": 3, "x-max-length": 5000 });
  for (let i = 0; i < 5000; i++) publishInTurn(queue, String(i), { priority: 1 });
  queue.catchUp();
  assert.ok(queue.isFiling);
  publishTo(queue, "low", { priority: 0 });
  publishTo(queue, "high", { priority: 3 });
  assert.equal(queue.readyCount, 5002);
  await first.turnsUntil(() => !queue.isFiling && queue.readyCount === 5000);
  assert.equal(takeOnce(queue, getOwner), "taken");
  // The bound has dropped the head twice: the high one, and the oldest of the others.
  assert.equal(bodyOf(queue.cursor!.record), "1");
  await first.close();
});

test("queues without priorities have no order to keep", async () => {
  const { declare } = await openBareBroker();
  for (const [name, args] of [
    ["none", {}],
    ["zero", { "x-max-priority": 0 }],
    ["quorum", { "x-queue-type": "quorum", "x-max-priority": 5 }],
  ] as const) {
    const queue = declare(name, args);
    assert.equal(queue.filing, null);
    assert.equal(queue.cursor!.order, null);
  }
});
