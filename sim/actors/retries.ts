/**
 * A group whose entries are given up (TROIKA.NACK), claimed from consumers that are gone, acknowledged, or end as dead letters. A power
 * failure begins a new stream.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { type Crash, Fault } from "../model.ts";
import { backoffMs, backoffMsMax, deliveriesMax, RetriedGroup } from "../models/retried-group.ts";
import type { Actor, World } from "../world.ts";
import { bodiesOf } from "./later.ts";
import { isTemporary } from "./stream-writer.ts";

const stepMs = 30;
const consumers = 3;

export class RetriesActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #database: number;
  #model!: RetriedGroup;
  #stream = "";
  #generation = 0;
  #client: RedisClient | null = null;
  #consumer = "";
  #isSetUp = false;
  #number = 0;
  #connections = 0;
  /** By body: the id of what is held. */
  readonly #held = new Map<string, string>();
  #jumps = 0;
  #isChecked = false;

  constructor(world: World, name: string, database: number) {
    this.#world = world;
    this.name = name;
    this.#database = database;
    this.#beginAnew();
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  #crashed(crash: Crash): void {
    if (crash === "power") this.#beginAnew();
  }

  #beginAnew(): void {
    this.#stream = `${this.name}:${++this.#generation}`;
    this.#model = new RetriedGroup(this.#stream, () => this.#hasBeenRefused);
    this.#held.clear();
    this.#client?.cut();
  }

  /** The disk may have taken no more at some time. */
  get #hasBeenRefused(): boolean {
    const { counts, disk } = this.#world;
    const ways = ["disks full or free again", "disks filled by others or given back"];
    return disk.refusedWrites > 0 || ways.some((way) => counts[way] !== undefined);
  }

  act(): void {
    const { random, isDraining } = this.#world;
    this.#model.isDamaged = this.#world.isDamaged;
    this.#followClock();
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (client.waiting > 0) return;
    if (!this.#isSetUp) return this.#setUp(client);
    if (isDraining) return this.#finish(client);
    const choice = random.next();
    if (choice < 0.01) client.cut();
    else if (choice < 0.25) this.#add(client);
    else if (choice < 0.5) this.#read(client);
    else if (choice < 0.58) this.#claim(client);
    else if (choice < 0.65) this.#lookAtDead(client, () => {});
    else this.#settleOne(client);
  }

  #followClock(): void {
    const jumps = this.#world.counts["clock jumps"] ?? 0;
    if (jumps !== this.#jumps) this.#model.clockJumps();
    this.#jumps = jumps;
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#isSetUp = false;
    this.#held.clear();
    this.#consumer = `c${this.#connections++ % consumers}`;
    this.#client = new RedisClient(link);
    this.#client.call(["SELECT", this.#database], () => {});
  }

  /** Calls, and takes answers only that belong to the stream that there is now. */
  #call(
    client: RedisClient,
    words: readonly (string | number)[],
    onReply: (reply: RedisReply) => void,
    onLost: () => void = () => {},
  ): void {
    const generation = this.#generation;
    client.call(words, (reply, isLost) => {
      if (generation !== this.#generation) return;
      this.#followClock();
      this.#world.note(
        `${this.name}: ${words.join(" ")} is answered ${isLost ? "not" : JSON.stringify(reply)}`,
      );
      if (isLost) return onLost();
      if (isTemporary(reply)) {
        // What was read in part may have been delivered.
        if (words[0] === "XREADGROUP" || words[0] === "XAUTOCLAIM") this.#model.answerLost();
        return words[0] === "XADD" ? onReply(reply) : undefined;
      }
      onReply(reply);
    });
  }

  #setUp(client: RedisClient): void {
    this.#call(client, ["XGROUP", "CREATE", this.#stream, "g", "0", "MKSTREAM"], (reply) => {
      if (reply !== "OK" && !String(reply).includes("BUSYGROUP"))
        throw new Fault(`${this.name}: XGROUP answered ${String(reply)}`);
      const retry = [
        "BACKOFF",
        backoffMs,
        "FACTOR",
        2,
        "MAX",
        backoffMsMax,
        "DEADLETTER",
        `${this.#stream}.d`,
      ];
      this.#call(
        client,
        ["TROIKA.GROUP", this.#stream, "g", "MAXDELIVER", deliveriesMax, ...retry],
        (answer) => {
          if (answer !== "OK") throw new Fault(`${this.name}: TROIKA.GROUP answered ${String(answer)}`);
          this.#isSetUp = true;
        },
      );
    });
  }

  #add(client: RedisClient): void {
    const body = `${this.#stream}/${this.#number++}`;
    this.#model.sent(body);
    this.#call(client, ["XADD", this.#stream, "*", "body", body], (reply) => {
      if (isTemporary(reply)) return this.#model.refused(body);
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.#model.told(body);
    });
  }

  #read(client: RedisClient, onRead: (count: number) => void = () => {}): void {
    const count = this.#world.random.between(1, 4);
    const words = ["XREADGROUP", "GROUP", "g", this.#consumer, "COUNT", count, "STREAMS", this.#stream, ">"];
    const model = this.#model;
    this.#call(
      client,
      words,
      (reply) => {
        const entries = reply === null ? [] : bodiesOf((reply as RedisReply[][])[0]![1]!);
        this.#delivered(entries, true);
        onRead(entries.length);
      },
      () => model.answerLost(),
    );
  }

  #delivered(entries: readonly (readonly [id: string, body: string])[], isNew: boolean): void {
    for (const [id, body] of entries) {
      this.#world.count("entries delivered that may come again");
      this.#model.delivered(body, isNew, this.#world.time.now());
      this.#held.set(body, id);
    }
  }

  #claim(client: RedisClient): void {
    const model = this.#model;
    this.#call(
      client,
      ["XAUTOCLAIM", this.#stream, "g", this.#consumer, 0, "0-0", "COUNT", 3],
      (reply) => {
        // What is held already, and was delivered often enough, is a dead letter now.
        this.#held.clear();
        this.#delivered(bodiesOf((reply as RedisReply[])[1]!), false);
      },
      () => model.answerLost(),
    );
  }

  #settleOne(client: RedisClient): void {
    const { random, time } = this.#world;
    const held = [...this.#held];
    if (held.length === 0) return this.#read(client);
    const [body, id] = random.pick(held);
    this.#held.delete(body);
    if (random.chance(0.3)) {
      this.#model.ackAsked(body);
      this.#call(client, ["XACK", this.#stream, "g", id], (reply) =>
        this.#model.acked(body, reply as number),
      );
      return;
    }
    const sentAt = time.now();
    const jumps = this.#jumps;
    this.#call(client, ["TROIKA.NACK", this.#stream, "g", id], (reply) => {
      if (reply !== 1) return;
      this.#world.count("entries given up");
      this.#model.givenUp(body, jumps === this.#jumps ? sentAt : 0);
    });
  }

  #lookAtDead(client: RedisClient, onLooked: () => void): void {
    this.#call(client, ["XRANGE", `${this.#stream}.d`, "-", "+"], (reply) => {
      const letters = (reply as [string, string[]][]).map(
        ([, fields]) => [fields[1]!, Number(fields[fields.indexOf("troika.deliveries") + 1])] as const,
      );
      for (let i = 0; i < letters.length; i++) this.#world.count("dead letters of groups looked at");
      this.#model.foundDead(letters);
      onLooked();
    });
  }

  /** Everything is given up or acknowledged, until nothing is left. */
  #finish(client: RedisClient): void {
    if (this.#held.size > 0) return this.#settleOne(client);
    this.#call(client, ["XPENDING", this.#stream, "g"], (reply) => {
      const pending = (reply as RedisReply[])[0] as number;
      this.#read(client, (count) => {
        if (count > 0) return;
        if (pending > 0) {
          this.#world.time.advance(stepMs);
          return this.#claim(client);
        }
        this.#lookAtDead(client, () => {
          this.#model.checkEnd();
          this.#isChecked = true;
        });
      });
    });
  }
}
