/**
 * What a server holds with 100,000 messages of 100 bytes in it: a stream, a queue, a topic, each on a fresh
 * server. Beside TroikaMQ the peers, each with what it has.
 */
import { askRedis } from "../base/ask-redis.ts";
import type { Measurement, PeerName, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";
import type { GrowthFigures } from "../generators/growth-amqp.ts";

const messages = 100_000;
const bodyBytes = 100;
const settings: ServerSettings = { durability: "written" };

interface Load {
  readonly what: string;
  readonly peer: PeerName;
  /** Returns the RSS while the messages are there. */
  fill(run: SelfRun, server: Server, id: string): Promise<number>;
}

const loads: readonly Load[] = [
  {
    what: "a Redis stream",
    peer: "redis",
    async fill(run, server, id) {
      const command = ["XADD", id, "*", "body", "x".repeat(bodyBytes)];
      const load = { connections: 50, pipeline: 16, requests: messages, command };
      await run.generate("redis-benchmark", { port: server.ports.redis, ...load });
      const found = await askRedis(server.ports.redis!, "XLEN", id);
      if (found !== messages) throw new Error(`${messages} entries were added, ${found} are there`);
      return server.usage().rssBytes;
    },
  },
  {
    what: "a durable AMQP queue",
    peer: "rabbitmq",
    async fill(run, server, id) {
      const load = { port: server.ports.amqp, serverPid: server.pid, id, bodyBytes };
      const figures = await run.generate("growth-backlog", { ...load, backlog: messages, messages: 1000 });
      return (figures as GrowthFigures).rssBytes;
    },
  },
  {
    what: "a Kafka topic",
    peer: "kafka",
    async fill(run, server, id) {
      const load = { port: server.ports.kafka, serverPid: server.pid, id, valueBytes: bodyBytes };
      const figures = await run.generate("growth-kafka", { ...load, partitions: 1, records: messages });
      return (figures as GrowthFigures).rssBytes;
    },
  },
];

async function loadedMemory(run: SelfRun): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const load of loads) {
    for (const start of [() => run.startOurs(settings), () => run.startPeer(load.peer, settings)]) {
      const server = await start();
      if (server === undefined) continue;
      const values = [await load.fill(run, server, run.id)];
      await server.stop();
      measurements.push({ what: `${server.name}, 100,000 messages in ${load.what}`, unit: "bytes", values });
    }
  }
  return measurements;
}

export const loadedMemoryScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "start/loaded-memory", measure: loadedMemory },
];
