/**
 * Apache Kafka under test: one KRaft node, broker and controller in one, with the heap of 1 GiB and the collector that
 * its own start script gives it; its defaults otherwise, threads among them, but for replication of one and no delay
 * before a group's first rebalance. Nothing is logged: no logging library is bound.
 *
 * Durability: `none` and `written` are its default, the page cache, which is what its users run; `fsync` is
 * `log.flush.interval.messages=1`, flushed before the answer.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Server, ServerSettings } from "../contract.ts";
import { freePort, startPinned, temporaryDirectory, waitForPort } from "../base/process.ts";
import { runningPeer } from "./peer.ts";
import { findProgram, peersFolder } from "../base/programs.ts";

const startMsMax = 60_000;
/** As kafka-server-start.sh has them: left to itself, Java takes a server on one core for a small program. */
const javaArguments =
  "-Xms1g -Xmx1g -server -Djava.awt.headless=true -XX:+UseG1GC -XX:MaxGCPauseMillis=20 " +
  "-XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent";
const libraries = path.join(peersFolder, "kafka/lib");

function findJar(): string | undefined {
  if (!fs.existsSync(libraries)) return undefined;
  return fs.readdirSync(libraries).find((name) => /^kafka_2\.13-[\d.]+\.jar$/.test(name));
}

export function kafkaMissing(): string | undefined {
  if (findProgram("java") === undefined) return "no Java, which Apache Kafka needs (17 or later)";
  return findJar() === undefined ? "no Apache Kafka; npm run bench:peers fetches it" : undefined;
}

export async function startKafka(settings: ServerSettings): Promise<Server> {
  const java = findProgram("java")!;
  const [port, controllerPort] = [await freePort(), await freePort()];
  const directory = temporaryDirectory("kafka");
  const properties = {
    "process.roles": "broker,controller",
    "node.id": "0",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": `0@127.0.0.1:${controllerPort}`,
    "log.dirs": path.join(directory, "logs"),
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    ...(settings.durability === "fsync" ? { "log.flush.interval.messages": "1" } : {}),
    ...settings.peerSettings,
  };
  const file = path.join(directory, "server.properties");
  const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  fs.writeFileSync(file, text.join(""));
  const classPath = ["-cp", path.join(libraries, "*")];
  const clusterId = randomBytes(16).toString("base64url");
  const format = ["kafka.tools.StorageTool", "format", "--cluster-id", clusterId, "--config", file];
  const formatted = spawnSync(java, [...classPath, ...format], { encoding: "utf8" });
  if (formatted.status !== 0) throw new Error(`Kafka's storage cannot be formatted\n${formatted.stderr}`);
  const started = startPinned(java, [...javaArguments.split(" "), ...classPath, "kafka.Kafka", file], {
    core: 0,
    directory,
  });
  started.child.stdout!.resume();
  const readyMs = await waitForPort(port, started, startMsMax);
  return runningPeer({
    name: `kafka ${/-([\d.]+)\.jar$/.exec(findJar()!)?.[1]}`,
    ports: { kafka: port },
    pid: started.child.pid!,
    readyMs,
    directory,
    processes: [started],
  });
}
