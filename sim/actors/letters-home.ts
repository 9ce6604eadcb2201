/**
 * Dead letters of a queue and of a group that go home and are taken back, while clients reject what came home and the broker is killed.
 *
 * Nothing is acknowledged for good, so at every moment a message that was confirmed is in the queue or among its dead letters, once; an
 * entry that the group has had is pending or a dead letter; and what a client holds is still in the queue. It looks into the
 * broker, which no client can do in one moment.
 */
import type { Broker } from "../../src/broker/broker.ts";
import type { Operation } from "../../src/broker/operations/operation.ts";
import { newRetryCounts, retrying } from "../../src/broker/operations/letters/retry.ts";
import { newUndoCounts, undoing } from "../../src/broker/operations/letters/undo.ts";
import { originOf } from "../../src/broker/operations/letters/origin.ts";
import type { Queue } from "../../src/broker/queue/queue.ts";
import { AmqpView } from "../../src/message/convert/as-amqp.ts";
import { AmqpClient, type Delivery, tableOf } from "../clients/amqp-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { bodiesOf } from "./later.ts";

const messagesMax = 24;
const operationsMax = 12;
const view = new AmqpView();

export class LettersHomeActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queue: string;
  readonly #stream: string;
  #amqp: AmqpClient | null = null;
  #redis: RedisClient | null = null;
  #isAmqpBusy = false;
  #broker: Broker | null = null;
  /** By body, whether its publish was confirmed. */
  readonly #messages = new Map<string, boolean>();
  #unconfirmed: string[] = [];
  #held: Delivery[] = [];
  #number = 0;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#queue = `home.${name}`;
    this.#stream = `home:${name}`;
    world.crashListeners.push(() => this.#lost());
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  #lost(): void {
    this.#amqp = null;
    this.#isAmqpBusy = false;
    this.#held = [];
    this.#unconfirmed = [];
  }

  act(): void {
    const { random, isDraining, isDamaged } = this.#world;
    const { broker } = this.#world.process;
    if (broker === null || isDamaged || this.#isChecked) return;
    if (broker !== this.#broker) this.#restarted(broker);
    this.#look(broker);
    if (isDraining) return this.#finish(broker);
    const choice = random.next();
    if (choice < 0.2) this.#operate(broker);
    else if (choice < 0.65) this.#actByAmqp();
    else this.#actByRedis();
  }

  #restarted(broker: Broker): void {
    this.#broker = broker;
    // Replays are another actor's, which may have started one since.
    for (const operation of broker.operations.all())
      if (operation.isRunning && operation.options.kind !== "replay")
        throw new Fault(`${this.name}: operation ${operation.id} runs on after a start`);
  }

  #queuesOf(broker: Broker): [home: Queue, dead: Queue][] {
    const { queues } = broker.defaultVhost;
    return [this.#queue, this.#stream].flatMap((name) => {
      const [home, dead] = [queues.get(name), queues.get(`${name}.dead`)];
      return home === undefined || dead === undefined ? [] : [[home, dead]];
    });
  }

  /** Begins a retry or an undo, or breaks one off. */
  #operate(broker: Broker): void {
    const { random } = this.#world;
    const { operations } = broker;
    const known = [...operations.all()].filter(({ options }) => options.startedBy === this.name);
    const running = known.find(({ isRunning }) => isRunning);
    if (running !== undefined) {
      if (random.chance(0.1)) operations.cancel(running);
      return;
    }
    const undoable = known.filter(({ options }) => options.kind === "retry").slice(-operationsMax);
    if (undoable.length > 0 && random.chance(0.4)) return this.#undo(broker, random.pick(undoable));
    const pairs = this.#queuesOf(broker);
    if (pairs.length === 0) return;
    const [, source] = random.pick(pairs);
    const limit = random.chance(0.3) ? random.between(1, 3) : Infinity;
    const rate = random.chance(0.3) ? 100 : null;
    this.#world.count("dead letters sent home");
    operations.start(
      { kind: "retry", vhost: "/", source: source.name, startedBy: this.name, rate },
      retrying(operations, { source, filter: null, limit, edit: null, isDry: false, may: () => true }),
      newRetryCounts(),
    );
  }

  #undo({ operations, defaultVhost }: Broker, undone: Operation): void {
    const { source: name } = undone.options;
    const source = defaultVhost.findQueue(name);
    if (source === undefined) return;
    this.#world.count("dead letters taken back");
    operations.start(
      { kind: "undo", vhost: "/", source: name, startedBy: this.name, rate: null, undoes: undone.id },
      undoing(operations, { undone, source, may: () => true }),
      newUndoCounts(),
    );
  }

  #actByAmqp(): void {
    const client = this.#amqp;
    if (client === null) return this.#connect();
    if (this.#isAmqpBusy) return;
    const { random } = this.#world;
    const choice = random.next();
    if (choice < 0.02) client.cut();
    else if (choice < 0.3 && this.#messages.size < messagesMax) this.#publish(client);
    else if (choice < 0.6 || this.#held.length === 0) this.#get(client);
    else client.reject(this.#held.splice(random.below(this.#held.length), 1)[0]!.tag);
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    let firstTag = 1;
    const client = new AmqpClient(link, {
      confirmed: (tag, isMultiple) => {
        if (client !== this.#amqp) return;
        const count = isMultiple ? tag - firstTag + 1 : 1;
        firstTag += count;
        for (const body of this.#unconfirmed.splice(0, count)) this.#messages.set(body, true);
      },
      lost: () => {
        if (this.#amqp === client) this.#lost();
      },
    });
    this.#amqp = client;
    this.#isAmqpBusy = true;
    client.confirmSelect(() => {});
    client.declare(this.#queue, tableOf({ "x-retry-limit": 1 }), (answer) => {
      if (answer !== null && client === this.#amqp) this.#isAmqpBusy = false;
    });
  }

  #publish(client: AmqpClient): void {
    const body = `${this.name}/${this.#number++}`;
    this.#messages.set(body, false);
    this.#unconfirmed.push(body);
    client.publish(this.#queue, body);
  }

  #get(client: AmqpClient): void {
    this.#isAmqpBusy = true;
    client.get(
      this.#queue,
      (delivery) => {
        if (client !== this.#amqp || client.isLost) return;
        this.#isAmqpBusy = false;
        if (delivery !== null) this.#held.push(delivery);
      },
      false,
    );
  }

  #actByRedis(): void {
    const client = this.#redis;
    if (client === null || client.isLost) {
      const link = this.#world.connect("redis");
      if (link === null) return;
      this.#redis = new RedisClient(link);
      this.#redis.call(["XGROUP", "CREATE", this.#stream, "g", "0", "MKSTREAM"], () => {});
      this.#redis.call(["TROIKA.GROUP", this.#stream, "g", "MAXDELIVER", 1], () => {});
      return;
    }
    if (client.waiting > 0) return;
    const { random } = this.#world;
    const length = this.#broker!.defaultVhost.queues.get(this.#stream)?.log.length ?? 0;
    if (length < messagesMax && random.chance(0.4))
      return client.call(["XADD", this.#stream, "*", "body", `${this.name}/${this.#number++}`], () => {});
    const words = [
      "XREADGROUP",
      "GROUP",
      "g",
      "c",
      "COUNT",
      random.between(1, 3),
      "STREAMS",
      this.#stream,
      ">",
    ];
    client.call(words, (reply, isLost) => {
      // Without a group yet it is refused.
      if (isLost || !Array.isArray(reply)) return;
      const entries = bodiesOf((reply as RedisReply[][])[0]![1]!);
      for (const [id] of entries) client.call(["TROIKA.NACK", this.#stream, "g", id], () => {});
      this.#world.count("entries given up that go home");
    });
  }

  /** A disk that cannot be read now hides what is there. */
  #look(broker: Broker): void {
    let seen: (() => void) | null = null;
    try {
      for (const [home, dead] of this.#queuesOf(broker)) {
        seen = home.kind === "queue" ? this.#seenInQueue(home, dead) : this.#seenInGroup(home, dead);
        seen();
      }
    } catch (error) {
      if (error instanceof Fault) throw error;
    }
  }

  #seenInQueue(home: Queue, dead: Queue): () => void {
    const counts = new Map<string, number>();
    for (const queue of [home, dead]) {
      queue.log.store.seal();
      const all = queue.reader();
      while (all.next()) {
        const { buffer, bodyStart, bodyEnd } = view.show(all);
        const body = buffer.latin1Slice(bodyStart, bodyEnd);
        counts.set(body, (counts.get(body) ?? 0) + 1);
      }
    }
    /** What was rejected. What the broker took from a connection that it has lost before its client knows of it died of another reason. */
    const rejected = new Set<string>();
    const reader = dead.reader();
    while (reader.next()) {
      const parts = view.show(reader);
      if (originOf(reader, parts)?.reason === "rejected")
        rejected.add(parts.buffer.latin1Slice(parts.bodyStart, parts.bodyEnd));
    }
    return () => {
      for (const [body, isConfirmed] of this.#messages) {
        const count = counts.get(body) ?? 0;
        if (count > 1 || (count === 0 && isConfirmed))
          throw new Fault(`${this.name}: ${body} is there ${count} times`);
      }
      for (const { body } of this.#held)
        if (rejected.has(body)) throw new Fault(`${this.name}: ${body} is held, and is a dead letter`);
    };
  }

  #seenInGroup(home: Queue, dead: Queue): () => void {
    home.log.store.seal();
    dead.log.store.seal();
    const cursor = home.groups.get("g");
    if (cursor === undefined) return () => {};
    const letters = new Map<string, number>();
    const reader = dead.reader();
    while (reader.next()) {
      const origin = originOf(reader, view.show(reader));
      if (origin?.kind !== "group")
        throw new Fault(`${this.name}: a dead letter does not say where it comes from`);
      letters.set(origin.id, (letters.get(origin.id) ?? 0) + 1);
    }
    const faults: string[] = [];
    const entries = home.reader();
    while (entries.next() && entries.id.compare(cursor.lastId) <= 0) {
      const isPending = cursor.pending.ownerOf(entries.offset) !== 0;
      const count = (letters.get(entries.id.toString()) ?? 0) + (isPending ? 1 : 0);
      if (count !== 1) faults.push(`entry ${entries.id.toString()} is there ${count} times`);
    }
    return () => {
      if (faults.length > 0) throw new Fault(`${this.name}: ${faults[0]!}`);
    };
  }

  #finish({ operations }: Broker): void {
    for (const operation of operations.all()) if (operation.isRunning) operations.cancel(operation);
    this.#isChecked = true;
  }
}
