/**
 * Runs one scenario that measures by itself, and stops whatever servers it started.
 * Not here: what it measures (scenarios/). Invariant: no server outlives its scenario.
 */
import { generate } from "./base/generate.ts";
import type {
  Measurement,
  PeerName,
  PeerPlace,
  SelfRun,
  SelfScenario,
  Server,
  ServerSettings,
} from "./contract.ts";

export interface SelfResult {
  readonly scenario: SelfScenario;
  readonly measurements: readonly Measurement[];
}

export interface SelfRunOptions {
  readonly rounds: number;
  readonly secondsWanted: number;
  startOurs(settings: ServerSettings, options?: { readonly dataDirectory?: string }): Promise<Server>;
  startPeer(name: PeerName, settings: ServerSettings, place?: PeerPlace): Promise<Server | undefined>;
}

let runsMade = 0;

export async function runSelfScenario(scenario: SelfScenario, options: SelfRunOptions): Promise<SelfResult> {
  runsMade += 1;
  const started = new Set<Server>();
  const watched = (server: Server): Server => {
    started.add(server);
    const stop = () => {
      started.delete(server);
      return server.stop();
    };
    return { ...server, stop };
  };
  const run: SelfRun = {
    id: `bench-self-${process.pid}-${runsMade}`,
    rounds: options.rounds,
    secondsWanted: options.secondsWanted,
    startOurs: async (settings, where) => watched(await options.startOurs(settings, where)),
    startPeer: async (name, settings, place) => {
      const server = await options.startPeer(name, settings, place);
      return server === undefined ? undefined : watched(server);
    },
    generate,
  };
  try {
    return { scenario, measurements: await scenario.measure(run) };
  } finally {
    for (const server of started) await server.stop();
  }
}
