/**
 * A list of jobs: RPUSH, alone, in MULTI and in scripts; clients that wait by BLPOP, BLMPOP and BLMOVE, and some of them die
 * waiting. CLIENT LIST says who waits, so that it is known who came first.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault } from "../model.ts";
import { type Call, JobList } from "../models/job-list.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const database = 7;
const consumerCount = 3;
const pushScript = "for i = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end return #ARGV";

interface Consumer {
  readonly name: string;
  client: RedisClient | null;
  call: Call | null;
}

export class JobListActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #list: JobList;
  readonly #consumers: readonly Consumer[];
  /** Pushes, and looks at who waits. */
  #client: RedisClient | null = null;
  #number = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#list = new JobList(name, world.promises, world.areTurnsUsual);
    this.#consumers = Array.from({ length: consumerCount }, (_, i) => ({
      name: `${name}-${i}`,
      client: null,
      call: null,
    }));
    world.jobLists.push(this.#list);
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  /** Whether somebody waits for items. */
  get isWaiting(): boolean {
    return this.#consumers.some(({ call }) => call !== null);
  }

  act(): void {
    const { random, isDraining } = this.#world;
    if (this.#client === null || this.#client.isLost) {
      this.#client = this.#connect(this.name);
      return;
    }
    if (isDraining) return;
    if (random.chance(0.5)) this.#wait(random.pick(this.#consumers));
    else if (this.#client.waiting === 0 && random.chance(0.6)) this.#push(this.#client);
    else if (this.#client.waiting === 0) this.#lookWhoWaits(this.#client);
  }

  #connect(name: string): RedisClient | null {
    const link = this.#world.connect("redis");
    if (link === null) return null;
    const client = new RedisClient(link);
    client.call(["SELECT", database], () => {});
    client.call(["CLIENT", "SETNAME", name], () => {});
    return client;
  }

  #push(client: RedisClient): void {
    const { random } = this.#world;
    const items = Array.from({ length: random.between(1, 3) }, () => ++this.#number);
    this.#list.pushing(items);
    const done = (reply: RedisReply, isLost: boolean): void => {
      if (isLost || isTemporary(reply)) return;
      if (reply instanceof Error) {
        if (reply.message.startsWith("EXECABORT")) return;
        throw new Fault(`${this.name}: a push answered ${reply.message}`);
      }
      if (Array.isArray(reply) && reply.some((each) => each instanceof Error)) return;
      this.#world.count("jobs pushed");
      this.#list.pushed(items);
    };
    const choice = random.next();
    if (choice < 0.4) client.call(["RPUSH", this.name, ...items], done);
    else if (choice < 0.7) client.call(["EVAL", pushScript, 1, this.name, ...items], done);
    else {
      client.call(["MULTI"], () => {});
      for (const item of items) client.call(["RPUSH", this.name, item], () => {});
      client.call(["EXEC"], done);
    }
  }

  /** Asks for a job; or dies while it waits. */
  #wait(consumer: Consumer): void {
    const { random, promises } = this.#world;
    if (consumer.client === null || consumer.client.isLost) {
      consumer.client = this.#connect(consumer.name);
      return;
    }
    if (consumer.call !== null) {
      if (random.chance(0.03)) {
        this.#world.count("clients dead while they wait for jobs");
        consumer.client.cut();
      }
      return;
    }
    const [takesMax, words] = random.pick<[number, (string | number)[]]>([
      [1, ["BLPOP", this.name, 0]],
      [1, ["BLPOP", "nothing", this.name, 0.5]],
      [2, ["BLMPOP", 0, 1, this.name, "LEFT", "COUNT", 2]],
      [0, ["BLMOVE", this.name, `${this.name}:done`, "LEFT", "RIGHT", 0]],
    ]);
    const call: Call = {
      who: consumer.name,
      takesMax,
      sent: promises.number(),
      blocked: Infinity,
      items: [],
    };
    consumer.call = call;
    consumer.client.call(words, (reply, isLost) => {
      if (consumer.call === call) consumer.call = null;
      this.#world.note(`${consumer.name}: ${words[0]} answered ${JSON.stringify(reply)}`);
      if (isLost) return this.#list.unanswered(call);
      if (isTemporary(reply)) return;
      if (reply instanceof Error) throw new Fault(`${this.name}: ${words[0]} answered ${reply.message}`);
      const items = itemsOf(words[0] as string, reply);
      if (items.length > 0) this.#world.count("jobs taken");
      this.#list.answered(call, items);
    });
  }

  #lookWhoWaits(client: RedisClient): void {
    const calls = this.#consumers.map(({ call }) => call);
    client.call(["CLIENT", "LIST"], (reply, isLost) => {
      if (isLost || typeof reply !== "string") return;
      const waiting = new Set<string>();
      for (const line of reply.split("\n"))
        if (/ flags=\w*b/.test(line)) waiting.add(/ name=(\S*)/.exec(line)![1]!);
      this.#consumers.forEach(({ name, call }, i) => {
        if (call === null || call !== calls[i] || !waiting.has(name) || call.blocked !== Infinity) return;
        this.#world.count("clients seen waiting for jobs");
        call.blocked = this.#world.promises.number();
      });
    });
  }

  /** Whether nobody waits though there are jobs. */
  askIfServed(onAnswer: (isServed: boolean) => void): void {
    if (this.#client === null || this.#client.isLost) return;
    this.#client.call(["LLEN", this.name], (reply) => onAnswer(reply === 0 || !this.isWaiting));
  }

  /** At the end, when nothing is under way. */
  check(): void {
    const client = this.#client;
    if (client === null || client.isLost) return;
    const lists: number[][] = [];
    for (const key of [this.name, `${this.name}:done`]) {
      client.call(["LRANGE", key, 0, -1], (reply) => {
        lists.push((reply as string[]).map(Number));
        if (lists.length === 2) this.#list.check(lists[0]!, lists[1]!);
      });
    }
  }
}

function itemsOf(command: string, reply: RedisReply): number[] {
  if (reply === null) return [];
  if (command === "BLMOVE") return [Number(reply)];
  const [, found] = reply as [string, string | string[]];
  return (Array.isArray(found) ? found : [found]).map(Number);
}
