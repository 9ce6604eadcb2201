/** One seed, from an empty disk to the verdict. */
import { ConsumerActor } from "./actors/consumer.ts";
import { ExpiringKeysActor } from "./actors/expiring-keys.ts";
import { GroupMemberActor } from "./actors/group-member.ts";
import { GroupActor } from "./actors/group.ts";
import { KeysActor } from "./actors/keys.ts";
import { ProducerActor } from "./actors/producer.ts";
import { PublisherActor } from "./actors/publisher.ts";
import { ReaderActor } from "./actors/reader.ts";
import { boundedTopic, RetentionActor } from "./actors/retention.ts";
import { ShortLivedActor } from "./actors/short-lived.ts";
import { StreamWriterActor } from "./actors/stream-writer.ts";
import { TransactionActor } from "./actors/transactions.ts";
import { KafkaClient } from "./clients/kafka-client.ts";
import { AmqpClient } from "./clients/amqp-client.ts";
import { Fault, HistoryModel, QueueModel } from "./model.ts";
import { ConsumerGroupModel } from "./models/consumer-group.ts";
import { Seeded } from "./seeded.ts";
import { type Cast, Verifier } from "./verify.ts";
import { shortText, uint } from "../test/support/amqp-frames.ts";
import { type Actor, fairWeather, type Weather, World } from "./world.ts";

export interface RunOptions {
  readonly steps?: number;
  readonly trace?: (line: string) => void;
}

export interface RunResult {
  readonly steps: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Of a run before its faults end. */
const stepsDefault = 2500;

/** Throws an error that names the seed when a promise was broken. */
export async function run(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const world = new World(seed, fairWeather, options.trace ?? null);
  const failure: { error: unknown } = { error: null };
  try {
    await play(world, weatherOf(seed), options.steps ?? stepsDefault);
  } catch (error) {
    failure.error = error;
  }
  world.process.kill("kill");
  if (failure.error === null) return { steps: world.steps, counts: world.counts };
  const text =
    failure.error instanceof Fault ? failure.error.message : String((failure.error as Error).stack);
  throw new Error(`seed ${seed}, step ${world.steps}: ${text}`, { cause: failure.error });
}

async function play(world: World, weather: Weather, steps: number): Promise<void> {
  const cast = await setUp(world);
  world.weather = weather;
  Object.assign(world.disk, {
    readErrors: weather.readErrors,
    readFlips: weather.readFlips,
    writeErrors: weather.writeErrors,
    syncErrors: weather.syncErrors,
  });
  for (let i = 0; i < steps && !world.isRefused; i++) await world.step();
  await world.calm();
  if (world.isRefused) return;
  const verifier = new Verifier(world, cast);
  await verifier.verify();
  await verifier.checkDirectory();
}

/** What may go wrong in this run: some of all there is, or one would hide the other. */
function weatherOf(seed: number): Weather {
  const random = new Seeded(seed ^ 0x5eed);
  const at = (share: number, most: number): number => (random.chance(share) ? most * random.next() : 0);
  return {
    kill: at(0.6, 0.004),
    power: at(0.4, 0.003),
    cut: at(0.6, 0.01),
    fullDisk: at(0.25, 0.004),
    writeErrors: at(0.15, 0.03),
    syncErrors: at(0.1, 0.01),
    readErrors: at(0.1, 0.02),
    readFlips: at(0.1, 0.02),
    rot: at(0.08, 0.002),
    rotTail: at(0.08, 0.5),
    clockJump: at(0.2, 0.004),
    restart: at(0.3, 0.002),
  };
}

const streamTable = tableOf("x-queue-type", "stream");

function tableOf(name: string, value: string): Buffer {
  const inner = Buffer.concat([shortText(name), Buffer.from("S"), uint(4, value.length), Buffer.from(value)]);
  return inner;
}

async function setUp(world: World): Promise<Cast> {
  await world.start();
  const histories = ["h0", "h1"].map((name) => new HistoryModel(name, world.promises));
  const queues = ["q0", "q1"].map((name) => new QueueModel(name, world.promises));
  world.histories.push(...histories);
  world.queues.push(...queues);
  const client = new AmqpClient(world.connect("amqp")!, {});
  let declared = 0;
  const done = (payload: Buffer | null) => {
    if (payload === null) throw new Fault("a queue cannot be declared");
    declared++;
  };
  const kafka = new KafkaClient(world.connect("kafka")!);
  let isMade = false;
  const topics = [
    { name: boundedTopic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
  ];
  kafka.request("CreateTopics", 5, { topics, timeoutMs: 1000 }, () => (isMade = true));
  await world.until(() => isMade, "a topic is made");
  for (const { name } of histories) client.declare(name, streamTable, done);
  for (const { name } of queues) client.declare(name, Buffer.alloc(0), done);
  await world.until(() => declared === histories.length + queues.length, "queues are declared");
  client.cut();
  // A declaration is written when it is answered; a clean stop syncs it.
  await world.restart();
  await world.until(() => world.process.isUp, "it starts again");

  return castOf(world, histories, queues);
}

/** Many actors leave few steps to each: some runs are about a part of what there is. */
type Scene = "all" | "groups" | "keys";

function castOf(world: World, histories: readonly HistoryModel[], queues: readonly QueueModel[]): Cast {
  const scene: Scene = world.random.pick(["all", "all", "groups", "keys"]);
  const is = (...scenes: Scene[]): boolean => scenes.includes(scene);
  const group = new ConsumerGroupModel("readers", histories, world.promises);
  const cast: Cast = {
    groups: histories.map((history, i) => new GroupActor(world, `g${i}`, history)),
    members: is("keys") ? [] : ["m0", "m1", "m2"].map((name) => new GroupMemberActor(world, name, group)),
    keys: [new KeysActor(world, "k0"), new KeysActor(world, "k1")],
    expiringKeys: [new ExpiringKeysActor(world, "e0"), new ExpiringKeysActor(world, "e1")],
    transactions: is("all") ? [new TransactionActor(world, "t0", queues)] : [],
    retention: new RetentionActor(world, "b0"),
  };
  world.consumerGroups.push(group);
  world.crashListeners.push((crash) => cast.retention.crashed(crash));
  const { actors } = world;
  actors.push(new StreamWriterActor(world, "w0", histories, world.redisStreamsLevel));
  // A generation takes many turns of all members to begin.
  const turns = is("groups") ? 3 : 1;
  for (let i = 0; i < turns; i++) actors.push(...cast.members);
  actors.push(...histories.map((history, i) => new ProducerActor(world, `i${i}`, history, true)));
  if (is("all", "keys")) actors.push(...cast.groups, ...cast.keys, ...cast.expiringKeys);
  if (is("all")) actors.push(...cast.transactions, cast.retention, ...othersOf(world, histories, queues));
  return cast;
}

/** Those of whom the end of the run asks nothing. */
function othersOf(world: World, histories: readonly HistoryModel[], queues: readonly QueueModel[]): Actor[] {
  const shortLived = new ShortLivedActor(world, "s0");
  world.crashListeners.push((crash) => shortLived.crashed(crash));
  return [
    shortLived,
    new PublisherActor(world, "a0", [...histories, ...queues]),
    new PublisherActor(world, "a1", queues),
    ...queues.flatMap((queue, i) => [0, 1].map((j) => new ConsumerActor(world, `c${i}${j}`, queue))),
    ...histories.flatMap((history, i) => [
      new ProducerActor(world, `o${i}`, history, false),
      new ReaderActor(world, `r${i}`, history),
    ]),
  ];
}
