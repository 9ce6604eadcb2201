/**
 * The one request to bounded queues that is under way, and what its answer means to their history.
 *
 * Not here: who sends it (bounds.ts, bounds-ways.ts). Invariant: `begin` is called only while nothing is under way.
 */
import type { Level } from "../model.ts";
import { Bounds, type Item, type QueueName, queueNames, refused, type Topology } from "../models/bounds.ts";
import { BoundsHistory, type Step } from "../models/bounds-history.ts";
import type { World } from "../world.ts";

const bodyBytesMax = 40;

export class BoundsRequests {
  readonly world: World;
  readonly name: string;
  readonly history: BoundsHistory;
  isUnderWay = false;
  #number = 0;
  #sent = 0;

  constructor(world: World, name: string, topology: Topology) {
    this.world = world;
    this.name = name;
    this.history = new BoundsHistory(new Bounds(topology), world.promises);
    world.boundsHistories.push(this.history);
  }

  /** The number of the message that is made next. */
  get nextNumber(): number {
    return this.#number + 1;
  }

  get bounds(): Bounds {
    return this.history.bounds;
  }

  begin(...steps: Step[]): void {
    this.isUnderWay = true;
    this.#sent = this.world.promises.number();
    this.world.note(`${this.name}: ${steps.map(({ what }) => what).join("; ")}`);
    this.history.begin(steps);
  }

  answered(answers: readonly (string | number)[], level: Level): void {
    this.isUnderWay = false;
    this.world.note(`${this.name}: ${level} ${answers.join(", ")}`);
    this.world.count("bounded queues: requests answered");
    if (answers.includes(refused)) this.world.count("bounded queues: requests with a refusal");
    this.history.answered(answers, level);
    if (level === "durable") this.durable();
  }

  /** What had been told before it was sent is durable. */
  durable(): void {
    this.world.promises.durable(this.#sent);
  }

  unanswered(): void {
    if (!this.isUnderWay) return;
    this.isUnderWay = false;
    this.world.note(`${this.name}: no answer`);
    this.history.unanswered();
  }

  newBody(): [number: number, body: string] {
    const number = ++this.#number;
    return [number, `${number} ${".".repeat(this.world.random.below(bodyBytesMax))}`];
  }

  /** The queues of which it is not known what is in them. */
  get differing(): readonly QueueName[] {
    const { possible, bounds } = this.history;
    return queueNames.filter(
      (name) => new Set(possible.map((state) => bounds.look(name)(state)[1])).size > 1,
    );
  }
}

export function itemOf(number: number, size: number, body: string): Item {
  return { number, size, bodySize: body.length, deaths: [], isHeld: false };
}

export function numberOf(body: string): number {
  return Number.parseInt(body, 10);
}
