/**
 * From a start to ready, and what a server holds that nobody uses: of TroikaMQ and beside it the peers.
 *
 * A start is timed from its spawn: TroikaMQ until it says that it is ready, which is after it listens; the peers until
 * their port answers. Directories are new and empty. A user's start has all cores; beside the peers it has one, as they do.
 */
import fs from "node:fs";
import path from "node:path";
import type { Measurement, PeerName, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";
import { startTroikaMQ } from "../servers/troikamq.ts";

const readyMsMax = 200;
const idleRssBytesMax = 60e6;
const idleMs = 3000;
const startsLeast = 5;

const settings: ServerSettings = { durability: "written" };
const peers: readonly PeerName[] = ["redis", "rabbitmq", "kafka", "mosquitto"];

/** The machine's `node`, not the one that npm puts in front of it. */
function nodeOfMachine(): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .filter((folder) => !folder.includes("node_modules"))
    .map((folder) => path.join(folder, "node"))
    .find((program) => fs.existsSync(program));
}

async function readyMsOf(start: () => Promise<Server>, count: number): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < count; round++) {
    const server = await start();
    await server.stop();
    if (server.readyMs === undefined) return [];
    values.push(server.readyMs);
  }
  return values;
}

async function startUp(run: SelfRun): Promise<readonly Measurement[]> {
  const starts = Math.max(run.rounds, startsLeast);
  const measurements: Measurement[] = [];
  const add = (what: string, values: readonly number[], atMost?: number) => {
    if (values.length === 0) return;
    measurements.push({ what, unit: "ms", values, ...(atMost === undefined ? {} : { atMost }) });
  };
  const launcher = nodeOfMachine();
  if (launcher !== undefined) {
    const values = await readyMsOf(() => startTroikaMQ(settings, { launcher, isOnAnyCore: true }), starts);
    add("TroikaMQ by node bin/troikamq.js start", values, readyMsMax);
  }
  const free = await readyMsOf(() => startTroikaMQ(settings, { isOnAnyCore: true }), starts);
  add("TroikaMQ by bun", free, readyMsMax);
  add("TroikaMQ by bun, on one core", await readyMsOf(() => run.startOurs(settings), starts));
  for (const name of peers) {
    const first = await run.startPeer(name, settings);
    if (first === undefined) continue;
    await first.stop();
    const values = await readyMsOf(async () => (await run.startPeer(name, settings))!, run.rounds);
    add(first.name, values);
  }
  return measurements;
}

async function idleMemory(run: SelfRun): Promise<readonly Measurement[]> {
  const rssBytesOf = async (server: Server): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const { rssBytes } = server.usage();
    await server.stop();
    return rssBytes;
  };
  const ours: number[] = [];
  for (let round = 0; round < run.rounds; round++) ours.push(await rssBytesOf(await run.startOurs(settings)));
  const measurements: Measurement[] = [
    { what: "TroikaMQ, idle for 3 s", unit: "bytes", values: ours, atMost: idleRssBytesMax },
  ];
  for (const name of peers) {
    const server = await run.startPeer(name, settings);
    if (server === undefined) continue;
    measurements.push({
      what: `${server.name}, idle for 3 s`,
      unit: "bytes",
      values: [await rssBytesOf(server)],
    });
  }
  return measurements;
}

export const startScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "start/ready", isShort: true, measure: startUp },
  { kind: "self", name: "start/idle-memory", isShort: true, measure: idleMemory },
];
