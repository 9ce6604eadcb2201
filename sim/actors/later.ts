/** TROIKA.XADD: entries that enter a stream later, some of which are cancelled; over kills, restarts and clocks that are set. */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import { LaterEntries } from "../models/later-entries.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const waitingMax = 5;
const delayMsMax = 800;
/** What a stream does not take is tried again after a second. */
const againMs = 1500;
const stepMs = 400;

export class LaterActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #database: number;
  readonly #model: LaterEntries;
  #client: RedisClient | null = null;
  #number = 0;
  #isChecked = false;
  /** When all of them have entered the stream, by the wall clock. */
  #endsAt = 0;

  constructor(world: World, name: string, database: number) {
    this.#world = world;
    this.name = name;
    this.#database = database;
    this.#model = new LaterEntries(name, world.promises);
    world.laterEntries.push(this.#model);
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (client.waiting >= waitingMax) return;
    if (isDraining) return this.#finish(client);
    const choice = random.next();
    if (choice < 0.6) this.#add(client);
    else if (choice < 0.75) this.#cancel(client);
    else this.#look(client);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#client = new RedisClient(link);
    this.#client.call(["SELECT", this.#database], () => {});
  }

  #add(client: RedisClient): void {
    const { random, time, promises, redisStreamsLevel } = this.#world;
    const body = `${this.name}/${this.#number++}`;
    const delay = random.chance(0.1) ? 0 : random.between(1, delayMsMax);
    const isTimed = random.chance(0.4);
    const due = time.now() + delay;
    const later = this.#model.sent(body, due);
    const sent = promises.number();
    const words = isTimed ? ["DELIVERAT", due] : ["DELAY", delay];
    client.call(["TROIKA.XADD", this.name, ...words, "*", "body", body], (reply, isLost) => {
      if (isLost) return;
      if (isTemporary(reply)) return this.#model.refused(later);
      if (typeof reply !== "string") throw new Fault(`${this.name}: TROIKA.XADD answered ${String(reply)}`);
      this.#world.note(`${this.name}: ${body}, due ${due} (${words.join(" ")}), is accepted as ${reply}`);
      this.#world.count("entries accepted for later");
      this.#model.told(later, reply, redisStreamsLevel);
      if (redisStreamsLevel === "durable") promises.durable(sent);
    });
  }

  #cancel(client: RedisClient): void {
    const { waiting } = this.#model;
    if (waiting.length === 0) return;
    const later = this.#world.random.pick(waiting);
    later.isCancelAsked = true;
    client.call(["TROIKA.CANCEL", this.name, later.handle], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply !== 0 && reply !== 1)
        throw new Fault(`${this.name}: TROIKA.CANCEL answered ${String(reply)}`);
      this.#world.note(`${this.name}: CANCEL of ${later.body} is answered ${reply}`);
      if (reply === 1) this.#world.count("entries for later cancelled");
      this.#model.cancelled(later, reply === 1);
    });
  }

  #look(client: RedisClient, onWaiting: (count: number) => void = () => {}): void {
    const { promises, time } = this.#world;
    const asked = promises.number();
    // What waits is asked for last: what enters in between is not there then.
    client.call(["XRANGE", this.name, "-", "+"], (reply, isLost) => {
      if (isLost || isTemporary(reply) || reply instanceof Error) return;
      const bodies = bodiesOf(reply).map(([, body]) => body);
      this.#world.note(`${this.name}: XRANGE answers ${bodies.join(" ")} at ${time.now()}`);
      this.#world.count("looks at streams that are entered later");
      this.#model.found(bodies, asked, time.now());
    });
    const askedLater = promises.number();
    client.call(["TROIKA.SCHEDULED", this.name], (reply, isLost) => {
      if (isLost || isTemporary(reply) || reply instanceof Error) return;
      const bodies = (reply as [string, number, string[]][]).map(([, , fields]) => fields[1]!);
      this.#model.foundWaiting(bodies, askedLater);
      onWaiting(bodies.length);
    });
  }

  #finish(client: RedisClient): void {
    const { time } = this.#world;
    if (client.waiting > 0) return;
    if (this.#endsAt === 0) this.#endsAt = this.#model.lastDue + againMs;
    if (time.now() < this.#endsAt) return time.advance(stepMs);
    this.#look(client, (waiting) => {
      if (waiting > 0) {
        this.#endsAt = time.now() + againMs;
        return;
      }
      this.#look(client, () => {
        if (this.#isChecked) return;
        this.#model.checkEnd();
        this.#isChecked = true;
      });
    });
  }
}

/** The body of each entry of a reply. */
export function bodiesOf(reply: RedisReply): [id: string, body: string][] {
  return (reply as [string, string[]][]).map(([id, fields]) => [id, fields[1]!]);
}
