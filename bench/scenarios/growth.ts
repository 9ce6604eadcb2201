/**
 * TroikaMQ beside itself: what a message costs with 1, 100 and 10,000 queues or partitions, and with a backlog of 0, 1
 * and 10 million messages. The cost is the server's CPU time for each message; it must not grow by more than 1.3 times (queues: 1.5).
 */
import type { Measurement, SelfRun, SelfScenario, Server } from "../contract.ts";
import { Costs } from "./costs.ts";
import type { GrowthBacklogOptions } from "../generators/growth-backlog.ts";
import type { GrowthKafkaOptions } from "../generators/growth-kafka.ts";
import type { GrowthAmqpOptions, GrowthFigures } from "../generators/growth-amqp.ts";

const costRatioMax = 1.3;
/** Of a queue with others beside it. */
const queuesCostRatioMax = 1.5;
const bodyBytes = 100;
/** About so many a second, to settle how many to ask for. */
const perSecond = { transient: 400_000, persistent: 200_000, records: 800_000 } as const;

const counts = [1, 100, 10_000] as const;

async function queues(run: SelfRun, kind: "transient" | "persistent"): Promise<readonly Measurement[]> {
  const isPersistent = kind === "persistent";
  const server = await run.startOurs({ durability: isPersistent ? "written" : "none" });
  const costs = new Costs();
  const load = (queueCount: number, round: number) =>
    loadOf(run, server, {
      id: `${run.id}-${queueCount}-${round}`,
      queues: queueCount,
      messages: Math.round(perSecond[kind] * run.secondsWanted),
      bodyBytes,
      isPersistent,
    });
  // The first run finds the server's code not compiled yet.
  await load(1, -1);
  for (let round = 0; round < run.rounds; round++) {
    for (const count of counts)
      costs.add(count === 1 ? "1 queue" : `${count} queues`, await load(count, round));
  }
  await server.stop();
  return costs.measurements(queuesCostRatioMax);
}

async function loadOf(
  run: SelfRun,
  server: Server,
  load: Omit<GrowthAmqpOptions, "port" | "serverPid">,
): Promise<GrowthFigures> {
  const options: GrowthAmqpOptions = { port: server.ports.amqp!, serverPid: server.pid, ...load };
  return (await run.generate("growth-amqp", { ...options })) as GrowthFigures;
}

async function partitions(run: SelfRun): Promise<readonly Measurement[]> {
  const server = await run.startOurs({ durability: "written" });
  const costs = new Costs();
  const load = async (count: number, round: number) => {
    const options: GrowthKafkaOptions = {
      port: server.ports.kafka!,
      serverPid: server.pid,
      id: `${run.id}-${count}-${round}`,
      partitions: count,
      records: Math.round(perSecond.records * run.secondsWanted),
      valueBytes: bodyBytes,
    };
    return (await run.generate("growth-kafka", { ...options })) as GrowthFigures;
  };
  await load(1, -1);
  for (let round = 0; round < run.rounds; round++) {
    for (const count of counts)
      costs.add(count === 1 ? "1 partition" : `${count} partitions`, await load(count, round));
  }
  await server.stop();
  // With one partition a request has one batch: that costs more, and says nothing of how many partitions there are.
  return costs.measurements(costRatioMax, "100 partitions");
}

async function backlog(run: SelfRun, depth: number): Promise<readonly Measurement[]> {
  const server = await run.startOurs({ durability: "written" });
  const costs = new Costs();
  const load = async (messagesBefore: number, round: number) => {
    const options: GrowthBacklogOptions = {
      port: server.ports.amqp!,
      serverPid: server.pid,
      id: `${run.id}-${messagesBefore}-${round}`,
      backlog: messagesBefore,
      messages: Math.round(perSecond.persistent * run.secondsWanted),
      bodyBytes,
    };
    return (await run.generate("growth-backlog", { ...options })) as GrowthFigures;
  };
  await load(0, -1);
  for (let round = 0; round < run.rounds; round++) {
    costs.add("nothing behind", await load(0, round));
    costs.add(`${depth / 1e6} million behind`, await load(depth, round));
  }
  await server.stop();
  return costs.measurements(costRatioMax);
}

export const growthScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "growth/queues/transient", measure: (run) => queues(run, "transient") },
  { kind: "self", name: "growth/queues/persistent", measure: (run) => queues(run, "persistent") },
  { kind: "self", name: "growth/partitions", measure: partitions },
  { kind: "self", name: "growth/backlog/1-million", measure: (run) => backlog(run, 1e6) },
  { kind: "self", name: "growth/backlog/10-million", isLong: true, measure: (run) => backlog(run, 10e6) },
];
