/**
 * rabbitmq-server under test, with its defaults but for: ports, all of them on loopback; a memory watermark of 0.8 and
 * a disk limit of 1 MB (so that it never blocks publishers); room for 65,536 connections and files; no plugins, no log.
 * Pinned to one core its Erlang has one scheduler online, and by its default that one never spins while it is idle.
 *
 * Durability: it is settled by message and queue, whatever the setting here. What is persistent, in a durable classic
 * queue, is confirmed once it is synced, or once a consumer has acknowledged it, whichever comes first. Traced (3.10.8):
 * without a consumer, or with manual acknowledgement, some 15 to 20 fsyncs a second, each for all that waits; with an
 * automatically acknowledging consumer that keeps up, next to none. There the peer promises less than TroikaMQ does.
 */
import fs from "node:fs";
import path from "node:path";
import type { PeerPlace, Server, ServerSettings } from "../contract.ts";
import { freePort, startPinned, temporaryDirectory, waitForPort } from "../base/process.ts";
import { descendantNamed } from "../base/descendants.ts";
import { runningPeer } from "./peer.ts";
import { findInstalled, findProgram } from "../base/programs.ts";

const startMsMax = 60_000;
/** Debian's program of that name changes the user; this is the script behind it. */
const installedScript = "/usr/lib/rabbitmq/bin/rabbitmq-server";

function findServer(): string | undefined {
  return findInstalled(installedScript) ?? findProgram("rabbitmq-server");
}

export function rabbitmqMissing(): string | undefined {
  return findServer() === undefined || findProgram("epmd") === undefined
    ? "no rabbitmq-server with its Erlang; npm run bench:peers fetches it"
    : undefined;
}

/** As the folder of its libraries has it in its name. */
function versionOf(pid: number): string {
  const environment = fs.readFileSync(`/proc/${pid}/environ`, "latin1");
  return /rabbitmq_server-([\d.]+)/.exec(environment)?.[1] ?? "?";
}

/** With a `place` its data is kept, and its end is a clean one. */
export async function startRabbitmq(settings: ServerSettings, place?: PeerPlace): Promise<Server> {
  const script = findServer()!;
  const [distributionPort, epmdPort] = [await freePort(), await freePort()];
  const port = place?.port ?? (await freePort());
  const directory = place?.dataDirectory ?? temporaryDirectory("rabbitmq");
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
  fs.writeFileSync(inside("enabled_plugins"), `[${(settings.peerPlugins ?? []).join(",")}].\n`);
  const portMapperEnvironment = { ERL_EPMD_PORT: String(epmdPort), ERL_EPMD_ADDRESS: "127.0.0.1" };
  const environment = {
    HOME: directory,
    RABBITMQ_NODENAME: `bench-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // The script then becomes Erlang, and is not a shell beside it that could be killed alone.
    RUNNING_UNDER_SYSTEMD: "true",
    RABBITMQ_MNESIA_BASE: inside("mnesia"),
    RABBITMQ_LOG_BASE: inside("log"),
    RABBITMQ_CONFIG_FILE: inside("rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: inside("advanced.config"),
    RABBITMQ_CONF_ENV_FILE: inside("none"),
    RABBITMQ_ENABLED_PLUGINS_FILE: inside("enabled_plugins"),
    RABBITMQ_PID_FILE: inside("pid"),
    ...portMapperEnvironment,
    ERL_MAX_PORTS: "65536",
  };
  // Erlang starts one where none answers, and leaves it behind as nobody's child: this one is ours to end.
  const portMapper = startPinned(findProgram("epmd")!, [], { core: 0, environment: portMapperEnvironment });
  portMapper.child.stdout!.resume();
  await waitForPort(epmdPort, portMapper, startMsMax);
  const started = startPinned(script, [], { core: 0, environment, directory });
  started.child.stdout!.resume();
  const readyMs = await waitForPort(port, started, startMsMax);
  const pid = descendantNamed(started.child.pid!, "beam.smp");
  return runningPeer({
    name: `rabbitmq ${versionOf(pid)}`,
    ports: { amqp: port },
    pid,
    readyMs,
    directory,
    processes: [started, portMapper],
    isKept: place !== undefined,
  });
}
