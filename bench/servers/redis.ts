/**
 * redis-server under test, or with `--peer PATH` another program that takes its command line (Valkey, a later Redis).
 *
 * Durability: `none` without AOF and RDB; `written` is AOF with `appendfsync everysec`, what TroikaMQ's `written` is;
 * `fsync` is `appendfsync always`.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Durability, Server, ServerSettings } from "../contract.ts";
import { flagsOf, freePort, startPinned, temporaryDirectory, waitForPort } from "../base/process.ts";
import { runningPeer } from "./peer.ts";
import { findProgram } from "../base/programs.ts";

const startMsMax = 10_000;

const ofDurability: Record<Durability, Record<string, string>> = {
  none: { appendonly: "no" },
  written: { appendonly: "yes", appendfsync: "everysec" },
  fsync: { appendonly: "yes", appendfsync: "always" },
};

/** @param chosen the program to run; undefined is the redis-server of this machine */
export function redisMissing(chosen?: string): string | undefined {
  if (chosen !== undefined) return fs.existsSync(chosen) ? undefined : `no program at ${chosen}`;
  return findProgram("redis-server") === undefined
    ? "no redis-server; npm run bench:peers fetches it"
    : undefined;
}

export async function startRedis(settings: ServerSettings, chosen?: string): Promise<Server> {
  const program = chosen ?? findProgram("redis-server")!;
  const version = /v=(\S+)/.exec(String(spawnSync(program, ["--version"]).stdout))?.[1] ?? "?";
  const port = await freePort();
  const directory = temporaryDirectory("redis");
  const configuration = {
    port,
    bind: "127.0.0.1",
    dir: directory,
    save: "",
    maxclients: 20_000,
    ...ofDurability[settings.durability],
    ...settings.peerSettings,
  };
  const started = startPinned(program, flagsOf(configuration), { core: 0 });
  started.child.stdout!.resume();
  const readyMs = await waitForPort(port, started, startMsMax);
  return runningPeer({
    name: `${path.basename(program)} ${version}`,
    ports: { redis: port },
    pid: started.child.pid!,
    readyMs,
    directory,
    processes: [started],
  });
}
