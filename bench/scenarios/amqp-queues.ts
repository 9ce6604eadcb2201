/**
 * 20,000 durable queues, beside RabbitMQ: until all are declared, and from a start over them until each of them answers. Both servers end
 * cleanly in between, and have one core.
 */
import { freePort, removeDirectory, temporaryDirectory } from "../base/process.ts";
import type { Measurement, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";

const queues = 20_000;
const ratioMax = 0.25;
const settings: ServerSettings = { durability: "written" };

interface Times {
  readonly declared: number[];
  readonly restarted: number[];
}

type Start = () => Promise<Server>;

async function once(run: SelfRun, id: string, start: Start, times: Times): Promise<string> {
  const first = await start();
  const declare = (server: Server, isPassive: boolean) =>
    run.generate("amqp-queues", { port: server.ports.amqp, id, queues, isPassive });
  times.declared.push((await declare(first, false)).seconds);
  await first.stop();
  const startedMs = performance.now();
  const again = await start();
  await declare(again, true);
  times.restarted.push((performance.now() - startedMs) / 1000);
  await again.stop();
  return again.name;
}

async function measure(run: SelfRun): Promise<readonly Measurement[]> {
  const ours: Times = { declared: [], restarted: [] };
  const theirs: Times = { declared: [], restarted: [] };
  let peerName: string | undefined;
  for (let round = 0; round < run.rounds; round++) {
    const id = `${run.id}-${round}`;
    const dataDirectory = temporaryDirectory("queues");
    await once(run, id, () => run.startOurs(settings, { dataDirectory }), ours);
    removeDirectory(dataDirectory);
    const place = { dataDirectory: temporaryDirectory("rabbitmq-queues"), port: await freePort() };
    const probe = await run.startPeer("rabbitmq", settings, place);
    if (probe !== undefined) {
      await probe.stop();
      peerName = await once(run, id, async () => (await run.startPeer("rabbitmq", settings, place))!, theirs);
    }
    removeDirectory(place.dataDirectory);
  }
  const found: Measurement[] = [];
  for (const [what, values] of [
    [`${queues} queues declared`, "declared"],
    [`started again until each of ${queues} queues answered`, "restarted"],
  ] as const) {
    found.push({ what: `TroikaMQ: ${what}`, unit: "s", values: ours[values] });
    if (peerName === undefined) continue;
    found.push({ what: `${peerName}: ${what}`, unit: "s", values: theirs[values] });
    const ratios = ours[values].map((value, round) => value / theirs[values][round]!);
    found.push({
      what: `time, ${values}, to ${peerName}'s`,
      unit: "times",
      values: ratios,
      atMost: ratioMax,
    });
  }
  return found;
}

export const amqpQueuesScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "amqp-queues/20000-durable", measure },
];
