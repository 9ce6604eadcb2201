/** One seed, from an empty disk to the verdict. */
import { setSizes } from "../src/base/sizes.ts";
import { declareBounds, topologyOf } from "./actors/bounds-setup.ts";
import { boundedTopic } from "./actors/retention.ts";
import { partitionCount, partitionedTopic } from "./actors/partitions.ts";
import { guardedStream } from "./actors/rights.ts";
import { declareLive } from "./actors/live.ts";
import type { Topology } from "./models/bounds.ts";
import { type Cast, castOf, declareFed } from "./cast.ts";
import { KafkaClient } from "./clients/kafka-client.ts";
import { AmqpClient, streamTable } from "./clients/amqp-client.ts";
import { Fault, HistoryModel, QueueModel } from "./model.ts";
import { type Scene, sceneOf } from "./scenes.ts";
import { Seeded } from "./seeded.ts";
import { settingsOf } from "./settings.ts";
import { Verifier } from "./verify.ts";
import { fairWeather, type Weather, World } from "./world.ts";

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
/** Where the power fails every hundred steps or so, each start takes its time. */
const stepsOfPower = 1500;

/** Throws an error that names the seed when a promise was broken. */
export async function run(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const scene = sceneOf(seed);
  const world = new World(
    seed,
    { isAllDurable: scene === "power", settings: settingsOf(seed, scene) },
    options.trace ?? null,
  );
  const failure: { error: unknown } = { error: null };
  try {
    await play(
      world,
      scene,
      weatherOf(seed, scene),
      options.steps ?? (scene === "power" ? stepsOfPower : stepsDefault),
    );
  } catch (error) {
    failure.error = error;
  }
  world.process.kill("kill");
  setSizes({});
  if (failure.error === null) return { steps: world.steps, counts: world.counts };
  const text =
    failure.error instanceof Fault ? failure.error.message : String((failure.error as Error).stack);
  throw new Error(`seed ${seed}, step ${world.steps}: ${text}`, { cause: failure.error });
}

async function play(world: World, scene: Scene, weather: Weather, steps: number): Promise<void> {
  const cast = await setUp(world, scene);
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
function weatherOf(seed: number, scene: Scene): Weather {
  if (scene === "power") return { ...fairWeather, power: 0.001, powerAfterAnswer: 0.03 };
  const random = new Seeded(seed ^ 0x5eed);
  const at = (share: number, most: number): number => (random.chance(share) ? most * random.next() : 0);
  // Who begins again all the time never gets to commit.
  const deaths = scene === "groups" ? 0.3 : 1;
  const weather = {
    kill: at(0.6, 0.004) * deaths,
    power: at(0.4, 0.003) * deaths,
    powerAfterAnswer: 0,
    cut: at(0.6, 0.01) * deaths,
    fullDisk: at(0.25, 0.004),
    writeErrors: at(0.15, 0.03),
    syncErrors: at(0.1, 0.01),
    readErrors: at(0.1, 0.02),
    readFlips: at(0.1, 0.02),
    rot: at(0.08, 0.002),
    rotTail: at(0.08, 0.5),
    clockJump: at(0.2, 0.004),
    restart: at(0.3, 0.002) * deaths,
    // Drawn last: what was drawn before stays what it was for each seed.
    filledDisk: at(0.2, 0.01),
    takeover: at(0.15, 0.002) * deaths,
  };
  // What cannot be read is refused, and what expires may do so late: no answer could be foretold.
  return scene === "bounds" || scene === "letters"
    ? { ...weather, readErrors: 0, readFlips: 0, clockJump: 0 }
    : weather;
}

/** What a scene is about; returns how many answers there will be. */
function declareFor(
  scene: Scene,
  client: AmqpClient,
  topology: Topology,
  done: (payload: Buffer | null) => void,
): number {
  if (scene === "bounds") return declareBounds(client, topology, done);
  return scene === "letters" ? declareLive(client, done) + declareFed(client, done) : 0;
}

async function setUp(world: World, scene: Scene): Promise<Cast> {
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
    [boundedTopic, 1],
    [partitionedTopic, partitionCount],
  ].map(([name, numPartitions]) => ({
    name: name as string,
    numPartitions: numPartitions as number,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  kafka.request("CreateTopics", 5, { topics, timeoutMs: 1000 }, () => (isMade = true));
  await world.until(() => isMade, "topics are made");
  const streams = [...histories.map(({ name }) => name), guardedStream];
  for (const name of streams) client.declare(name, streamTable, done);
  for (const { name } of queues) client.declare(name, Buffer.alloc(0), done);
  const topology = topologyOf(world.random);
  const bounds = declareFor(scene, client, topology, done);
  await world.until(() => declared === streams.length + queues.length + bounds, "queues are declared");
  client.cut();
  // A declaration is written when it is answered; a clean stop syncs it.
  await world.restart();
  await world.until(() => world.process.isUp, "it starts again");

  return castOf(world, scene, histories, queues, topology);
}
