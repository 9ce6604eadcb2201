/**
 * The bench: TroikaMQ beside the servers that it stands in for, under the same load.
 *
 *     npm run bench [-- --only TEXT[,TEXT]] [--pairs 3] [--seconds 3] [--short] [--json FILE] [--list]
 *                   [--baseline CHECKOUT] [--peer PROGRAM] [--runtime node] [--full] [--memory]
 *
 * `--only` takes scenarios whose name contains one of the texts; `--baseline` runs against another checkout of
 * TroikaMQ (with its own node_modules) instead of the peer, to see what a change brings. Peers that are not there are
 * named, and their scenarios run without them. `--full` adds the scenarios that take minutes and gigabytes. `--memory` runs
 * those alone that say what a million Redis values hold. `--peer` is a program that takes redis-server's place, and its
 * command line: Valkey, or another version of Redis.
 */
import fs from "node:fs";
import { parseArgs } from "node:util";
import type { AnyScenario, PeerName, PeerPlace, Scenario, Server, ServerSettings } from "./contract.ts";
import { isPinned } from "./base/process.ts";
import { runtimeNamed } from "./base/programs.ts";
import {
  ratioText,
  type SelfSummary,
  summarize,
  summarizeSelf,
  type Summary,
  textOf,
  textOfSelf,
} from "./report.ts";
import { runScenario } from "./run.ts";
import { runSelfScenario } from "./run-self.ts";
import { scenarios } from "./scenarios/index.ts";
import { redisMemoryPrefix } from "./scenarios/redis-memory.ts";
import { peers as defaultPeers, peersWithRedis } from "./servers/index.ts";
import { startTroikaMQ } from "./servers/troikamq.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    pairs: { type: "string" },
    seconds: { type: "string" },
    short: { type: "boolean", default: false },
    json: { type: "string" },
    list: { type: "boolean", default: false },
    baseline: { type: "string" },
    runtime: { type: "string", default: "bun" },
    full: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    peer: { type: "string" },
  },
});

const pairs = Number(options.pairs ?? (options.short ? 1 : 3));
const secondsWanted = Number(options.seconds ?? (options.short ? 0.5 : 3));
const runtime = runtimeNamed(options.runtime);
const peers = options.peer === undefined ? defaultPeers : peersWithRedis(options.peer);
const takesLong = options.full || options.memory;
const wanted = options.only?.split(",");
const chosen = scenarios.filter(
  (scenario) =>
    (!options.short || scenario.isShort === true) &&
    (takesLong || scenario.kind === undefined || scenario.isLong !== true) &&
    (!options.memory || scenario.name.startsWith(redisMemoryPrefix)) &&
    (wanted === undefined || wanted.some((text) => scenario.name.includes(text))),
);

function missingPeer(scenario: Scenario): string | undefined {
  if (scenario.peer === null || options.baseline !== undefined) return undefined;
  return peers[scenario.peer].missing();
}

/** The servers that are up, by what they were started for: scenarios with the same wishes follow one another. */
let up: { key: string; servers: [Server] | [Server, Server] } | undefined;

async function serversFor(scenario: Scenario): Promise<[Server] | [Server, Server]> {
  const peer = missingPeer(scenario) === undefined ? scenario.peer : null;
  const key = JSON.stringify([peer, scenario.settings]);
  if (up?.key === key) return up.servers;
  await stopServers();
  const ours = await startTroikaMQ(scenario.settings, { runtime });
  up = { key, servers: [ours] };
  const other = await startOther(peer, scenario.settings);
  if (other !== undefined) up.servers = [ours, other];
  return up.servers;
}

async function startOther(peer: Scenario["peer"], settings: ServerSettings): Promise<Server | undefined> {
  if (options.baseline !== undefined) return startTroikaMQ(settings, { checkout: options.baseline });
  return peer === null ? undefined : await peers[peer].start(settings);
}

async function stopServers(): Promise<void> {
  for (const server of up?.servers ?? []) await server.stop();
  up = undefined;
}

if (options.peer !== undefined && peers.redis.missing() !== undefined) {
  console.error(`--peer: ${peers.redis.missing()}`);
  process.exit(2);
}
if (options.list) {
  for (const { name } of chosen) console.log(name);
  process.exit(0);
}
if (chosen.length === 0) {
  console.error("no scenario has such a name; --list shows them");
  process.exit(2);
}
for (const [name, peer] of Object.entries(peers)) {
  const why = peer.missing();
  if (why !== undefined && chosen.some((scenario) => scenario.kind === undefined && scenario.peer === name))
    console.log(`missing: ${why}`);
}
console.log(
  isPinned ? "server on core 0, generator on core 1" : "not pinned: fewer than two cores, or no taskset",
);

async function runOne(scenario: AnyScenario): Promise<void> {
  if (scenario.kind === "self") {
    await stopServers();
    const summary = summarizeSelf(
      await runSelfScenario(scenario, { rounds: pairs, secondsWanted, startOurs, startPeer }),
    );
    summaries.push(summary);
    console.log(textOfSelf(summary));
    return;
  }
  const servers = await serversFor(scenario);
  const summary = summarize(await runScenario(scenario, servers, { pairs, secondsWanted }));
  summaries.push(summary);
  console.log(options.short ? shortText(summary) : textOf(summary));
}

const startOurs = (settings: ServerSettings, where?: { readonly dataDirectory?: string }): Promise<Server> =>
  startTroikaMQ(settings, { runtime, ...where });

/** The short edition has no time for the start of a Java or an Erlang machine. */
async function startPeer(
  name: PeerName,
  settings: ServerSettings,
  place?: PeerPlace,
): Promise<Server | undefined> {
  return !options.short && peers[name].missing() === undefined
    ? peers[name].start(settings, place)
    : undefined;
}

const summaries: (Summary | SelfSummary)[] = [];
const failures: string[] = [];
for (const scenario of chosen) {
  try {
    await runOne(scenario);
  } catch (error) {
    failures.push(scenario.name);
    console.log(`${scenario.name}\n  FAILED: ${error instanceof Error ? error.message : String(error)}`);
    await stopServers();
  }
}
await stopServers();
if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(summaries, null, 2)}\n`);
if (failures.length > 0) console.log(`failed: ${failures.join(", ")}`);
process.exit(failures.length > 0 ? 1 : 0);

/** Ratios only: single short runs say nothing in absolute terms. */
function shortText({ scenario, throughput }: Summary): string {
  return `${scenario}: ${throughput === undefined ? "ran" : ratioText(throughput)}`;
}
