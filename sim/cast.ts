/**
 * Who takes part in a run. Many actors leave few steps to each, so that most runs are about a part of what there is.
 *
 * Not here: what they do (actors/), and what may go wrong meanwhile (run.ts).
 */
import { BoundsActor } from "./actors/bounds.ts";
import { CachingActor } from "./actors/caching.ts";
import { CopiesActor } from "./actors/copies.ts";
import { ConsumerActor } from "./actors/consumer.ts";
import { ExpiringKeysActor } from "./actors/expiring-keys.ts";
import { GroupMemberActor } from "./actors/group-member.ts";
import { GroupActor } from "./actors/group.ts";
import { JobListActor } from "./actors/job-list.ts";
import { HashesActor } from "./actors/hashes.ts";
import { SetsActor } from "./actors/sets.ts";
import { SortedSetsActor } from "./actors/sorted-sets.ts";
import { KeysActor } from "./actors/keys.ts";
import {
  KeyedWriterActor,
  PartitionedProducerActor,
  partitionedTopic,
  partitionsOf,
  targetsOf,
} from "./actors/partitions.ts";
import { MixedGroupActor } from "./actors/mixed-group.ts";
import { PassingLogActor } from "./actors/passing-log.ts";
import { DelayedActor } from "./actors/delayed.ts";
import { LaterActor } from "./actors/later.ts";
import { LettersHomeActor } from "./actors/letters-home.ts";
import { PastActor } from "./actors/past.ts";
import { QueueRetriesActor } from "./actors/queue-retries.ts";
import { ReplaysActor } from "./actors/replays.ts";
import { RetriesActor } from "./actors/retries.ts";
import { PrioritiesActor } from "./actors/priorities.ts";
import { ProducerActor } from "./actors/producer.ts";
import { PublisherActor } from "./actors/publisher.ts";
import { ReaderActor } from "./actors/reader.ts";
import { RetentionActor } from "./actors/retention.ts";
import { guardedStream, RightsActor } from "./actors/rights.ts";
import { ReturnerActor } from "./actors/returner.ts";
import { LiveActor } from "./actors/live.ts";
import { ShareMembersActor } from "./actors/share-members.ts";
import { ShortLivedActor } from "./actors/short-lived.ts";
import { StaticMemberActor } from "./actors/static-member.ts";
import { StreamWriterActor } from "./actors/stream-writer.ts";
import { ToldKeysActor } from "./actors/told-keys.ts";
import { TransactionActor } from "./actors/transactions.ts";
import { TypesActor } from "./actors/types.ts";
import { type AmqpClient, tableOf } from "./clients/amqp-client.ts";
import { HistoryModel, QueueModel } from "./model.ts";
import type { Topology } from "./models/bounds.ts";
import { ConsumerGroupModel } from "./models/consumer-group.ts";
import { CopiesModel } from "./models/copies.ts";
import { StaticMemberModel } from "./models/static-member.ts";
import type { Scene } from "./scenes.ts";
import type { Actor, World } from "./world.ts";

/** Two that go by one name. */
function staticMembersOf(world: World, topic: HistoryModel): Actor[] {
  const group = new ConsumerGroupModel("named", [topic], world.promises);
  world.consumerGroups.push(group);
  const member = new StaticMemberModel("name");
  return ["n0", "n1"].map((name) => new StaticMemberActor(world, name, member, group));
}

/** A queue of which all that is published ends in another one: it expires, or is given back too often. */
export interface FedQueue {
  readonly name: string;
  readonly model: QueueModel;
}

/** Messages that expire together, in several ticks where one may drop few of them. */
const fleetingTtlMs = 150;
const deliveryLimit = 2;
/** Of one queue many windows pass in a run; of the other one, files of the journal. */
const copiesWindowsMs = [4000, 120_000];

export function fedQueuesOf(world: World): FedQueue[] {
  return ["fleeting", "returned"].map((name) => ({
    name,
    model: new QueueModel(`${name}.dead`, world.promises),
  }));
}

/** Returns how many answers there will be. */
export function declareFed(client: AmqpClient, onAnswer: (payload: Buffer | null) => void): number {
  const toDead = (name: string) => ({
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": `${name}.dead`,
  });
  client.declare("fleeting", tableOf({ "x-message-ttl": fleetingTtlMs, ...toDead("fleeting") }), onAnswer);
  client.declare(
    "returned",
    tableOf({ "x-queue-type": "quorum", "x-delivery-limit": deliveryLimit, ...toDead("returned") }),
    onAnswer,
  );
  client.declare("fleeting.dead", Buffer.alloc(0), onAnswer);
  client.declare("returned.dead", Buffer.alloc(0), onAnswer);
  return 4;
}

/** Those of whom the end of the run asks something. */
export interface Cast {
  readonly groups: readonly GroupActor[];
  readonly members: readonly GroupMemberActor[];
  readonly keys: readonly KeysActor[];
  readonly hashes: readonly HashesActor[];
  readonly sets: readonly SetsActor[];
  readonly sortedSets: readonly SortedSetsActor[];
  readonly expiringKeys: readonly ExpiringKeysActor[];
  readonly types: readonly TypesActor[];
  readonly jobLists: readonly JobListActor[];
  readonly transactions: readonly TransactionActor[];
  readonly passingLogs: readonly PassingLogActor[];
  readonly retention: RetentionActor;
  readonly fed: readonly FedQueue[];
}

export function castOf(
  world: World,
  scene: Scene,
  histories: readonly HistoryModel[],
  queues: readonly QueueModel[],
  topology: Topology,
): Cast {
  const is = (...among: Scene[]): boolean => among.includes(scene);
  const partitions = is("groups") ? partitionsOf(partitionedTopic, world.promises) : [];
  world.histories.push(...partitions);
  const topics = is("groups") ? [histories[0]!, ...partitions] : histories;
  const group = new ConsumerGroupModel("readers", topics, world.promises);
  const names = is("groups") ? ["m0", "m1", "m2"] : [];
  const cast: Cast = {
    groups: is("all", "pending")
      ? histories.map((history, i) => new GroupActor(world, `g${i}`, history))
      : [],
    members: names.map((name) => new GroupMemberActor(world, name, group)),
    keys: is("all", "keys") ? [new KeysActor(world, "k0"), new KeysActor(world, "k1")] : [],
    hashes: is("all", "keys") ? [new HashesActor(world, "x0"), new HashesActor(world, "x1")] : [],
    sets: is("all", "keys") ? [new SetsActor(world, "y0")] : [],
    sortedSets: is("all", "keys") ? [new SortedSetsActor(world, "z0")] : [],
    expiringKeys: is("all", "keys") ? ["e0", "e1"].map((name) => new ExpiringKeysActor(world, name)) : [],
    types: is("types") ? [3, 5].map((database, i) => new TypesActor(world, `d${i}`, database)) : [],
    jobLists: is("types") ? [new JobListActor(world, "j0")] : [],
    transactions: is("all") ? [new TransactionActor(world, "t0", queues)] : [],
    passingLogs: is("keys", "pending", "power")
      ? ["l0", "l1"].map((name) => new PassingLogActor(world, name))
      : [],
    retention: new RetentionActor(world, "b0"),
    fed: is("letters") ? fedQueuesOf(world) : [],
  };
  world.consumerGroups.push(group);
  world.crashListeners.push((crash) => cast.retention.crashed(crash));
  const { actors } = world;
  if (!is("bounds", "groups", "letters"))
    actors.push(new StreamWriterActor(world, "w0", histories, world.redisStreamsLevel));
  // A generation takes many turns of all members to begin.
  const turns = is("groups") ? 3 : 1;
  for (let i = 0; i < turns; i++) actors.push(...cast.members);
  const producedTo = is("all", "power")
    ? histories
    : histories.slice(0, is("bounds", "keys", "letters", "types") ? 0 : 1);
  actors.push(...producedTo.map((history, i) => new ProducerActor(world, `i${i}`, history, true)));
  actors.push(
    ...cast.groups,
    ...cast.keys,
    ...cast.hashes,
    ...cast.sets,
    ...cast.sortedSets,
    ...cast.expiringKeys,
    ...cast.types,
    ...cast.types,
    ...cast.jobLists,
    ...cast.jobLists,
    ...cast.jobLists,
    ...cast.transactions,
  );
  actors.push(...cast.passingLogs);
  if (is("all")) actors.push(cast.retention, ...othersOf(world, histories, queues));
  if (is("all", "pending", "power")) {
    const guarded = new HistoryModel(guardedStream, world.promises);
    world.histories.push(guarded);
    actors.push(new RightsActor(world, "u0", guarded));
  }
  if (is("groups")) {
    actors.push(
      new PartitionedProducerActor(world, "p0", partitions),
      new KeyedWriterActor(world, "x0", partitions),
      ...staticMembersOf(world, histories[0]!),
      new PublisherActor(world, "a0", targetsOf(partitions)),
    );
  }
  if (is("bounds")) {
    const bounds = new BoundsActor(world, "o0", topology);
    world.crashListeners.push(() => bounds.crashed());
    actors.push(bounds);
  }
  if (is("events")) {
    const told = ["ka", "kb"].map((name, i) => new ToldKeysActor(world, name, 7 + i));
    actors.push(...told, ...told, ...told, ...told);
  }
  if (is("later")) {
    const later = [
      new LaterActor(world, "la", 11),
      new RetriesActor(world, "ra", 12),
      new RetriesActor(world, "rb", 12),
      new PastActor(world, "pa"),
      new QueueRetriesActor(world, "qa"),
      new DelayedActor(world, "da"),
    ];
    actors.push(...later, ...later, ...later);
  }
  if (is("moves")) {
    const moves = [
      new LettersHomeActor(world, "ha"),
      new MixedGroupActor(world, "ma"),
      new ReplaysActor(world, "ya"),
    ];
    const shared = new ShareMembersActor(world, "sa");
    actors.push(...moves, ...moves, ...moves, ...copiersOf(world), shared, shared, shared, shared);
  }
  if (is("priorities")) {
    const some = [3, 255].map((max) => new PrioritiesActor(world, `p${max}`, max));
    actors.push(...some, ...some, ...some);
  }
  if (is("caches")) {
    const caching = ["ca", "cb"].map((name) => new CachingActor(world, name));
    actors.push(...caching, ...caching, ...caching, ...caching);
  }
  if (is("letters")) {
    const live = new LiveActor(world, "v0");
    actors.push(live, live, ...feedersOf(world, cast.fed));
  }
  if (is("power")) {
    const publisher = new PublisherActor(world, "a0", [...histories, ...queues]);
    actors.push(publisher, ...consumersOf(world, queues));
  }
  return cast;
}

/** Two that repeat one another's messages, and two more to another queue. */
function copiersOf(world: World): Actor[] {
  const some = copiesWindowsMs.flatMap((windowMs) => {
    const model = new CopiesModel(`copies.${windowMs}`, windowMs);
    return ["c0", "c1"].map((name) => new CopiesActor(world, name, model));
  });
  return [...some, ...some];
}

/** Those of whom the end of the run asks nothing. */
function othersOf(world: World, histories: readonly HistoryModel[], queues: readonly QueueModel[]): Actor[] {
  const shortLived = new ShortLivedActor(world, "s0");
  world.crashListeners.push((crash) => shortLived.crashed(crash));
  return [
    shortLived,
    new PublisherActor(world, "a0", [...histories, ...queues]),
    new PublisherActor(world, "a1", queues),
    ...consumersOf(world, queues),
    ...consumersOf(world, queues),
    ...histories.flatMap((history, i) => [
      new ProducerActor(world, `o${i}`, history, false),
      new ReaderActor(world, `r${i}`, history),
    ]),
  ];
}

/** Who publishes to them, gives back what is to be given back, and consumes from where it ends. */
function feedersOf(world: World, fed: readonly FedQueue[]): Actor[] {
  const models = fed.map(({ model }) => model);
  world.queues.push(...models);
  const targets = fed.map(({ name, model }) => ({
    name,
    sent: (body: string) => model.sent(body),
    told: (body: string) => model.told(body),
  }));
  return [
    new PublisherActor(world, "f0", targets),
    new ReturnerActor(world, "f1", "returned", deliveryLimit),
    ...models.map((model) => new ConsumerActor(world, `c ${model.name}`, model, false)),
  ];
}

function consumersOf(world: World, queues: readonly QueueModel[]): Actor[] {
  return queues.map((queue) => new ConsumerActor(world, `c ${queue.name}`, queue));
}
