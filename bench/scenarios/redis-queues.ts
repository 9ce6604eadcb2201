/** Job queues: how soon an element reaches a client that waits for it, and a whole library, BullMQ. */
import type { Durability, Scenario } from "../contract.ts";
import type { BullmqOptions } from "../generators/bullmq.ts";
import type { RedisHandoverOptions } from "../generators/redis-handover.ts";

const waitingClients = 50;
/** About so many a second: one is under way at a time. */
const handoversPerSecond = 15_000;
const jobs = 20_000;
const jobsAtOnce = 100;

function handoverScenario(durability: Durability): Scenario {
  return {
    name: `redis/blpop-handover/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "messages",
    bar: { p99Ratio: 1 },
    drive: (run) => {
      const options: RedisHandoverOptions = {
        port: run.server.ports.redis!,
        serverPid: run.server.pid,
        key: run.id,
        waiting: waitingClients,
        handovers: Math.round(handoversPerSecond * run.secondsWanted),
      };
      return run.generate("redis-handover", { ...options });
    },
  };
}

function bullmqScenario(durability: Durability): Scenario {
  return {
    name: `redis/bullmq/${durability}`,
    peer: "redis",
    settings: { durability },
    unit: "jobs",
    bar: { throughput: 1 },
    drive: (run) => {
      const options: BullmqOptions = {
        port: run.server.ports.redis!,
        serverPid: run.server.pid,
        queue: run.id,
        jobs,
        concurrency: jobsAtOnce,
      };
      return run.generate("bullmq", { ...options });
    },
  };
}

export function queueScenarios(durability: Durability): Scenario[] {
  return durability === "fsync" ? [] : [handoverScenario(durability), bullmqScenario(durability)];
}
