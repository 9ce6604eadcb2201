/**
 * Bounded queues, written to in every way that there is, one request (or a burst of methods on one AMQP channel) at a time:
 * each answer is compared with the model's, so that what is confirmed is in its queue, and what is refused is nowhere but
 * where dead letters go.
 */
import { AmqpClient, type Delivery } from "../clients/amqp-client.ts";
import { Fault } from "../model.ts";
import { type QueueName, refused, taken, type Topology } from "../models/bounds.ts";
import { type Step, stepsLast } from "../models/bounds-history.ts";
import type { Actor, World } from "../world.ts";
import { BoundsRequests, itemOf, numberOf } from "./bounds-request.ts";
import { bridgeTable, definitionOf, policiesOf } from "./bounds-setup.ts";
import { OtherWays } from "./bounds-ways.ts";

const burstMax = 5;
const prefetchMax = 3;
/** Where more may be true, it looks before it does anything else. */
const possibleMax = 10;
/** Queues that nobody consumes, in the order in which they are emptied. */
const quiet: readonly QueueName[] = ["dead", "other"];

/** A policy of that queue alone; undefined deletes it. */
function policyFor(name: string, definition: object | null): object | undefined {
  if (definition === null) return undefined;
  return { pattern: `^${name.replaceAll(".", "\\.")}$`, definition, priority: 0, "apply-to": "queues" };
}

export class BoundsActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #requests: BoundsRequests;
  readonly #others: OtherWays;
  #amqp: AmqpClient | null = null;
  #isConsuming = false;
  /** Came and were not looked at yet; are held. */
  #arrived: Delivery[] = [];
  #held: Delivery[] = [];
  /** Of the burst that is under way. */
  #answers: (string | number | undefined)[] = [];
  /** The step of each publish by its delivery tag, and the tags that were answered. */
  #steps = new Map<number, number>();
  #lastTag = 0;
  #isDurable = false;
  #isDrained = false;

  constructor(world: World, name: string, topology: Topology) {
    this.#world = world;
    this.name = name;
    this.#requests = new BoundsRequests(world, name, topology);
    this.#others = new OtherWays(this.#requests);
  }

  get isIdle(): boolean {
    return !this.#requests.isUnderWay && (this.#isDrained || this.#world.isDamaged);
  }

  crashed(): void {
    this.#requests.isUnderWay = false;
    this.#answers = [];
  }

  act(): void {
    const { random, isDraining } = this.#world;
    if (this.#connect()) return;
    if (this.#requests.isUnderWay) {
      if (!isDraining && random.chance(this.#others.hasBatch ? 0.04 : 0.01)) this.#leave();
      return;
    }
    this.#takeDeliveries();
    if (isDraining) return this.#drain();
    const others = this.#others;
    const seen = others.takeSeen();
    if (seen.length > 0 && !this.#isConsuming && random.chance(0.5)) return others.removeSeen(seen);
    const choice = random.next();
    if (this.#requests.history.possible.length > possibleMax || choice < 0.05) others.look();
    else if (choice < 0.5) this.#burst();
    else if (choice < 0.62) others.commit();
    else if (choice < 0.74) others.xadd();
    else if (choice < 0.8) others.publishLive();
    else if (choice < 0.93) others.produce();
    else if (choice < 0.98) this.#changePolicies();
    else this.#leave();
  }

  /** Does not wait for the answer, if there is one. */
  #leave(): void {
    if (this.#world.random.chance(0.2)) this.#amqp!.cut();
    else this.#others.leave();
  }

  #connect(): boolean {
    if (this.#amqp !== null) return this.#others.connect();
    const link = this.#world.connect("amqp");
    if (link !== null) this.#open(link);
    return true;
  }

  #open(link: ConstructorParameters<typeof AmqpClient>[0]): void {
    this.#arrived = [];
    this.#held = [];
    this.#steps = new Map();
    this.#lastTag = 0;
    this.#isConsuming = false;
    const client = new AmqpClient(link, {
      delivered: (delivery) => this.#arrived.push(delivery),
      confirmed: (tag, isMultiple, isAck) => this.#confirmed(tag, isMultiple, isAck),
      lost: (why) => {
        if (this.#amqp !== client) return;
        this.#amqp = null;
        this.#world.note(`${this.name}: ${why}`);
        if (this.#answers.length > 0) this.#requests.unanswered();
        this.#answers = [];
        this.#requests.history.consumerGone();
      },
    });
    this.#amqp = client;
    client.confirmSelect(() => {});
  }

  #takeDeliveries(): void {
    for (const delivery of this.#arrived.splice(0)) {
      this.#world.count("bounded messages delivered");
      this.#requests.history.delivered(numberOf(delivery.body));
      this.#held.push(delivery);
    }
  }

  // A burst of methods on one channel

  #burst(): void {
    const { random } = this.#world;
    const client = this.#amqp!;
    const steps: Step[] = [];
    const sends: (() => void)[] = [];
    const add = (step: Step, send: (at: number) => void): void => {
      const at = steps.push(step) - 1;
      sends.push(() => send(at));
    };
    this.#isDurable = false;
    for (let left = random.between(1, burstMax); left > 0; left--) this.#addMethod(client, add);
    this.#addCount(client, "main", add);
    this.#send(steps, sends);
  }

  #send(steps: readonly Step[], sends: readonly (() => void)[]): void {
    this.#answers = Array.from({ length: steps.length });
    this.#durableSteps.clear();
    this.#requests.begin(...steps);
    for (const send of sends) send();
  }

  /** As an administrator does, at once: the count behind it says that it was written. */
  #changePolicies(): void {
    const { random, process } = this.#world;
    const queues = process.broker?.defaultVhost.queues;
    const main = queues?.get("main");
    const dead = queues?.get("dead");
    if (main === undefined || dead === undefined) return;
    const policies = policiesOf(random, this.#requests.bounds.topology);
    const client = this.#amqp!;
    const steps: Step[] = [];
    const sends: (() => void)[] = [];
    const add: Add = (step, send) => {
      const at = steps.push(step) - 1;
      sends.push(() => send(at));
    };
    this.#isDurable = false;
    add(
      { what: `policies ${JSON.stringify(policies)}`, change: this.#requests.bounds.policies(policies) },
      (at) => {
        const [policy = null, operatorPolicy = null] = policies.main.map(definitionOf);
        const ofDead = policies.dead === null ? null : { "max-length": policies.dead };
        const { vhost } = main;
        vhost.broker.parameters.setPolicies(vhost, [
          ["policy", main.name, policyFor(main.name, policy)],
          ["operator_policy", main.name, policyFor(main.name, operatorPolicy)],
          ["policy", dead.name, policyFor(dead.name, ofDead)],
        ]);
        vhost.policies.finish();
        this.#world.count("policies of bounded queues changed");
        this.#answers[at] = taken;
      },
    );
    this.#addCount(client, "main", add);
    this.#send(steps, sends);
  }

  #addMethod(client: AmqpClient, add: Add): void {
    const { random } = this.#world;
    if (!this.#isConsuming && random.chance(0.3)) this.#addConsume(client, add);
    else if (this.#held.length > 0 && random.chance(0.5)) this.#addSettlement(client, add);
    else if (random.chance(0.25)) this.#addGet(client, random.pick(quiet), add);
    else if (random.chance(0.06)) this.#addBridge(client, random.chance(0.6), add);
    else this.#addPublish(client, add);
  }

  #addConsume(client: AmqpClient, add: Add): void {
    const prefetch = this.#world.random.between(1, prefetchMax);
    this.#isConsuming = true;
    add({ what: `consume with ${prefetch}`, change: this.#requests.bounds.consume(prefetch) }, (at) => {
      client.qos(prefetch, () => {});
      client.consume("main", (payload) => this.#methodAnswered(at, payload === null ? null : taken));
    });
  }

  /** A settlement has no answer: the methods behind it say that it was taken. */
  #addSettlement(client: AmqpClient, add: Add, isAck = false): void {
    const { random } = this.#world;
    const [{ tag, body }] = this.#held.splice(random.below(this.#held.length), 1) as [Delivery];
    const number = numberOf(body);
    const outcome = isAck ? "acknowledge" : random.pick(["acknowledge", "requeue", "reject"] as const);
    add({ what: `${outcome} ${number}`, change: this.#requests.bounds.settle(number, outcome) }, (at) => {
      this.#answers[at] = taken;
      if (outcome === "acknowledge") client.ack(tag);
      else if (outcome === "requeue") client.requeue(tag);
      else client.reject(tag);
    });
  }

  #addGet(client: AmqpClient, queue: QueueName, add: Add): void {
    add({ what: `get from ${queue}`, change: this.#requests.bounds.get(queue) }, (at) => {
      client.get(queue, (delivery) => {
        if (client.isLost) return;
        this.#methodAnswered(at, delivery === null ? "empty" : numberOf(delivery.body));
      });
    });
  }

  #addCount(client: AmqpClient, queue: QueueName, add: Add): void {
    add({ what: `count ${queue}`, change: this.#requests.bounds.count(queue) }, (at) =>
      client.count(queue, (count) => this.#methodAnswered(at, count)),
    );
  }

  #addBridge(client: AmqpClient, isMade: boolean, add: Add): void {
    add(
      { what: isMade ? "make bounds.b" : "delete bounds.b", change: this.#requests.bounds.bridge(isMade) },
      (at) => {
        const answered = (payload: Buffer | null): void =>
          this.#methodAnswered(at, payload === null ? null : taken);
        if (isMade) client.declareKept("bounds.b", "topic", bridgeTable, answered);
        else client.deleteExchange("bounds.b", answered);
      },
    );
  }

  #addPublish(client: AmqpClient, add: Add): void {
    const { random } = this.#world;
    const [exchange, key] = random.pick([
      ["", "main"],
      ["", "main"],
      ["", "other"],
      ["", "first"],
      ["", "first"],
      ["bounds.a", "other"],
      ["bounds.a", "main"],
      ["bounds.a", "both"],
      ["bounds.c", "both"],
      ["bounds.live", "main"],
    ] as const);
    const [number, body] = this.#requests.newBody();
    const change = this.#requests.bounds.publish(exchange, key, itemOf(number, body.length, body));
    add({ what: `publish ${number} to ${exchange} ${key}`, change }, (at) => {
      this.#steps.set(++this.#lastTag, at);
      // Elsewhere it may have had no queue: its confirm says nothing of the disk.
      if (exchange === "") this.#durableSteps.add(at);
      client.publish(key, body, exchange);
    });
  }

  /** Steps of this burst that are durable when they are confirmed. */
  readonly #durableSteps = new Set<number>();

  #confirmed(tag: number, isMultiple: boolean, isAck: boolean): void {
    if (!this.#steps.has(tag))
      throw new Fault(`${this.name}: tag ${tag} was confirmed, which waits for nothing`);
    for (const [each, at] of this.#steps) {
      if (each !== tag && !(isMultiple && each < tag)) continue;
      this.#steps.delete(each);
      if (isAck && this.#durableSteps.has(at)) {
        this.#requests.durable();
        // What came behind it in the burst may be in a later tick.
        if (at === this.#answers.length - stepsLast) this.#isDurable = true;
      }
      this.#methodAnswered(at, isAck ? taken : refused);
    }
  }

  #methodAnswered(at: number, answer: string | number | null): void {
    if (answer === null || this.#answers.length === 0) return;
    this.#answers[at] = answer;
    if (this.#answers.includes(undefined)) return;
    const answers = this.#answers as (string | number)[];
    this.#answers = [];
    this.#requests.answered(answers, this.#isDurable ? "durable" : "written");
  }

  // The end of the run

  /** Takes all that is there; then nothing must be left. */
  #drain(): void {
    if (this.#isDrained || this.#world.isDamaged) return;
    if (this.#held.length === 0 && this.#requests.differing.length > 0) return this.#others.look();
    const client = this.#amqp!;
    const steps: Step[] = [];
    const sends: (() => void)[] = [];
    const add: Add = (step, send) => {
      const at = steps.push(step) - 1;
      sends.push(() => send(at));
    };
    if (!this.#isConsuming) this.#addConsume(client, add);
    while (this.#held.length > 0) this.#addSettlement(client, add, true);
    const left = this.#requests.history.possible.map(({ queues }) => queues);
    const queue = quiet.find((name) => left.some((queues) => queues[name].length > 0));
    if (queue !== undefined) this.#addGet(client, queue, add);
    for (const name of ["main", ...quiet] as const) this.#addCount(client, name, add);
    const isEmpty = left.every((queues) => Object.values(queues).every((items) => items.length === 0));
    this.#isDurable = false;
    this.#isDrained = isEmpty;
    this.#send(steps, sends);
  }
}

type Add = (step: Step, send: (at: number) => void) => void;
