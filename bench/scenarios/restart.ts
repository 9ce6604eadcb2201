/**
 * From a start to ready over 1, 5 and 10 GB of stream: after a clean stop, and after a killed process.
 *
 * Filled with 1 kB entries by XADD; after each restart the stream must have every entry. The files are in the page
 * cache as far as memory goes: this is a process that starts again, not a machine.
 */
import fs from "node:fs";
import { askRedis } from "../base/ask-redis.ts";
import { temporaryDirectory } from "../base/process.ts";
import type { Measurement, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";

const settings: ServerSettings = { durability: "written" };
const entryBytes = 1000;
const connections = 50;
const pipeline = 16;
/** What is written before each kill, so that recovery finds a journal that nobody closed. */
const killAfterEntries = 20_000;

class Filled {
  readonly #run: SelfRun;
  readonly #directory: string;
  #entries = 0;

  constructor(run: SelfRun, directory: string) {
    this.#run = run;
    this.#directory = directory;
  }

  /** Starts over the directory, and sees that nothing is missing. */
  async start(): Promise<Server> {
    const server = await this.#run.startOurs(settings, { dataDirectory: this.#directory });
    const found = await askRedis(server.ports.redis!, "XLEN", this.#run.id);
    if (found !== this.#entries) throw new Error(`${this.#entries} entries were written, ${found} are there`);
    return server;
  }

  async add(server: Server, entries: number): Promise<void> {
    const { count } = await this.#run.generate("redis-benchmark", {
      port: server.ports.redis,
      connections,
      pipeline,
      requests: entries,
      command: ["XADD", this.#run.id, "*", "body", "x".repeat(entryBytes)],
    });
    this.#entries += count;
  }

  get note(): string {
    return `${this.#entries} entries, all there after each restart`;
  }
}

async function restart(run: SelfRun, gigabytes: number): Promise<readonly Measurement[]> {
  const directory = temporaryDirectory("restart");
  try {
    const filled = new Filled(run, directory);
    let server = await filled.start();
    // In parts, each well within the time that a generator has.
    for (let gigabyte = 0; gigabyte < gigabytes; gigabyte++) await filled.add(server, 1e9 / entryBytes);
    const rssBytes = server.usage().rssBytes;
    const [stopMs, cleanMs, killedMs]: number[][] = [[], [], []];
    for (let round = 0; round < run.rounds; round++) {
      const stoppedAt = performance.now();
      await server.stop();
      stopMs!.push(performance.now() - stoppedAt);
      server = await filled.start();
      cleanMs!.push(server.readyMs!);
    }
    for (let round = 0; round < run.rounds; round++) {
      await filled.add(server, killAfterEntries);
      process.kill(server.pid, "SIGKILL");
      await server.stop();
      server = await filled.start();
      killedMs!.push(server.readyMs!);
    }
    await server.stop();
    return [
      { what: "RSS when filled", unit: "bytes", values: [rssBytes] },
      { what: "clean stop", unit: "ms", values: stopMs! },
      { what: "ready after a clean stop", unit: "ms", values: cleanMs! },
      { what: "ready after SIGKILL", unit: "ms", values: killedMs!, note: filled.note },
    ];
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

export const restartScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "restart/1-GB", measure: (run) => restart(run, 1) },
  { kind: "self", name: "restart/5-GB", isLong: true, measure: (run) => restart(run, 5) },
  { kind: "self", name: "restart/10-GB", isLong: true, measure: (run) => restart(run, 10) },
];
