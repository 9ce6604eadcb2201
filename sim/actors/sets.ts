/**
 * Two Redis sets that one client writes, of whose members each is in one of them at most: it is added, removed, moved, taken with
 * all others; and what is stored of both, in one turn or over many. Each member is a key to the model, whose value is its set.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, KeyModel } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const memberCount = 40;
const waitingMax = 6;
/** So many keys are never looked at in one turn. */
const keysOfLongStore = 300;

type Place = "a" | "b";

export class SetsActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #members: readonly KeyModel[];
  /** What was stored last, as a sorted list; undefined while that is not known. */
  #stored: string | undefined = "";
  #client: RedisClient | null = null;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    // Many are integers, which come in their order.
    this.#members = Array.from(
      { length: memberCount },
      (_, i) => new KeyModel(i % 4 === 0 ? `m${i}` : String(i * 7 - 40)),
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
    if (choice < 0.4) this.#add(client);
    else if (choice < 0.55) this.#remove(client);
    else if (choice < 0.7) this.#move(client);
    else if (choice < 0.72) this.#takeAll(client);
    else if (choice < 0.86) this.#store(client);
    else this.read();
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link !== null) this.#client = new RedisClient(link);
  }

  #key(place: Place | "stored"): string {
    return `${this.name}:${place}`;
  }

  /** Different ones. */
  #some(count: number): KeyModel[] {
    const first = this.#world.random.below(memberCount);
    return Array.from({ length: count }, (_, i) => this.#members[(first + i * 3) % memberCount]!);
  }

  /** Those that are in the other set leave it in the same transaction. */
  #add(client: RedisClient): void {
    const { random } = this.#world;
    const [to, from]: [Place, Place] = random.chance(0.5) ? ["a", "b"] : ["b", "a"];
    const added = this.#some(random.between(1, 10));
    const names = added.map(({ name }) => name);
    for (const member of added) member.setting(to);
    client.call(["MULTI"], () => {});
    client.call(["SREM", this.#key(from), ...names], () => {});
    client.call(["SADD", this.#key(to), ...names], () => {});
    client.call(["EXEC"], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply instanceof Error && reply.message.startsWith("EXECABORT")) return;
      if (!Array.isArray(reply)) throw new Fault(`${this.name}: EXEC answered ${String(reply)}`);
      this.#world.count("set members added");
      for (const member of added) member.set(to);
    });
  }

  #remove(client: RedisClient): void {
    const gone = this.#some(this.#world.random.between(1, 6));
    const names = gone.map(({ name }) => name);
    for (const member of gone) member.setting(null);
    let answers = 0;
    const answered = (reply: RedisReply, isLost: boolean): void => {
      if (isLost || isTemporary(reply) || ++answers < 2) return;
      for (const member of gone) member.set(null);
    };
    client.call(["SREM", this.#key("a"), ...names], answered);
    client.call(["SREM", this.#key("b"), ...names], answered);
  }

  /** One whose place is known. */
  #move(client: RedisClient): void {
    const member = this.#world.random.pick(this.#members);
    const from = member.known;
    if (from !== "a" && from !== "b") return;
    const to = from === "a" ? "b" : "a";
    member.setting(to);
    client.call(["SMOVE", this.#key(from), this.#key(to), member.name], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply !== 1 && !this.#world.isDamaged)
        throw new Fault(
          `SMOVE of ${this.name} ${member.name}, which is in ${from}, answered ${String(reply)}`,
        );
      this.#world.count("set members moved");
      if (reply === 1) member.set(to);
    });
  }

  /** While all places are known. */
  #takeAll(client: RedisClient): void {
    if (this.#members.some(({ known }) => known === undefined)) return;
    const taken = this.#members.filter(({ known }) => known === "a");
    for (const member of taken) member.setting(null);
    client.call(["SPOP", this.#key("a"), 1000], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (!Array.isArray(reply)) throw new Fault(`${this.name}: SPOP answered ${String(reply)}`);
      if (sorted(reply) !== sorted(taken.map(({ name }) => name)) && !this.#world.isDamaged)
        throw new Fault(`${this.name}: SPOP took ${sorted(reply)}`);
      this.#world.count("sets taken whole");
      for (const member of taken) member.set(null);
    });
  }

  /** Nothing else is under way. */
  #store(client: RedisClient): void {
    if (client.waiting > 0) return;
    const isLong = this.#world.random.chance(0.5);
    const keys = Array.from({ length: isLong ? keysOfLongStore : 2 }, (_, i) => this.#key(i % 2 ? "a" : "b"));
    this.#stored = undefined;
    const found: string[] = [];
    const gather = (reply: RedisReply, isLost: boolean): void => {
      if (!isLost && Array.isArray(reply)) found.push(...(reply as string[]));
    };
    let hasFailed = false;
    client.call(["SMEMBERS", this.#key("a")], gather);
    client.call(["SMEMBERS", this.#key("b")], gather);
    client.call(["SUNIONSTORE", this.#key("stored"), ...keys], (reply, isLost) => {
      hasFailed = isLost || isTemporary(reply);
      if (hasFailed) return;
      if (reply !== found.length)
        throw new Fault(`${this.name}: SUNIONSTORE of ${found.length} members answered ${String(reply)}`);
      this.#world.count(isLong ? "sets stored over several turns" : "sets stored");
      this.#stored = sorted(found);
    });
  }

  /** Looks at all members, and at what was stored. */
  read(): void {
    const client = this.#client;
    if (client === null || client.isLost) return;
    const replies: RedisReply[] = [];
    for (const place of ["a", "b", "stored"] as const) {
      client.call(["SMEMBERS", this.#key(place)], (reply, isLost) => {
        if (isLost || isTemporary(reply)) return;
        if (!Array.isArray(reply)) throw new Fault(`${this.name}: SMEMBERS answered ${String(reply)}`);
        replies.push(reply);
        if (replies.length === 3) this.#check(replies as string[][]);
      });
    }
  }

  #check([a, b, stored]: string[][]): void {
    const places = new Map<string, Place>();
    for (const [place, members] of [
      ["a", a!],
      ["b", b!],
    ] as const) {
      for (const member of members) {
        if (places.has(member)) throw new Fault(`${this.name}: ${member} is there twice`);
        places.set(member, place);
      }
    }
    this.#world.count("sets read");
    for (const member of this.#members) {
      member.read(places.get(member.name) ?? null, this.#world.isDamaged);
      places.delete(member.name);
    }
    if (places.size > 0) throw new Fault(`${this.name}: ${[...places.keys()].join()} was never added`);
    if (this.#stored === undefined || this.#world.isDamaged || sorted(stored!) === this.#stored) return;
    throw new Fault(`${this.name}: ${sorted(stored!)} is stored, told was ${this.#stored}`);
  }
}

function sorted(members: readonly RedisReply[]): string {
  return (members as string[]).toSorted().join();
}
