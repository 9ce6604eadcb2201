/**
 * Kills the broker at random moments under the mixed load of three protocols, and looks for a lost message.
 *
 * The random moments come from a seed that a failure prints; the load itself is as fast as it can be, so a seed gives
 * the same moments, not the same run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TestBroker } from "../support/broker.ts";
import { AmqpLoad } from "./amqp-load.ts";
import { KafkaLoad } from "./kafka-load.ts";
import type { Load } from "./load.ts";
import { RedisLoad } from "./redis-load.ts";

export interface KillOptions {
  broker: TestBroker;
  rounds: number;
  seed: number;
  onRound?: (round: number, told: string) => void;
}

const earliestKillMs = 120;
const latestKillMs = 500;
/** A round kills so many times later where a load was told nothing yet: without that a busy machine tests nothing. */
const patienceMax = 16;
/** Enough for a million messages to be read by client libraries on a busy machine; what hangs waits for ever. */
const waitMsMax = 150_000;

/** Returns what contradicts what the clients were told: nothing, when all is well. */
export async function killRounds({ broker, rounds, seed, onRound }: KillOptions): Promise<string[]> {
  const loads: Load[] = [new AmqpLoad(), new RedisLoad(), new KafkaLoad()];
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  let patience = 1;
  for (let round = 1; round <= rounds; round++) {
    const running = loads.map((load) => load.run(broker.ports));
    await sleep(patience * (earliestKillMs + random() * (latestKillMs - earliestKillMs)));
    await broker.kill("SIGKILL");
    for (const load of loads) load.stop();
    for (const [i, load] of loads.entries()) await within(`round ${round}: ${load.name} to end`, running[i]!);
    await within(`round ${round}: the restart`, broker.restart());
    if (loads.some(wasToldNothing)) patience = Math.min(2 * patience, patienceMax);
    onRound?.(round, toldBy(loads));
  }
  const faults: string[] = [];
  for (const load of loads)
    faults.push(...(await within(`${load.name} to verify`, load.verify(broker.ports))));
  return faults;
}

/** Names what hangs, instead of a test that only ends by its timeout. */
export async function within<Result>(what: string, work: Promise<Result>): Promise<Result> {
  const timeout = new AbortController();
  const late = sleep(waitMsMax, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`waited ${waitMsMax} ms for ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timeout.abort();
    late.catch(() => {});
  }
}

function wasToldNothing({ told }: Load): boolean {
  return Object.values(told).every((count) => count === 0);
}

function toldBy(loads: readonly Load[]): string {
  return loads.map(({ name, told }) => `${name} ${JSON.stringify(told)}`).join("  ");
}
