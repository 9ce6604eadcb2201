/**
 * A queue with priorities that one client fills and empties: what comes next is the oldest message of the highest priority among
 * those that are surely there, over kills too; what had been delivered says so when it comes again.
 */
import { AmqpClient, type Delivery, tableOf } from "../clients/amqp-client.ts";
import { type Crash, Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";

const readyMax = 40;
const publishedAtOnceMax = 6;

interface Message {
  readonly body: string;
  readonly level: number;
  /**
   * sent: not answered. ready: surely in the queue. held: by us. settling: acknowledged, and nothing answered since. gone: surely
   * acknowledged. unsure: it may be there.
   */
  state: "sent" | "ready" | "held" | "settling" | "gone" | "unsure";
  /** Held by a connection that is lost, which the broker may not know yet. */
  isReturning: boolean;
  /** It must say that it was delivered before; it must not; or it may. */
  again: "yes" | "no" | "maybe";
  /** When it was known to be acknowledged. */
  told: number;
  /** Its publish was confirmed: no power failure takes it. */
  isKept: boolean;
}

export class PrioritiesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #queue: string;
  readonly #max: number;
  #client: AmqpClient | null = null;
  #isWaiting = false;
  #isGetting = false;
  #isDrained = false;
  /** In the order in which they were published. */
  readonly #messages = new Map<string, Message>();
  #held: { message: Message; tag: number }[] = [];
  #unconfirmed: Message[] = [];
  #number = 0;

  constructor(world: World, name: string, max: number) {
    this.#world = world;
    this.name = name;
    this.#queue = `prioritized.${name}`;
    this.#max = max;
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return !this.#isWaiting && (this.#isDrained || this.#world.isDamaged);
  }

  #crashed(crash: Crash): void {
    this.#lost();
    for (const message of this.#messages.values()) {
      const { state, told } = message;
      if (message.isReturning) [message.state, message.isReturning] = ["ready", false];
      if (crash === "power" && message.state === "ready" && !message.isKept) message.state = "unsure";
      if (state === "gone" && !this.#world.promises.survives(told, "written", crash))
        message.state = "unsure";
      if (crash === "power" && message.again === "yes") message.again = "maybe";
    }
  }

  #lost(): void {
    this.#client = null;
    this.#isWaiting = false;
    this.#held = [];
    this.#unconfirmed = [];
    for (const message of this.#messages.values()) {
      if (message.state === "held") message.isReturning = true;
      if (["sent", "held", "settling"].includes(message.state)) message.state = "unsure";
      // What was on its way to us has been delivered.
      if (this.#isGetting && message.again === "no") message.again = "maybe";
    }
    this.#isGetting = false;
  }

  act(): void {
    const client = this.#client;
    if (client === null) return this.#connect();
    if (this.#isWaiting || (this.#world.isDraining && this.#isDrained)) return;
    const { random, isDraining } = this.#world;
    const choice = random.next();
    if (this.#held.length > 0 && (isDraining || choice < 0.25)) this.#settle(client);
    else if (isDraining || choice < 0.6) this.#get(client);
    else if (choice < 0.65) this.#count(client);
    else if (choice < 0.665) client.cut();
    else this.#publish(client);
  }

  #connect(): void {
    const link = this.#world.connect("amqp");
    if (link === null) return;
    const client = new AmqpClient(link, {
      confirmed: (tag, isMultiple) => this.#confirmed(client, tag, isMultiple),
      lost: () => {
        if (this.#client === client) this.#lost();
      },
    });
    this.#client = client;
    this.#isWaiting = true;
    this.#firstTag = 1;
    client.confirmSelect(() => {});
    client.declare(this.#queue, tableOf({ "x-max-priority": this.#max }), (answer) => {
      if (answer !== null) this.#isWaiting = false;
    });
  }

  /** The delivery tag of the first of those that are not confirmed. */
  #firstTag = 1;
  #sent = 0;

  #publish(client: AmqpClient): void {
    const { random } = this.#world;
    let there = 0;
    for (const { state } of this.#messages.values()) if (state !== "gone") there++;
    if (there > readyMax) return;
    this.#isWaiting = true;
    this.#sent = this.#world.promises.number();
    for (let left = random.between(1, publishedAtOnceMax); left > 0; left--) {
      const priority = Math.min(random.pick([0, 0, 1, 2, this.#max, this.#max + 1]), 255);
      const level = Math.min(priority, this.#max);
      const body = `${this.name}/${this.#number++}/${level}`;
      const message: Message = {
        body,
        level,
        state: "sent",
        isReturning: false,
        again: "no",
        told: 0,
        isKept: false,
      };
      this.#messages.set(body, message);
      this.#unconfirmed.push(message);
      this.#world.note(`${this.name} publishes ${body}`);
      client.publish(this.#queue, body, "", { priority });
    }
  }

  #confirmed(client: AmqpClient, tag: number, isMultiple: boolean): void {
    if (client !== this.#client) return;
    const count = isMultiple ? tag - this.#firstTag + 1 : 1;
    this.#firstTag += count;
    for (const message of this.#unconfirmed.splice(0, count))
      [message.state, message.isKept] = ["ready", true];
    if (this.#unconfirmed.length > 0) return;
    this.#isWaiting = false;
    this.#world.promises.durable(this.#sent);
  }

  #get(client: AmqpClient): void {
    this.#isWaiting = this.#isGetting = true;
    client.get(
      this.#queue,
      (delivery) => {
        // What is lost may have been given out.
        if (client !== this.#client || client.isLost) return;
        this.#isWaiting = this.#isGetting = false;
        this.#got(delivery);
      },
      false,
    );
  }

  #got(delivery: Delivery | null): void {
    const { isDamaged } = this.#world;
    const first = this.#first();
    if (delivery === null) {
      if (this.#world.isDraining && this.#held.length === 0) this.#isDrained = true;
      if (first !== undefined && !isDamaged)
        throw new Fault(`${this.name}: nothing came, and ${first.body} waits`);
      return;
    }
    const { body, tag, isRedelivered } = delivery;
    const message = this.#messages.get(body);
    this.#world.note(`${this.name} gets ${body}${isRedelivered ? " again" : ""}`);
    this.#world.count("messages taken by priority");
    if (message === undefined) {
      if (isDamaged) return;
      throw new Fault(`${this.name}: ${body} came, which was acknowledged or never sent`);
    }
    if (!isDamaged) this.#check(message, first, isRedelivered);
    message.state = "held";
    message.isReturning = false;
    message.again = "yes";
    this.#held.push({ message, tag });
  }

  #check(message: Message, first: Message | undefined, isRedelivered: boolean): void {
    const { body, state, again } = message;
    if (state === "gone" || state === "held")
      throw new Fault(`${this.name}: ${body} came, which is ${state}`);
    if (first !== undefined && first !== message && this.#isBefore(first, message))
      throw new Fault(`${this.name}: ${body} came before ${first.body}`);
    if (again !== "maybe" && isRedelivered !== (again === "yes"))
      throw new Fault(`${this.name}: ${body} came with redelivered ${String(isRedelivered)}`);
  }

  /** The first of those that are surely there. */
  #first(): Message | undefined {
    let first: Message | undefined;
    for (const message of this.#messages.values())
      if (message.state === "ready" && (first === undefined || message.level > first.level)) first = message;
    return first;
  }

  #isBefore(a: Message, b: Message): boolean {
    if (a.level !== b.level) return a.level > b.level;
    for (const { body } of this.#messages.values())
      if (body === a.body || body === b.body) return body === a.body;
    return false;
  }

  #settle(client: AmqpClient): void {
    const { random, isDraining } = this.#world;
    const [{ message, tag }] = this.#held.splice(random.below(this.#held.length), 1) as [
      { message: Message; tag: number },
    ];
    if (!isDraining && random.chance(0.4)) {
      this.#world.note(`${this.name} gives back ${message.body}`);
      message.state = "ready";
      client.requeue(tag);
      return;
    }
    message.state = "settling";
    client.ack(tag);
    this.#count(client);
  }

  /** With the answer, all acknowledgements before it were taken. */
  #count(client: AmqpClient): void {
    this.#isWaiting = true;
    client.count(this.#queue, (count) => {
      if (client !== this.#client || count === null) return;
      this.#isWaiting = false;
      const states = new Map<string, number>();
      for (const [body, message] of this.#messages) {
        if (message.state === "settling")
          [message.state, message.told] = ["gone", this.#world.promises.number()];
        // Nothing may make it come back.
        if (message.state === "gone" && this.#messages.size > readyMax / 2 && this.#isForGood(message))
          this.#messages.delete(body);
        states.set(message.state, (states.get(message.state) ?? 0) + 1);
      }
      const ready = states.get("ready") ?? 0;
      if (count < ready || count > ready + (states.get("unsure") ?? 0)) {
        if (!this.#world.isDamaged) throw new Fault(`${this.name}: ${count} are ready, should be ${ready}`);
      }
    });
  }

  #isForGood({ told }: Message): boolean {
    return this.#world.promises.survives(told, "written", "power");
  }
}
