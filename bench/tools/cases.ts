/** Which of the peers' tools is set against which of our generators, with the same load. */
import { generate } from "../base/generate.ts";
import type { Figures, PeerName, Server, ServerSettings } from "../contract.ts";
import { perfTest, producerPerformance } from "./java.ts";

export interface Load {
  readonly server: Server;
  /** Unique: for the names of queues, topics and keys. */
  readonly id: string;
  readonly seconds: number;
  /** What the same side reached the last time, for those that are told a count. */
  readonly perSecondBefore: number;
}

export interface ToolCase {
  readonly name: string;
  readonly tool: string;
  readonly peer: PeerName;
  readonly settings: ServerSettings;
  /** Messages a second. */
  theirs(load: Load): Promise<number>;
  ours(load: Load): Promise<Figures>;
}

/** For the first run, of which nothing is known: any tool reaches it. */
const perSecondAtFirst = 100_000;

function countFor({ seconds, perSecondBefore }: Load): number {
  return Math.ceil(seconds * (perSecondBefore || perSecondAtFirst));
}

function amqpCase(name: string, bodyBytes: number, confirmsInFlightMax?: number): ToolCase {
  const confirms = confirmsInFlightMax === undefined ? {} : { confirmsInFlightMax };
  return {
    name: `amqp/${name}/${bodyBytes}`,
    tool: "PerfTest",
    peer: "rabbitmq",
    settings: { durability: "fsync" },
    theirs: ({ server, id, seconds }) =>
      perfTest({ port: server.ports.amqp!, queue: id, bodyBytes, seconds, ...confirms }),
    ours: ({ server, id, seconds }) =>
      generate("amqp", {
        port: server.ports.amqp,
        id,
        bodyBytes,
        secondsWanted: seconds,
        isPersistent: confirmsInFlightMax !== undefined,
        ...confirms,
      }),
  };
}

/** The tool's topics have the server's default of one partition. */
function kafkaCase(valueBytes: number): ToolCase {
  const acks = "1";
  return {
    name: `kafka/produce/acks-${acks}/${valueBytes}`,
    tool: "kafka-producer-perf-test",
    peer: "kafka",
    settings: { durability: "written" },
    theirs: (load) =>
      producerPerformance({
        port: load.server.ports.kafka!,
        topic: load.id,
        valueBytes,
        acks,
        records: countFor(load),
      }),
    ours: ({ server, id, seconds }) =>
      generate("kafka-produce", {
        port: server.ports.kafka,
        topic: id,
        partitions: 1,
        acks,
        valueBytes,
        recordsMax: Math.ceil((storedBytesPerSecondMax * seconds) / valueBytes),
        seconds,
      }),
  };
}

const storedBytesPerSecondMax = 1e9;
const connections = 50;
const payloadBytes = 100;

/** redis-benchmark is given whole pipelines of all connections. */
function requestsFor(load: Load, pipeline: number): number {
  const turn = connections * pipeline;
  return Math.ceil(countFor(load) / turn) * turn;
}

interface RedisCase {
  readonly name: string;
  readonly pipeline: number;
  readonly command: (id: string) => readonly string[];
  readonly ours: (load: Load, pipeline: number) => Promise<Figures>;
}

function redisCase({ name, pipeline, command, ours }: RedisCase): ToolCase {
  return {
    name: `redis/${name}/pipeline-${pipeline}`,
    tool: "redis-benchmark",
    peer: "redis",
    settings: { durability: "none" },
    async theirs(load) {
      const figures = await generate("redis-benchmark", {
        port: load.server.ports.redis,
        connections,
        pipeline,
        requests: requestsFor(load, pipeline),
        command: [...command(load.id), "x".repeat(payloadBytes)],
      });
      return figures.count / figures.seconds;
    },
    ours: (load) => ours(load, pipeline),
  };
}

function set(pipeline: number): ToolCase {
  const command = (id: string) => ["SET", id];
  return redisCase({
    name: "set",
    pipeline,
    command,
    ours: (load) =>
      generate("redis-requests", {
        port: load.server.ports.redis,
        connections,
        pipeline,
        requests: requestsFor(load, pipeline),
        command: command(load.id),
        payloadBytes,
        before: [],
        expect: [{ command: ["EXISTS", load.id], reply: 1 }],
        after: [["DEL", load.id]],
      }),
  });
}

function publish(pipeline: number): ToolCase {
  return redisCase({
    name: "publish/0-subscribers",
    pipeline,
    command: (id) => ["PUBLISH", id],
    ours: (load) =>
      generate("redis-publish", {
        port: load.server.ports.redis,
        channel: load.id,
        publishers: connections,
        pipeline,
        subscribers: 0,
        payloadBytes,
        messages: requestsFor(load, pipeline),
      }),
  });
}

export const toolCases: readonly ToolCase[] = [
  amqpCase("transient", 16),
  amqpCase("transient", 1024),
  amqpCase("persistent-confirms", 16, 1000),
  amqpCase("persistent-confirms", 1024, 1000),
  kafkaCase(100),
  kafkaCase(1000),
  set(1),
  set(16),
  publish(1),
  publish(16),
];
