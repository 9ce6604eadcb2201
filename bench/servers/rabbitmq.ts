/**
 * rabbitmq-server under test, with its defaults but for: ports, a memory watermark of 0.8 and a disk limit of 1 MB (so
 * that it never blocks publishers), no plugins, no log. Pinned to one core its Erlang has one scheduler.
 *
 * Durability: it is settled by message and queue. What is persistent, in a durable classic queue, is confirmed after
 * a sync of queue index and message store (RabbitMQ 3.10), whatever the setting here.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Server, ServerSettings } from "../contract.ts";
import {
  freePort,
  startPinned,
  stopProcess,
  temporaryDirectory,
  usageOf,
  waitForPort,
} from "../base/process.ts";
import { descendantNamed } from "../base/descendants.ts";
import { findProgram } from "../base/programs.ts";

const startMsMax = 60_000;
/** Debian's wrapper of the same name changes the user; this is the script behind it. */
const scripts = ["/usr/lib/rabbitmq/bin/rabbitmq-server"];

function findServer(): string | undefined {
  return scripts.find((script) => fs.existsSync(script)) ?? findProgram("rabbitmq-server");
}

export function rabbitmqMissing(): string | undefined {
  return findServer() === undefined ? "no rabbitmq-server; npm run bench:peers fetches it" : undefined;
}

function versionOf(script: string): string {
  return /rabbitmq_server-([\d.]+)/.exec(fs.realpathSync(script))?.[1] ?? installedVersion();
}

function installedVersion(): string {
  const folder = "/usr/lib/rabbitmq/lib";
  const found = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return found[0]?.replace("rabbitmq_server-", "") ?? "?";
}

export async function startRabbitmq(settings: ServerSettings): Promise<Server> {
  const script = findServer()!;
  const [port, distributionPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const directory = temporaryDirectory("rabbitmq");
  const inside = (name: string) => path.join(directory, name);
  const configuration = {
    "listeners.tcp.default": `127.0.0.1:${port}`,
    "vm_memory_high_watermark.relative": "0.8",
    "disk_free_limit.absolute": "1MB",
    "log.console": "false",
    "log.file": "false",
    ...settings.peerSettings,
  };
  fs.writeFileSync(
    inside("rabbitmq.conf"),
    Object.entries(configuration)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(""),
  );
  fs.writeFileSync(inside("enabled_plugins"), "[].\n");
  const environment = {
    HOME: directory,
    RABBITMQ_NODENAME: `bench-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: inside("mnesia"),
    RABBITMQ_LOG_BASE: inside("log"),
    RABBITMQ_CONFIG_FILE: inside("rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: inside("advanced.config"),
    RABBITMQ_CONF_ENV_FILE: inside("none"),
    RABBITMQ_ENABLED_PLUGINS_FILE: inside("enabled_plugins"),
    RABBITMQ_PID_FILE: inside("pid"),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_MAX_PORTS: "65536",
  };
  const started = startPinned(script, [], { core: 0, environment, directory });
  started.child.stdout!.resume();
  const readyMs = await waitForPort(port, started, startMsMax);
  const pid = descendantNamed(started.child.pid!, "beam.smp");
  return {
    name: `rabbitmq ${versionOf(script)}`,
    isTroikaMQ: false,
    ports: { amqp: port },
    pid,
    readyMs,
    usage: () => usageOf(pid),
    async stop() {
      process.kill(pid, "SIGKILL");
      await stopProcess(started, "SIGKILL");
      await stopPortMapper(epmdPort);
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Erlang leaves its port mapper behind, which is nobody's child and ends only once it has seen its node gone. */
async function stopPortMapper(port: number): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const { status, stdout } = spawnSync("epmd", ["-port", String(port), "-kill"], { encoding: "utf8" });
    if (status === 0 && stdout.includes("Killed")) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
