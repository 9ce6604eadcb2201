/**
 * TroikaMQ under test, from this checkout or another (`--baseline`).
 *
 * Durability: `none` is `--data-dir memory`; `written` and `fsync` are a data directory, with
 * `--durability-redis-streams` and `--durability-kafka` of that name. AMQP settles it by message (persistent with
 * confirms), so there the two differ only by what the generator asks for.
 */
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Server, ServerPorts, ServerSettings } from "../contract.ts";
import {
  flagsOf,
  startPinned,
  type Started,
  stopProcess,
  removeDirectory,
  temporaryDirectory,
  usageOf,
} from "../base/process.ts";
import { bunProgram } from "../base/programs.ts";

const startMsMax = 30_000;
const thisCheckout = path.join(import.meta.dirname, "../..");

export interface TroikaMQOptions {
  readonly checkout?: string;
  readonly runtime?: "bun" | "node";
  /** Not on the first core alone. */
  readonly isOnAnyCore?: boolean;
  /** A `node` that runs bin/troikamq.js, as users start it; default is the runtime itself. */
  readonly launcher?: string;
  /** Kept at the end; default is a new one, removed. */
  readonly dataDirectory?: string;
}

export async function startTroikaMQ(
  settings: ServerSettings,
  options: TroikaMQOptions = {},
): Promise<Server> {
  const checkout = options.checkout ?? thisCheckout;
  const isKept = settings.durability !== "none";
  const directory = options.dataDirectory ?? (isKept ? temporaryDirectory("troikamq") : "memory");
  const runtime = options.runtime === "node" ? process.execPath : bunProgram();
  const program = options.launcher ?? runtime;
  const ports = { "redis-port": 0, "amqp-port": 0, "kafka-port": 0, "http-port": 0 };
  const isSynced = settings.durability === "fsync";
  const durability = isKept
    ? {
        "durability-redis-streams": settings.durability,
        ...(isSynced ? {} : { "durability-kafka": "written" }),
      }
    : {};
  const flags = flagsOf({ "data-dir": directory, "log-level": "error", ...ports, ...durability });
  const main = path.join(checkout, options.launcher === undefined ? "cli/main.ts" : "bin/troikamq.js");
  const started = startPinned(program, [main, "start", ...flags, ...(settings.troikamqArguments ?? [])], {
    core: options.isOnAnyCore === true ? undefined : 0,
    environment: { ...(await launchEnvironment(checkout)), TROIKAMQ_RUNTIME: options.runtime ?? "bun" },
  });
  const ready = await readyLine(started);
  const readyMs = performance.now() - started.spawnedAtMs;
  return {
    name: checkout === thisCheckout ? "TroikaMQ" : `TroikaMQ of ${path.basename(checkout)}`,
    isTroikaMQ: true,
    ports: ready.ports,
    pid: ready.pid,
    readyMs,
    usage: () => usageOf(ready.pid),
    async stop() {
      await stopProcess(started);
      if (options.dataDirectory === undefined && isKept) removeDirectory(directory);
    },
  };
}

/** What the launcher of that checkout sets for the runtime, so that a broker without it runs as users run theirs. */
async function launchEnvironment(checkout: string): Promise<Readonly<Record<string, string>>> {
  const file = path.join(checkout, "bin/environment.js");
  if (!fs.existsSync(file)) return {};
  const { runtimeEnvironment } = (await import(pathToFileURL(file).href)) as {
    runtimeEnvironment: (own: object) => Record<string, string>;
  };
  return runtimeEnvironment({});
}

interface Ready {
  readonly pid: number;
  readonly ports: Required<Pick<ServerPorts, "redis" | "amqp" | "kafka" | "http">>;
}

function readyLine(started: Started): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`TroikaMQ was not ready\n${started.log()}`)), startMsMax);
    let text = "";
    started.child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (!text.includes("\n")) return;
      clearTimeout(timer);
      resolve(JSON.parse(text) as Ready);
    });
    void started.exited.then((code) =>
      reject(new Error(`TroikaMQ ended with code ${code}\n${started.log()}`)),
    );
  });
}
