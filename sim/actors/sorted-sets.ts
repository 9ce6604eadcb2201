/**
 * A Redis sorted set that one client writes: members get scores, some at a time, are removed, popped, or removed by rank; and what is
 * stored of it, in one turn or over many. Each member is a key to the model, whose value is its score.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, KeyModel } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const memberCount = 40;
const waitingMax = 6;
/** So many keys are never looked at in one turn. */
const keysOfLongStore = 300;

type Member = readonly [name: string, score: string];

export class SortedSetsActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #members: readonly KeyModel[];
  /** What was stored last; undefined while that is not known. */
  #stored: string | undefined = "";
  #client: RedisClient | null = null;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#members = Array.from(
      { length: memberCount },
      (_, i) => new KeyModel(`m${i}`.padEnd((i * 5) % 70, "x")),
    );
    world.keys.push(...this.#members);
    // What was answered may be undone by a power failure.
    world.crashListeners.push((crash) => {
      if (crash === "power") this.#stored = undefined;
    });
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const { random, isDraining } = this.#world;
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (isDraining || client.waiting >= waitingMax) return;
    const choice = random.next();
    if (choice < 0.45) this.#add(client);
    else if (choice < 0.6) this.#remove(client);
    else if (choice < 0.7) this.#pop(client, random.between(1, 5));
    else if (choice < 0.72) this.#pop(client, memberCount);
    else if (choice < 0.86) this.#store(client);
    else this.read();
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link !== null) this.#client = new RedisClient(link);
  }

  get #key(): string {
    return `${this.name}:scores`;
  }

  get #storedKey(): string {
    return `${this.name}:stored`;
  }

  /** Different ones. */
  #some(count: number): KeyModel[] {
    const first = this.#world.random.below(memberCount);
    return Array.from({ length: count }, (_, i) => this.#members[(first + i * 3) % memberCount]!);
  }

  /** Many scores are the same, so that names count. */
  #add(client: RedisClient): void {
    const { random } = this.#world;
    const given = this.#some(random.between(1, 10)).map((member) => {
      const score = random.chance(0.5) ? random.below(4) : random.below(4000) / 4 - 500;
      return [member, String(score)] as const;
    });
    for (const [member, score] of given) member.setting(score);
    const words = given.flatMap(([{ name }, score]) => [score, name]);
    client.call(["ZADD", this.#key, ...words], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (typeof reply !== "number") throw new Fault(`${this.name}: ZADD answered ${String(reply)}`);
      this.#world.count("scores set");
      for (const [member, score] of given) member.set(score);
    });
  }

  #remove(client: RedisClient): void {
    const gone = this.#some(this.#world.random.between(1, 6));
    for (const member of gone) member.setting(null);
    client.call(["ZREM", this.#key, ...gone.map(({ name }) => name)], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      for (const member of gone) member.set(null);
    });
  }

  /** While all scores are known: the first few, or all, by ZPOPMIN or by their ranks. */
  #pop(client: RedisClient, count: number): void {
    if (this.#members.some(({ known }) => known === undefined)) return;
    const there = this.#members.filter(({ known }) => known !== null);
    const taken = there
      .map((member) => [member.name, member.known!] as const)
      .toSorted(compare)
      .slice(0, count);
    const models = taken.map(([name]) => there.find((member) => member.name === name)!);
    for (const member of models) member.setting(null);
    const isByRank = this.#world.random.chance(0.3);
    const command = isByRank
      ? ["ZREMRANGEBYRANK", this.#key, "0", String(count - 1)]
      : ["ZPOPMIN", this.#key, String(count)];
    client.call(command, (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      const found = isByRank ? reply : (reply as string[]).join();
      const wanted = isByRank ? taken.length : taken.flat().join();
      if (found !== wanted && !this.#world.isDamaged)
        throw new Fault(`${this.name}: ${command.join(" ")} answered ${String(found)}, not ${wanted}`);
      this.#world.count("scores popped");
      for (const member of models) member.set(null);
    });
  }

  /** Nothing else is under way. */
  #store(client: RedisClient): void {
    if (client.waiting > 0) return;
    const isLong = this.#world.random.chance(0.5);
    this.#stored = undefined;
    let found: string | undefined;
    client.call(["ZRANGE", this.#key, "0", "-1", "WITHSCORES"], (reply, isLost) => {
      if (!isLost && Array.isArray(reply)) found = reply.join();
    });
    const keys = Array.from({ length: keysOfLongStore }, () => this.#key);
    const command = isLong
      ? ["ZUNIONSTORE", this.#storedKey, String(keys.length), ...keys, "AGGREGATE", "MAX"]
      : ["ZRANGESTORE", this.#storedKey, this.#key, "0", "-1"];
    client.call(command, (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      this.#world.count(isLong ? "scores stored over several turns" : "scores stored");
      this.#stored = found;
    });
  }

  /** Looks at all members, and at what was stored. */
  read(): void {
    const client = this.#client;
    if (client === null || client.isLost) return;
    const replies: RedisReply[] = [];
    for (const key of [this.#key, this.#storedKey]) {
      client.call(["ZRANGE", key, "0", "-1", "WITHSCORES"], (reply, isLost) => {
        if (isLost || isTemporary(reply)) return;
        if (!Array.isArray(reply)) throw new Fault(`${this.name}: ZRANGE answered ${String(reply)}`);
        replies.push(reply);
        if (replies.length === 2) this.#check(replies as string[][]);
      });
    }
  }

  #check([words, stored]: string[][]): void {
    const scores = new Map<string, string>();
    let last: Member | null = null;
    for (let i = 0; i < words!.length; i += 2) {
      const next: Member = [words![i]!, words![i + 1]!];
      if (last !== null && compare(last, next) >= 0)
        throw new Fault(`${this.name}: ${next.join()} stands behind ${last.join()}`);
      scores.set(next[0], next[1]);
      last = next;
    }
    this.#world.count("sorted sets read");
    for (const member of this.#members) {
      member.read(scores.get(member.name) ?? null, this.#world.isDamaged);
      scores.delete(member.name);
    }
    if (scores.size > 0) throw new Fault(`${this.name}: ${[...scores.keys()].join()} was never added`);
    if (this.#stored === undefined || this.#world.isDamaged || stored!.join() === this.#stored) return;
    throw new Fault(`${this.name}: ${stored!.join()} is stored, told was ${this.#stored}`);
  }
}

function compare([a, x]: Member, [b, y]: Member): number {
  return Number(x) - Number(y) || (a < b ? -1 : a > b ? 1 : 0);
}
