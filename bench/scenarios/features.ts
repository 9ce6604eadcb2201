/**
 * What priorities and policies cost a queue: the server's CPU time for a message, beside that of a queue without. RabbitMQ's own
 * ratios, where it is there, are for comparison.
 */
import type { Measurement, SelfRun, SelfScenario, Server } from "../contract.ts";
import type { GrowthAmqpOptions, GrowthFigures } from "../generators/growth-amqp.ts";
import type { GrowthBacklogOptions } from "../generators/growth-backlog.ts";
import { Costs } from "./costs.ts";

const costRatioMax = 1.15;
const bodyBytes = 100;
const priorityMax = 9;
const backlog = 100_000;
/** About so many a second, to settle how many to ask for. */
const perSecond = { ours: 200_000, theirs: 10_000 } as const;

/** What an operator sets most: bounds that are not reached, and where what expires goes. */
const policy = {
  pattern: "^bench-",
  "apply-to": "queues",
  definition: {
    "max-length": 10_000_000,
    "message-ttl": 3_600_000,
    "dead-letter-exchange": "amq.fanout",
  },
};

interface Loads {
  readonly keptEmpty: (priorityMax?: number) => Promise<GrowthFigures>;
  readonly withBacklog: (priorityMax?: number) => Promise<GrowthFigures>;
}

function loadsOf(run: SelfRun, server: Server): Loads {
  const rate = server.isTroikaMQ ? perSecond.ours : perSecond.theirs;
  const messages = Math.round(rate * run.secondsWanted);
  let number = 0;
  const common = () => ({
    port: server.ports.amqp!,
    serverPid: server.pid,
    id: `${run.id}-${number++}`,
    messages,
    bodyBytes,
  });
  const withPriorities = (max: number | undefined) => (max === undefined ? {} : { priorityMax: max });
  return {
    keptEmpty: async (max) => {
      const options: GrowthAmqpOptions = {
        ...common(),
        queues: 1,
        isPersistent: true,
        ...withPriorities(max),
      };
      return (await run.generate("growth-amqp", { ...options })) as GrowthFigures;
    },
    withBacklog: async (max) => {
      const options: GrowthBacklogOptions = { ...common(), backlog, ...withPriorities(max) };
      return (await run.generate("growth-backlog", { ...options })) as GrowthFigures;
    },
  };
}

/** In turn, after runs that find the server's code not compiled yet. */
async function compared(
  run: SelfRun,
  plain: (loads: Loads) => Promise<GrowthFigures>,
  featured: (loads: Loads) => Promise<GrowthFigures>,
  [loads, names]: readonly [Loads, readonly [string, string]],
): Promise<readonly Measurement[]> {
  const costs = new Costs();
  await plain(loads);
  await featured(loads);
  for (let round = 0; round < run.rounds; round++) {
    costs.add(names[0], await plain(loads));
    costs.add(names[1], await featured(loads));
  }
  return costs.measurements(costRatioMax);
}

async function priorities(run: SelfRun): Promise<readonly Measurement[]> {
  const found: Measurement[] = [];
  for (const server of [await run.startOurs({ durability: "written" }), await peer(run)]) {
    if (server === undefined) continue;
    const loads = loadsOf(run, server);
    const of = (state: string): [string, string] => [
      `${server.name}, ${state}`,
      `${server.name}, ${state}, ${priorityMax + 1} priorities`,
    ];
    const parts = [
      ...(await compared(
        run,
        ({ keptEmpty }) => keptEmpty(),
        ({ keptEmpty }) => keptEmpty(priorityMax),
        [loads, of("kept empty")],
      )),
      ...(await compared(
        run,
        ({ withBacklog }) => withBacklog(),
        ({ withBacklog }) => withBacklog(priorityMax),
        [loads, of(`${backlog} behind`)],
      )),
    ];
    // What is wanted is wanted of TroikaMQ.
    found.push(...(server.isTroikaMQ ? parts : parts.map(withoutBar)));
    await server.stop();
  }
  return found;
}

function withoutBar({ what, unit, values, note }: Measurement): Measurement {
  return { what, unit, values, ...(note === undefined ? {} : { note }) };
}

function peer(run: SelfRun): Promise<Server | undefined> {
  return run.startPeer("rabbitmq", { durability: "written" });
}

async function policies(run: SelfRun): Promise<readonly Measurement[]> {
  const server = await run.startOurs({ durability: "written" });
  const loads = loadsOf(run, server);
  const api = `http://127.0.0.1:${server.ports.http}/api/policies/%2F/bench`;
  const headers = {
    authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}`,
    "content-type": "application/json",
  };
  const set = async (method: "PUT" | "DELETE") => {
    const body = method === "PUT" ? { body: JSON.stringify(policy) } : {};
    const { ok, status } = await fetch(api, { method, headers, ...body });
    if (!ok) throw new Error(`${method} of a policy was answered ${status}`);
  };
  const found: Measurement[] = [];
  for (const [state, load] of [
    ["kept empty", ({ keptEmpty }: Loads) => keptEmpty()],
    [`${backlog} behind`, ({ withBacklog }: Loads) => withBacklog()],
  ] as const) {
    const featured = async (of: Loads) => {
      await set("PUT");
      const figures = await load(of);
      await set("DELETE");
      return figures;
    };
    found.push(...(await compared(run, load, featured, [loads, [state, `${state}, with a policy`]])));
  }
  await server.stop();
  return found;
}

export const featuresScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "growth/priorities", measure: priorities },
  { kind: "self", name: "growth/policies", measure: policies },
];
