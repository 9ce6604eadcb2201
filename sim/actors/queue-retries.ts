/**
 * A queue with a retry policy that one client fills, takes from and rejects: a rejected message comes not before its back-off, not more
 * often than allowed, and ends acknowledged or among the dead letters, once.
 */
import { AmqpClient, type Delivery, tableOf } from "../clients/amqp-client.ts";
import { type Crash, Fault } from "../model.ts";
import { checkTraces } from "../models/trace-lives.ts";
import type { Actor, World } from "../world.ts";

const limit = 3;
const backoffMs = 80;
const thereMax = 30;
/** All rounds together are longer than any back-off, than the next try of a dead letter that had no place, and than the clock may have been set back. */
const drainStepMs = 7500;
const emptyRounds = 4;
const diskTroubles = [
  "writes while the disk was low",
  "disks full or free again",
  "disks filled by others or given back",
];

interface Message {
  readonly body: string;
  /** held: by us. waiting: surely rejected, and to come again. gone: surely acknowledged. dead: seen among the dead letters. */
  state: "sent" | "there" | "held" | "rejecting" | "waiting" | "acking" | "gone" | "dead";
  /** What was answered may have been undone, or what was not may have happened. */
  isUnsure: boolean;
  /** Surely rejected so often since all was last sure. */
  rejected: number;
  /** Delivered so often at most, to connections that were lost too. */
  deliveriesMax: number;
  /** Wall time before which it does not come. */
  notBefore: number;
  /** It was asked for that it leave the queue: it may be gone. */
  mayBeGone: boolean;
  /** Its publish was confirmed. */
  isKept: boolean;
  told: number;
}

export class QueueRetriesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queue: string;
  #client: AmqpClient | null = null;
  #isWaiting = false;
  #isGetting = false;
  readonly #messages = new Map<string, Message>();
  #held: { message: Message; tag: number }[] = [];
  #unconfirmed: Message[] = [];
  #sent = 0;
  #number = 0;
  #jumps = 0;
  #empty = 0;
  #isDeadRead = false;
  #isChecked = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#queue = `retried.${name}`;
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return !this.#isWaiting && (this.#isChecked || this.#world.isDamaged);
  }

  #crashed(crash: Crash): void {
    this.#lost();
    for (const message of this.#messages.values()) {
      const survives = this.#world.promises.survives(message.told, "written", crash);
      if (crash === "power" && !survives) this.#becomesUnsure(message);
    }
  }

  #lost(): void {
    this.#client = null;
    this.#isWaiting = false;
    this.#held = [];
    this.#unconfirmed = [];
    this.#empty = 0;
    for (const message of this.#messages.values()) {
      if (this.#isGetting) message.deliveriesMax++;
      // What its connection had is given back, and that may have been once too often.
      const mayHaveBeenHeld = this.#isGetting || message.state === "held";
      if (mayHaveBeenHeld && message.deliveriesMax >= limit) message.mayBeGone = true;
      if (message.state === "held") message.state = "there";
      else if (["sent", "rejecting", "acking"].includes(message.state)) this.#becomesUnsure(message);
    }
    this.#isGetting = false;
  }

  #becomesUnsure(message: Message): void {
    message.isUnsure = true;
    message.notBefore = 0;
    message.rejected = 0;
    message.state = "there";
  }

  act(): void {
    this.#lookAtClock();
    const client = this.#client;
    if (client === null) return this.#connect();
    if (this.#isWaiting || this.#isChecked) return;
    const { random, isDraining } = this.#world;
    if (isDraining) return this.#drain(client);
    const choice = random.next();
    if (this.#held.length > 0 && choice < 0.45) this.#settle(client);
    else if (choice < 0.75) this.#get(client);
    else if (choice < 0.77) client.cut();
    else this.#publish(client);
  }

  /** Also before a delivery is judged: it may have been on its way when the clock was set. */
  #lookAtClock(): void {
    const jumps = this.#world.counts["clock jumps"] ?? 0;
    if (jumps !== this.#jumps) for (const message of this.#messages.values()) message.notBefore = 0;
    this.#jumps = jumps;
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    let firstTag = 1;
    const client = new AmqpClient(link, {
      confirmed: (tag, isMultiple) => {
        if (client !== this.#client) return;
        const count = isMultiple ? tag - firstTag + 1 : 1;
        firstTag += count;
        this.#confirmed(count);
      },
      lost: () => {
        if (this.#client === client) this.#lost();
      },
    });
    this.#client = client;
    this.#isWaiting = true;
    client.confirmSelect(() => {});
    const table = {
      "x-trace-sample": 1,
      "x-retry-limit": limit,
      "x-retry-backoff-ms": backoffMs,
      "x-retry-factor": 2,
    };
    client.declare(this.#queue, tableOf(table), () => {});
    client.declare(`${this.#queue}.dead`, tableOf({}), (answer) => {
      if (answer !== null && client === this.#client) this.#isWaiting = false;
    });
  }

  #publish(client: AmqpClient): void {
    const { random, promises } = this.#world;
    let there = 0;
    for (const { state } of this.#messages.values()) if (state !== "gone" && state !== "dead") there++;
    if (there > thereMax) return;
    this.#isWaiting = true;
    this.#sent = promises.number();
    for (let left = random.between(1, 4); left > 0; left--) {
      const body = `${this.name}/${this.#number++}`;
      const message: Message = {
        body,
        state: "sent",
        isUnsure: false,
        rejected: 0,
        deliveriesMax: 0,
        notBefore: 0,
        mayBeGone: false,
        isKept: false,
        told: 0,
      };
      this.#messages.set(body, message);
      this.#unconfirmed.push(message);
      client.publish(this.#queue, body);
    }
  }

  #confirmed(count: number): void {
    for (const message of this.#unconfirmed.splice(0, count)) {
      message.isKept = true;
      message.state = "there";
      message.told = this.#sent;
    }
    if (this.#unconfirmed.length > 0) return;
    this.#isWaiting = false;
    this.#world.promises.durable(this.#sent);
  }

  #get(client: AmqpClient, onGot: (isAny: boolean) => void = () => {}): void {
    this.#isWaiting = this.#isGetting = true;
    client.get(
      this.#queue,
      (delivery) => {
        if (client !== this.#client || client.isLost) return;
        this.#isWaiting = this.#isGetting = false;
        if (delivery !== null) this.#got(delivery);
        onGot(delivery !== null);
      },
      false,
    );
  }

  #got({ body, tag }: Delivery): void {
    const { isDamaged, time } = this.#world;
    this.#lookAtClock();
    const message = this.#messages.get(body);
    this.#world.note(`${this.name} gets ${body} at ${time.now()}`);
    this.#world.count("messages taken that may be rejected");
    if (message === undefined) throw new Fault(`${this.name}: ${body} came, which was never sent`);
    if (!isDamaged) this.#check(message, time.now());
    message.state = "held";
    message.deliveriesMax++;
    this.#held.push({ message, tag });
  }

  #check({ body, state, isUnsure, rejected, notBefore }: Message, now: number): void {
    if (state === "held" || state === "dead")
      throw new Fault(`${this.name}: ${body} came, which is ${state}`);
    if (state === "gone" && !isUnsure) throw new Fault(`${this.name}: ${body} came, which was acknowledged`);
    if (now < notBefore) throw new Fault(`${this.name}: ${body} came at ${now}, due ${notBefore}`);
    if (rejected >= limit) throw new Fault(`${this.name}: ${body} came, rejected ${rejected} times`);
  }

  #settle(client: AmqpClient): void {
    const { random, time } = this.#world;
    const [{ message, tag }] = this.#held.splice(random.below(this.#held.length), 1) as [
      { message: Message; tag: number },
    ];
    const isReject = random.chance(0.8);
    this.#world.note(`${this.name} ${isReject ? "rejects" : "acks"} ${message.body} at ${time.now()}`);
    if (isReject) client.reject(tag);
    else client.ack(tag);
    message.state = isReject ? "rejecting" : "acking";
    if (!isReject || message.deliveriesMax >= limit) message.mayBeGone = true;
    this.#world.count(
      isReject ? "messages rejected that come again" : "messages acknowledged of a retried queue",
    );
    const rejectedAt = time.now();
    const jumps = this.#jumps;
    this.#isWaiting = true;
    // With the answer, what was settled before it is written.
    client.qos(0, (answer) => {
      if (answer === null || client !== this.#client) return;
      this.#isWaiting = false;
      message.told = this.#world.promises.number();
      if (!isReject) {
        message.state = "gone";
        message.isUnsure = false;
        return;
      }
      message.state = "waiting";
      // Deliveries are counted from the first on, and rejections are no more than these.
      const delay = backoffMs * 2 ** message.rejected;
      message.rejected++;
      message.notBefore = jumps === (this.#world.counts["clock jumps"] ?? 0) ? rejectedAt + delay : 0;
    });
  }

  /** All that comes is acknowledged or rejected until it is dead, then the dead letters are looked at. */
  #drain(client: AmqpClient): void {
    if (this.#held.length > 0) return this.#settle(client);
    if (this.#empty >= emptyRounds) return this.#isDeadRead ? this.#checkEnd() : this.#readDead(client);
    this.#get(client, (isAny) => {
      if (isAny) this.#empty = 0;
      if (isAny) return;
      this.#empty++;
      this.#world.time.advance(drainStepMs);
    });
  }

  #readDead(client: AmqpClient): void {
    this.#isWaiting = true;
    client.get(`${this.#queue}.dead`, (delivery) => {
      if (client !== this.#client || client.isLost) return;
      this.#isWaiting = false;
      if (delivery === null) this.#isDeadRead = true;
      else this.#foundDead(delivery.body);
    });
  }

  #foundDead(body: string): void {
    const message = this.#messages.get(body);
    this.#world.count("dead letters of a retried queue");
    if (message === undefined) throw new Fault(`${this.name}: ${body} is dead, which was never sent`);
    const { state, mayBeGone, isUnsure } = message;
    if (!this.#world.isDamaged && (state === "dead" || !mayBeGone || (state === "gone" && !isUnsure)))
      throw new Fault(`${this.name}: ${body} is dead, which is ${state}, rejected ${message.rejected} times`);
    message.state = "dead";
  }

  #checkTraces(): void {
    const { counts, process, time, isDamaged } = this.#world;
    const broker = process.broker!;
    const queue = broker.defaultVhost.queues.get(this.#queue);
    const has = (what: string): boolean => (counts[what] ?? 0) > 0;
    if (queue === undefined) return;
    this.#world.count("queues whose traces are checked");
    checkTraces(broker, queue, time.now(), {
      // While the disk is short of room, events are dropped.
      isDamaged: isDamaged || ["crashes by power", ...diskTroubles].some(has),
      isTimeSet: has("clock jumps"),
      isKilled: has("crashes by kill"),
      isRestarted: has("clean restarts"),
    });
  }

  #checkEnd(): void {
    this.#isChecked = true;
    this.#checkTraces();
    if (this.#world.isDamaged) return;
    for (const { body, state, isKept, mayBeGone, isUnsure } of this.#messages.values()) {
      if (["acking", "dead", "gone"].includes(state)) continue;
      if (isKept && !(mayBeGone && isUnsure))
        throw new Fault(`${this.name}: ${body} is lost, it was ${state}`);
    }
  }
}
