/**
 * A Kafka consumer group: its generations, who got which partition in each, how far it committed, and what it has seen.
 *
 * A generation is known by its number and leader (member ids are used once); one is newer than another for certain when a
 * member that heard of it had asked to join after somebody had heard of the other. Not here: what members do.
 */
import { type Crash, Fault, type HistoryModel, type Level, type Promises } from "../model.ts";
import type { Seeded } from "../seeded.ts";

export class Generation {
  readonly number: number;
  readonly leader: string;
  /** When a member first heard of it, and the latest that one asked who then heard of it. */
  readonly toldAt: number;
  askedAt: number;
  /** As its leader was told. */
  members: readonly string[] | null = null;
  readonly joined = new Set<string>();
  /** Partitions by member, as the leader sent them. */
  plan: Map<string, string[]> | null = null;
  readonly owners = new Map<string, string>();

  constructor(number: number, leader: string, toldAt: number, askedAt: number) {
    this.number = number;
    this.leader = leader;
    this.toldAt = toldAt;
    this.askedAt = askedAt;
  }
}

interface Commit {
  readonly offset: number;
  readonly number: number;
  readonly level: Level;
}

/** The commits to one partition. */
class Position {
  told: Commit[] = [];
  /** All that may have been committed: what was refused is not among them. */
  readonly possible = new Set([-1]);
  readonly seen = new Set<string>();
}

/** As requests have it: each topic with its partitions. */
export function byTopic(logs: readonly HistoryModel[]): [topic: string, partitions: HistoryModel[]][] {
  const found = new Map<string, HistoryModel[]>();
  for (const log of logs) found.set(log.topic, [...(found.get(log.topic) ?? []), log]);
  return [...found];
}

export class ConsumerGroupModel {
  readonly name: string;
  /** Each is a partition. */
  readonly topics: readonly HistoryModel[];
  readonly #promises: Promises;
  readonly #generations = new Map<string, Generation>();
  readonly #positions = new Map<string, Position>();
  isDamaged = false;

  constructor(name: string, topics: readonly HistoryModel[], promises: Promises) {
    this.name = name;
    this.topics = topics;
    this.#promises = promises;
    for (const topic of topics) this.#positions.set(topic.name, new Position());
  }

  /** What a response speaks of. */
  logOf(topic: string, partition: number): HistoryModel {
    const log = this.topics.find((each) => each.topic === topic && each.partition === partition);
    return log ?? this.#fault(`nobody asked for ${topic} ${partition}`);
  }

  #fault(text: string): never {
    throw new Fault(`${this.name}: ${text}`);
  }

  /** JoinGroup, sent at `askedAt`, made this member one of that generation; `members` when it leads. */
  joined(
    { number, leader, askedAt }: { number: number; leader: string; askedAt: number },
    memberId: string,
    members: readonly string[],
  ): Generation {
    const key = `${number} ${leader}`;
    let generation = this.#generations.get(key);
    if (generation === undefined) {
      generation = new Generation(number, leader, this.#promises.number(), askedAt);
      this.#generations.set(key, generation);
    }
    generation.askedAt = Math.max(generation.askedAt, askedAt);
    generation.joined.add(memberId);
    if (memberId === leader) generation.members = members;
    else if (members.length > 0) this.#fault(`${memberId} got the members, though ${leader} leads`);
    for (const each of generation.joined)
      if (generation.members !== null && !generation.members.includes(each))
        this.#fault(`${each} is in generation ${number}, of which its leader was not told`);
    return generation;
  }

  /** What the leader sends, the same each time it is asked for: each partition goes to one member. */
  plan(generation: Generation, random: Seeded): Map<string, string[]> {
    if (generation.plan !== null) return generation.plan;
    const plan = new Map(generation.members!.map((member) => [member, [] as string[]]));
    for (const { name } of this.topics) plan.get(random.pick(generation.members!))!.push(name);
    return (generation.plan = plan);
  }

  /** SyncGroup gave the member these topics. */
  synced(generation: Generation, memberId: string, topics: readonly string[]): void {
    const { number, plan, owners } = generation;
    const planned = plan?.get(memberId) ?? [];
    if (topics.join() !== planned.join())
      this.#fault(
        `${memberId} got ${topics.join()} in generation ${number}, its leader had sent ${planned.join()}`,
      );
    for (const topic of topics) {
      const owner = owners.get(topic);
      if (owner !== undefined && owner !== memberId)
        this.#fault(`${memberId} and ${owner} have ${topic} in generation ${number}`);
      owners.set(topic, memberId);
    }
  }

  /** A request of a member of that generation, sent at `askedAt`, was taken. */
  taken(what: string, generation: Generation, askedAt: number): void {
    for (const other of this.#generations.values())
      if (other !== generation && other.askedAt > generation.toldAt && other.toldAt < askedAt)
        this.#fault(
          `${what} of generation ${generation.number} was taken after generation ${other.number} had begun`,
        );
  }

  committing(topic: string, offset: number): void {
    this.#positions.get(topic)!.possible.add(offset);
  }

  committed(topic: string, offset: number, level: Level): void {
    this.#positions.get(topic)!.told.push({ offset, number: this.#promises.number(), level });
  }

  /** OffsetFetch, sent at `askedAt`, told this position. */
  found(topic: string, offset: number, askedAt: number): void {
    if (this.isDamaged) return;
    const { told, possible } = this.#positions.get(topic)!;
    if (!possible.has(offset)) this.#fault(`the position in ${topic} is ${offset}, which nobody committed`);
    for (const commit of told)
      if (commit.number < askedAt && commit.offset > offset)
        this.#fault(`the position in ${topic} is ${offset}, ${commit.offset} was acknowledged`);
    told.push({ offset, number: this.#promises.number(), level: "written" });
  }

  /** A member was served this record. */
  consumed(topic: HistoryModel, body: string): void {
    topic.assertSent(body, this.name);
    this.#positions.get(topic.name)!.seen.add(body);
  }

  /** Whether each record that was acknowledged came to a member. */
  get hasSeenAll(): boolean {
    return this.topics.every(
      (topic) => topic.missingFrom(this.#positions.get(topic.name)!.seen) === undefined,
    );
  }

  crashed(crash: Crash): void {
    for (const position of this.#positions.values())
      position.told = position.told.filter(({ number, level }) =>
        this.#promises.survives(number, level, crash),
      );
  }
}
