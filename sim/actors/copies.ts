/**
 * Publishers that repeat what they do not know the outcome of, and sometimes what they do, to a queue that drops copies; each takes messages out
 * of the queue too, since what is consumed is still known. What must be true: models/copies.ts.
 */
import { AmqpClient, tableOf } from "../clients/amqp-client.ts";
import type { Attempt, CopiesModel } from "../models/copies.ts";
import type { Actor, World } from "../world.ts";

const emptyRounds = 3;

export class CopiesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #model: CopiesModel;
  #client: AmqpClient | null = null;
  #isConnecting = false;
  #isGetting = false;
  #unanswered: Attempt[] = [];
  #jumps = 0;
  #empty = 0;
  #isChecked = false;

  constructor(world: World, name: string, model: CopiesModel) {
    this.#world = world;
    this.name = name;
    this.#model = model;
    world.crashListeners.push((crash) => {
      this.#lost();
      model.crashed(crash);
    });
  }

  get isIdle(): boolean {
    const isWaiting = this.#isConnecting || this.#isGetting || this.#unanswered.length > 0;
    return !isWaiting && (this.#isChecked || this.#world.isDamaged);
  }

  #lost(): void {
    this.#client = null;
    this.#isConnecting = false;
    if (this.#isGetting) this.#model.mayBeTaken++;
    this.#isGetting = false;
    this.#empty = 0;
    const now = this.#world.time.now();
    for (const attempt of this.#unanswered.splice(0)) this.#model.answered(attempt, false, now);
  }

  act(): void {
    this.#lookAtClock();
    const client = this.#client;
    if (client === null) return this.#connect();
    if (this.#isConnecting || this.#isGetting || this.#isChecked) return;
    const { random, isDraining } = this.#world;
    if (isDraining) {
      if (this.#unanswered.length === 0) this.#drain(client);
      return;
    }
    const choice = random.next();
    if (choice < 0.2) this.#get(client, () => {});
    else for (let left = random.between(1, 3); left > 0; left--) this.#publish(client);
  }

  /** Before anything is said of what the broker did. */
  #lookAtClock(): void {
    const jumps = this.#world.counts["clock jumps"] ?? 0;
    if (jumps !== this.#jumps) this.#model.clockJumped();
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
    this.#isConnecting = true;
    client.confirmSelect(() => {});
    client.declare(this.#model.queue, tableOf({ "x-dedup-window-ms": this.#model.windowMs }), (answer) => {
      if (answer !== null && client === this.#client) this.#isConnecting = false;
    });
  }

  #publish(client: AmqpClient): void {
    const { random, time } = this.#world;
    const now = time.now();
    let attempt: Attempt | null = null;
    // Those that came last are likelier to be within their window.
    const back = random.below(random.chance(0.7) ? 4 : 40);
    if (random.chance(0.6) && back < this.#model.size) {
      const again = this.#model.again(this.#model.size - 1 - back, now);
      if (again === null) return;
      ({ attempt } = again);
      this.#world.count(again.isNew ? "ids published again after their window" : "ids published again");
    }
    attempt ??= this.#model.begin(now);
    this.#world.note(`${this.name} publishes ${attempt.body} at ${now}`);
    this.#unanswered.push(attempt);
    client.publish(this.#model.queue, attempt.body, "", { messageId: attempt.id });
  }

  #confirmed(count: number): void {
    this.#lookAtClock();
    const now = this.#world.time.now();
    for (const attempt of this.#unanswered.splice(0, count)) this.#model.answered(attempt, true, now);
  }

  #get(client: AmqpClient, onGot: (isAny: boolean) => void): void {
    this.#isGetting = true;
    client.get(this.#model.queue, (delivery) => {
      if (client !== this.#client || client.isLost) return;
      this.#isGetting = false;
      this.#lookAtClock();
      if (delivery !== null) this.#model.found(delivery.body, this.#world.isDamaged);
      onGot(delivery !== null);
    });
  }

  #drain(client: AmqpClient): void {
    if (this.#empty < emptyRounds) {
      this.#get(client, (isAny) => (this.#empty = isAny ? 0 : this.#empty + 1));
      return;
    }
    this.#isChecked = true;
    if (!this.#world.isDamaged) this.#model.checkEnd();
  }
}
