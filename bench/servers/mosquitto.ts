/**
 * mosquitto under test, with its defaults but for its port and that anyone may connect. TroikaMQ has no MQTT yet, so
 * no scenario asks for it.
 *
 * Durability: `none` keeps nothing; it has no log to write, only its whole state from time to time, so that `written`
 * is once a second, like redis-server's. It cannot sync before it answers: `fsync` is refused.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { spawnSync } from "node:child_process";
import type { Server, ServerSettings } from "../contract.ts";
import { freePort, startPinned, temporaryDirectory, waitForPort } from "../base/process.ts";
import { runningPeer } from "./peer.ts";
import { findProgram } from "../base/programs.ts";

const startMsMax = 10_000;

export function mosquittoMissing(): string | undefined {
  return findProgram("mosquitto") === undefined ? "no mosquitto; npm run bench:peers fetches it" : undefined;
}

export async function startMosquitto(settings: ServerSettings): Promise<Server> {
  if (settings.durability === "fsync") throw new Error("mosquitto cannot sync before it acknowledges");
  const program = findProgram("mosquitto")!;
  // Its help is the only place where it tells.
  const version = /version (\S+)/.exec(String(spawnSync(program, ["-h"]).stdout))?.[1] ?? "?";
  const port = await freePort();
  const directory = temporaryDirectory("mosquitto");
  const file = path.join(directory, "mosquitto.conf");
  const configuration: Record<string, string> = {
    listener: `${port} 127.0.0.1`,
    allow_anonymous: "true",
    // As root it would otherwise become a user who may not write here.
    user: os.userInfo().username,
    log_type: "error",
    persistence: String(settings.durability === "written"),
    persistence_location: `${directory}/`,
    autosave_interval: "1",
    ...settings.peerSettings,
  };
  const lines = Object.entries(configuration).map(([name, value]) => `${name} ${value}\n`);
  fs.writeFileSync(file, lines.join(""));
  const started = startPinned(program, ["-c", file], { core: 0, directory });
  started.child.stdout!.resume();
  const readyMs = await waitForPort(port, started, startMsMax);
  return runningPeer({
    name: `mosquitto ${version}`,
    ports: { mqtt: port },
    pid: started.child.pid!,
    readyMs,
    directory,
    processes: [started],
  });
}
