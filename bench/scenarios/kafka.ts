/**
 * Kafka's records by a producer and a consumer with the Java client's default sizes (generators/kafka): produced, read
 * from the start, and read while they are written.
 *
 * Acks: with `1` both servers answer once the system has the bytes. With `all` TroikaMQ answers after fdatasync
 * whatever is asked of it; Kafka's default answers from the page cache (`written`, where TroikaMQ promises more for
 * the same score), and flushes first with `log.flush.interval.messages=1` (`fsync`).
 */
import type { Bar, Run, Scenario, Server, ServerSettings } from "../contract.ts";
import type { KafkaFetchOptions } from "../generators/kafka-fetch.ts";
import type { KafkaProduceOptions } from "../generators/kafka-produce.ts";
import type { KafkaTailOptions } from "../generators/kafka-tail.ts";

const sizes = { "100B": 100, "1kB": 1000 } as const;
type Size = keyof typeof sizes;
const allSizes: readonly Size[] = ["100B", "1kB"];
const allPartitions = [1, 100] as const;

/** What a run at full speed may store for each second that it is to take: none reaches it, and the disk is not filled. */
const storedBytesPerSecondMax = 1e9;
/** What is read again and again in a catch-up, for each second. */
const filledBytesPerSecond = 100e6;

/** How many times the length of a run a server is warmed up for. */
const warmUpTimes = 4;

/** Topics of earlier runs leave the peer's disk at once, not a minute later in the midst of another run. */
const peerSettings = { "log.segment.delete.delay.ms": "100" };
const written: ServerSettings = { durability: "written", peerSettings };
const fsynced: ServerSettings = { durability: "fsync", peerSettings };

interface Load {
  readonly size: Size;
  readonly partitions: 1 | 100;
  readonly acks: "1" | "all";
  readonly recordsPerBatch?: number;
}

interface Frame {
  readonly settings: ServerSettings;
  readonly bar: Bar;
  readonly halfLoad?: "of the slower" | "of its own";
  readonly isShort?: true;
}

const atLeastAsFast: Bar = { throughput: 1 };
const halfOfTheSlower = { halfLoad: "of the slower", bar: { p99Ratio: 0.7 } } as const;
const halfOfItsOwn = { halfLoad: "of its own", bar: { p99Ms: 20 } } as const;

function loadName({ size, partitions, acks, recordsPerBatch }: Load): string {
  const batch = recordsPerBatch === undefined ? "" : `/${recordsPerBatch}-a-batch`;
  return `${size}/acks-${acks}/${partitions}-${partitions === 1 ? "partition" : "partitions"}${batch}`;
}

function nameOf(what: string, variant: string, { settings, halfLoad }: Frame): string {
  const half = halfLoad === undefined ? "" : `/half-load-${halfLoad.replaceAll(" ", "-")}`;
  return `kafka/${what}/${variant}/${settings.durability}${half}`;
}

/** The options that producing generators share. */
function loadOptions(run: Run, { size, partitions, acks, recordsPerBatch }: Load) {
  return {
    port: run.server.ports.kafka!,
    topic: run.id,
    partitions,
    acks,
    valueBytes: sizes[size],
    recordsMax: Math.ceil((storedBytesPerSecondMax * run.secondsWanted) / sizes[size]),
    seconds: run.secondsWanted,
    ...(recordsPerBatch === undefined ? {} : { recordsPerBatch }),
    ...(run.ratePerSecond === undefined ? {} : { ratePerSecond: run.ratePerSecond }),
  };
}

function scenario(what: string, variant: string, frame: Frame, drive: Scenario["drive"]): Scenario {
  return {
    name: nameOf(what, variant, frame),
    peer: "kafka",
    unit: "records",
    ...frame,
    async drive(run) {
      await warmUp(run);
      return drive(run);
    },
  };
}

const warmServers = new WeakSet<Server>();

/**
 * Before a server's first scenario: a JVM goes on compiling for many seconds, and the run that the bench leaves out
 * of its pairs is one of few. Both sides have it.
 */
async function warmUp(run: Run): Promise<void> {
  if (warmServers.has(run.server)) return;
  warmServers.add(run.server);
  const options = loadOptions(run, { size: "100B", partitions: 100, acks: "1" });
  const seconds = warmUpTimes * run.secondsWanted;
  await run.generate("kafka-tail", { ...options, topic: `${run.id}-warm-up`, seconds });
}

function produce(load: Load, frame: Frame): Scenario {
  return scenario("produce", loadName(load), frame, (run) => {
    const options: KafkaProduceOptions = loadOptions(run, load);
    return run.generate("kafka-produce", { ...options });
  });
}

function tail(load: Load, frame: Frame): Scenario {
  return scenario("tail", loadName(load), frame, (run) => {
    const options: KafkaTailOptions = loadOptions(run, load);
    return run.generate("kafka-tail", { ...options });
  });
}

function catchUp(size: Size, partitions: 1 | 100, frame: Frame): Scenario {
  const variant = `${size}/${partitions}-${partitions === 1 ? "partition" : "partitions"}`;
  return scenario("catch-up", variant, frame, (run) => {
    const options: KafkaFetchOptions = {
      port: run.server.ports.kafka!,
      topic: run.id,
      partitions,
      valueBytes: sizes[size],
      records: Math.ceil((filledBytesPerSecond * run.secondsWanted) / sizes[size]),
      seconds: run.secondsWanted,
    };
    return run.generate("kafka-fetch", { ...options });
  });
}

/** The one of each kind that the short edition runs as well. */
function shortWhen(isShort: boolean): { isShort?: true } {
  return isShort ? { isShort: true } : {};
}

const toSystem: Frame = { settings: written, bar: atLeastAsFast };
const small: Load = { size: "100B", partitions: 1, acks: "1" };
const smallAndSafe: Load = { ...small, acks: "all" };

export const kafkaScenarios: readonly Scenario[] = [
  ...(["1", "all"] as const).flatMap((acks) =>
    allSizes.flatMap((size) =>
      allPartitions.map((partitions) => {
        const isShort = acks === "1" && size === "100B" && partitions === 1;
        return produce({ size, partitions, acks }, { ...toSystem, ...shortWhen(isShort) });
      }),
    ),
  ),
  produce({ ...small, recordsPerBatch: 10 }, toSystem),
  produce(smallAndSafe, { settings: written, ...halfOfTheSlower }),
  produce(smallAndSafe, { settings: written, ...halfOfItsOwn }),
  ...allSizes.flatMap((size) =>
    allPartitions.map((partitions) =>
      catchUp(size, partitions, { ...toSystem, ...shortWhen(size === "100B" && partitions === 1) }),
    ),
  ),
  ...allPartitions.flatMap((partitions) => [
    tail({ ...small, partitions }, { ...toSystem, ...shortWhen(partitions === 1) }),
    tail({ ...small, partitions }, { settings: written, ...halfOfTheSlower }),
    tail({ ...small, partitions }, { settings: written, ...halfOfItsOwn }),
  ]),
  ...allSizes.flatMap((size) =>
    allPartitions.map((partitions) =>
      produce({ size, partitions, acks: "all" }, { settings: fsynced, bar: { throughput: 3 } }),
    ),
  ),
];
