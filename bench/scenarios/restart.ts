/**
 * From a start to ready over 1, 5 and 10 GB of stream: after a clean stop, and after a killed process.
 *
 * Filled with 1 kB entries by XADD at full speed; after each restart the stream must have every entry. A start reads
 * the journal, so the first is over what the load left of it, and the others over what is left once it has been moved
 * to segments. The files are in the page cache as far as memory goes: a process starts again, not a machine.
 */
import fs from "node:fs";
import path from "node:path";
import { askRedis } from "../base/ask-redis.ts";
import { removeDirectory, temporaryDirectory } from "../base/process.ts";
import type { Measurement, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";

const settings: ServerSettings = { durability: "written" };
const entryBytes = 1000;
const connections = 50;
const pipeline = 16;
/** Half as much again as TroikaMQ keeps of it by default. */
const journalBytesSettled = 384 << 20;
const settleMsMax = 180_000;
const settlePollMs = 250;
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

  get journalBytes(): number {
    const folder = path.join(this.#directory, "journal");
    let bytes = 0;
    for (const name of fs.readdirSync(folder)) {
      // It may be deleted at any time.
      bytes += fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return bytes;
  }

  async untilSettled(): Promise<void> {
    for (let waitedMs = 0; this.journalBytes > journalBytesSettled; waitedMs += settlePollMs) {
      if (waitedMs >= settleMsMax)
        throw new Error(`the journal still has ${this.journalBytes} bytes after ${settleMsMax} ms`);
      await new Promise((resolve) => setTimeout(resolve, settlePollMs));
    }
  }

  get note(): string {
    return `${this.#entries} entries`;
  }
}

async function restart(run: SelfRun, gigabytes: number): Promise<readonly Measurement[]> {
  const directory = temporaryDirectory("restart");
  try {
    const filled = new Filled(run, directory);
    let server = await filled.start();
    // In parts, each well within the time that a generator has.
    for (let gigabyte = 0; gigabyte < gigabytes; gigabyte++) await filled.add(server, 1e9 / entryBytes);
    const found: Measurement[] = [];
    const add = (what: string, unit: Measurement["unit"], values: readonly number[]) =>
      found.push({ what, unit, values, note: filled.note });
    add("RSS when filled", "bytes", [server.usage().rssBytes]);
    add("journal when filled", "bytes", [filled.journalBytes]);
    process.kill(server.pid, "SIGKILL");
    await server.stop();
    server = await filled.start();
    add("ready after SIGKILL right after the load", "ms", [server.readyMs!]);
    const settlingMs = performance.now();
    await filled.untilSettled();
    add("until the journal was small again", "ms", [performance.now() - settlingMs]);
    const [cleanMs, killedMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < run.rounds; round++) {
      await server.stop();
      server = await filled.start();
      cleanMs.push(server.readyMs!);
    }
    add("ready after a clean stop", "ms", cleanMs);
    for (let round = 0; round < run.rounds; round++) {
      await filled.add(server, killAfterEntries);
      process.kill(server.pid, "SIGKILL");
      await server.stop();
      server = await filled.start();
      killedMs.push(server.readyMs!);
    }
    add("ready after SIGKILL", "ms", killedMs);
    await server.stop();
    return found;
  } finally {
    removeDirectory(directory);
  }
}

export const restartScenarios: readonly SelfScenario[] = [
  { kind: "self", name: "restart/1-GB", measure: (run) => restart(run, 1) },
  { kind: "self", name: "restart/5-GB", isLong: true, measure: (run) => restart(run, 5) },
  { kind: "self", name: "restart/10-GB", isLong: true, measure: (run) => restart(run, 10) },
];
