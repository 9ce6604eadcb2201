/**
 * Runs one scenario: TroikaMQ and its peer in turn, A B A B, as many pairs as asked for.
 *
 * Not here: starting servers (servers/), what is printed (report.ts).
 * Invariant: both sides of a pair run with the same generator, options and rate, one right after the other.
 */
import type { Figures, Run, Scenario, Server, Usage } from "./contract.ts";
import { generate } from "./base/generate.ts";

/** One run of one side. */
export interface Sample {
  readonly perSecond: number;
  readonly figures: Figures;
  /** What the server's process took for this run, or for what the generator measured of it. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly rssBytesMax: number;
}

export interface Result {
  readonly scenario: Scenario;
  readonly ours: { readonly name: string; readonly samples: readonly Sample[] };
  readonly theirs: { readonly name: string; readonly samples: readonly Sample[] } | undefined;
  /** Messages a second that the runs kept to, where they had a fixed rate. */
  readonly rates: readonly number[] | undefined;
}

export interface RunOptions {
  readonly pairs: number;
  readonly secondsWanted: number;
}

let runsMade = 0;

export async function runScenario(
  scenario: Scenario,
  servers: readonly [Server] | readonly [Server, Server],
  options: RunOptions,
): Promise<Result> {
  const sample = (server: Server, ratePerSecond?: number) =>
    runOnce(scenario, server, ratePerSecond, options.secondsWanted);
  // The first run warms both sides up, and is how fast they can go for a scenario with a fixed rate.
  const fastest: number[] = [];
  for (const server of servers) fastest.push((await sample(server)).perSecond);
  const rates = ratesFor(scenario, fastest);
  const samples: Sample[][] = servers.map(() => []);
  for (let pair = 0; pair < options.pairs; pair++) {
    for (const [index, server] of servers.entries()) {
      samples[index]!.push(await sample(server, rates?.[index]));
    }
  }
  const [ours, theirs] = servers;
  return {
    scenario,
    ours: { name: ours.name, samples: samples[0]! },
    theirs: theirs === undefined ? undefined : { name: theirs.name, samples: samples[1]! },
    rates,
  };
}

function ratesFor(scenario: Scenario, fastest: readonly number[]): number[] | undefined {
  if (scenario.halfLoad === undefined) return undefined;
  const slower = Math.min(...fastest);
  return fastest.map((perSecond) => (scenario.halfLoad === "of its own" ? perSecond : slower) / 2);
}

async function runOnce(
  scenario: Scenario,
  server: Server,
  ratePerSecond: number | undefined,
  secondsWanted: number,
): Promise<Sample> {
  runsMade += 1;
  const run: Run = { server, id: `bench-${process.pid}-${runsMade}`, ratePerSecond, secondsWanted, generate };
  const before = server.usage();
  const figures = await scenario.drive(run);
  const after: Usage = server.usage();
  return {
    perSecond: figures.count / figures.seconds,
    figures,
    cpuSeconds: figures.cpuSeconds ?? after.cpuSeconds - before.cpuSeconds,
    rssBytes: after.rssBytes,
    rssBytesMax: after.rssBytesMax,
  };
}
