/**
 * The library: `startBroker()` runs the broker inside another program, on Bun and on Node.
 *
 *     const broker = await startBroker({ dataDir: "memory", ports: { redis: 0 } });
 *     broker.ports.redis; await broker.close();
 *
 * This and main.ts are the only wiring: here every protocol is named once. Brokers in one process share nothing.
 */
import path from "node:path";
import { registerProcessMetrics } from "./admin/process-metrics.ts";
import { siteHandler } from "./admin/routes.ts";
import type { Config, PortSetting } from "./base/config/options.ts";
import { type AnyPortName, embeddedConfig, type StartOptions } from "./base/config/embedding.ts";
import { BrokerError, StartError } from "./base/errors.ts";
import { LifeLog } from "./base/life-log.ts";
import { limits } from "./base/limits.ts";
import { Logger } from "./base/logger.ts";
import { thisMachine } from "./base/machine.ts";
import { MetricsRegistry } from "./base/metrics.ts";
import { version } from "./base/version.ts";
import { Broker } from "./broker/broker.ts";
import { registerBrokerMetrics } from "./broker/metrics.ts";
import { Keyspace } from "./keyspace/keyspace.ts";
import { settleConnectionsMax } from "./net/descriptors.ts";
import { Entrance } from "./net/entrance.ts";
import { settleHost } from "./net/exposure.ts";
import { checkPorts } from "./net/ports.ts";
import { httpConnectionHost, httpProtocol } from "./net/http.ts";
import { Server } from "./net/listen.ts";
import { systemClock, systemRandom, systemTimers } from "./net/runtime.ts";
import type { TlsIdentity } from "./net/tls.ts";
import { wantedTls } from "./net/tls-options.ts";
import { amqpProtocol } from "./protocols/amqp/index.ts";
import type { Protocol } from "./protocols/contract.ts";
import { kafkaProtocol } from "./protocols/kafka/index.ts";
import { redisProtocol } from "./protocols/redis/index.ts";
import { assertOwnDirectory, localDisk, lockDirectory } from "./storage/index.ts";

export type { StartOptions };

export interface RunningBroker {
  /** Where each protocol listens; those that are off are absent. */
  readonly ports: Partial<Record<AnyPortName, number>>;
  /** The absolute path, or `memory`. */
  readonly dataDir: string;
  /** Stops listening, ends the connections, writes and syncs everything. */
  close(): Promise<void>;
  /**
   * Reads certificate and key again, for new connections; open ones stay. False when the files were no good: the log
   * says why, and the old ones stay in use. Absent without TLS.
   */
  readonly reloadTls?: () => boolean;
}

/** Starts a broker. Rejects with a StartError, of one line, when an option is wrong or a port or the directory is taken. */
export async function startBroker(options: StartOptions = {}): Promise<RunningBroker> {
  return startConfigured(embeddedConfig(options, thisMachine()));
}

/** Starts a broker from settled options; what the command line uses. */
export async function startConfigured(config: Config): Promise<RunningBroker> {
  checkPorts(config);
  const host = await settleHost(config);
  const logger = new Logger({
    level: config.logLevel,
    clock: systemClock,
    sink: (line) => process.stderr.write(line),
  });
  const tlsFiles = wantedTls(config);
  // Loaded for who listens with TLS only.
  const tls =
    tlsFiles === null ? null : new (await import("./net/tls.ts")).TlsIdentity(tlsFiles, logger, systemClock);
  const isKept = config.dataDir !== "memory";
  const directory = isKept ? path.resolve(config.dataDir) : "memory";
  if (isKept) assertOwnDirectory(directory);
  const unlock = isKept ? lockDirectory(directory) : () => {};
  const opened: { close(): Promise<void> | void }[] = [{ close: unlock }];
  const life = new LifeLog(logger, systemClock);
  const { bun, node } = process.versions;
  const runtime = bun === undefined ? `node ${node}` : `bun ${bun}`;
  life.begin("TroikaMQ starts", { version, runtime, pid: process.pid, dataDir: directory });
  try {
    return await open({ ...config, host }, directory, { logger, tls, life }, opened);
  } catch (error) {
    for (const part of opened.toReversed()) await part.close();
    if (error instanceof BrokerError && error.code === "CORRUPT") {
      throw new StartError(1, `${error.message}; see: troikamq check --data-dir ${directory}`);
    }
    if (error instanceof BrokerError && error.code === "UNAVAILABLE") {
      throw new StartError(1, `${directory}: ${error.message}`);
    }
    throw error;
  }
}

async function open(
  config: Config,
  directory: string,
  { logger, tls, life }: { logger: Logger; tls: TlsIdentity | null; life: LifeLog },
  opened: { close(): Promise<void> | void }[],
): Promise<RunningBroker> {
  let closing: Promise<void> | undefined;
  /** Not of what a failed start closes again. */
  const ended = (message: string): void => {
    if (closing !== undefined) life.stage(message);
  };
  const keyspace = new Keyspace(systemRandom.below(2 ** 32));
  const broker = await Broker.open({
    disk: config.dataDir === "memory" ? null : localDisk,
    directory,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger,
    journalBytesMax: config.journalBytesMax,
    memoryBytesMax: config.memoryBytesMax,
    diskFreeBytesMin: config.diskFreeBytesMin,
    sources: [keyspace],
    security: { password: config.password, name: config.user, isInsecure: config.insecure },
    redisStreamsDurability: config.durabilityRedisStreams,
    kafkaDurability: config.durabilityKafka,
    onFatal: (error) => {
      if (error instanceof BrokerError && error.code === "TAKEN_OVER") logger.error(error.message);
      else
        logger.error("the disk failed to sync; stopping, so that nothing is promised that may be lost", {
          error,
        });
      process.exit(1);
    },
  });
  opened.push({ close: () => broker.close().then(() => ended("the journal is written and synced")) });
  keyspace.start(broker);
  life.stage("the data is open", {
    queues: sum(broker.vhosts.values(), ({ queues }) => queues.size),
    keys: sum(keyspace.databases, ({ size }) => size),
    users: broker.access.users.size,
    journalBytes: broker.storage.journal?.bytes,
    tornBytes: broker.storage.tornBytes,
  });
  opened.push({ close: () => keyspace.stop() });
  opened.push({ close: () => ended("connections are closed") });
  const advertised = {
    host: config.advertisedHost,
    port: config.advertisedPort,
    tlsPort: config.advertisedTlsPort,
  };
  const connectionsMax = settleConnectionsMax(config.connectionsMax);
  const entrance = (max: number, maxName: string): Entrance =>
    new Entrance({
      max,
      maxName,
      perAddressMax: config.connectionsPerAddressMax,
      logger,
      timers: systemTimers,
    });
  const clients = {
    connectionHost: broker.ticker,
    entrance: entrance(connectionsMax, "--connections-max"),
  };
  const operators = {
    connectionHost: httpConnectionHost(systemTimers, broker.inFlight),
    entrance: entrance(limits.httpConnectionsMax, "the bound on those of HTTP"),
  };
  const registry = new MetricsRegistry();
  const readiness = () => {
    const { failure, writeFailure } = broker.storage.gate;
    return {
      ready: failure === null,
      checks: {
        journal: writeFailure?.message ?? "ok",
        disk: writeFailure === null ? (failure?.message ?? "ok") : "see journal",
      },
    };
  };
  const site = siteHandler({ registry, readiness, logger, broker });
  const wanted: [typeof clients | typeof operators, Protocol, port: PortSetting, tlsPort: PortSetting][] = [
    [clients, redisProtocol(broker, keyspace, connectionsMax), config.redisPort, config.redisTlsPort],
    [clients, amqpProtocol(broker), config.amqpPort, config.amqpTlsPort],
    [clients, kafkaProtocol(broker, advertised), config.kafkaPort, config.kafkaTlsPort],
    [operators, httpProtocol(site, systemTimers), config.httpPort, config.httpTlsPort],
  ];
  const servers: Server[] = [];
  const ports: Partial<Record<AnyPortName, number>> = {};
  for (const [side, protocol, port, tlsPort] of wanted) {
    if (port === "off" && tlsPort === "off") continue;
    const server = new Server({ protocol, host: config.host, clock: systemClock, ...side });
    servers.push(server);
    opened.push({ close: () => server.drain() });
    const listen = async (name: AnyPortName, wantedPort: number, identity: TlsIdentity | null) => {
      const taken = (ports[name] = await server.listen(wantedPort, identity));
      const isTls = identity !== null;
      life.tell("listening", { protocol: protocol.name, host: config.host, port: taken, tls: isTls });
    };
    if (port !== "off") await listen(protocol.name, port, null);
    if (tlsPort !== "off") await listen(`${protocol.name}Tls`, tlsPort, tls);
  }
  registerProcessMetrics(registry);
  registerBrokerMetrics(registry, broker, servers);
  life.stage("ready");
  const close = async (): Promise<void> => {
    const connections = sum(servers, (server) => server.connections.size);
    life.begin("shutdown requested: no new connections", { connections });
    for (const server of servers) server.stopListening();
    await broker.sync();
    life.stage("what was answered is on the disk");
    let failure: unknown;
    for (const part of opened.toReversed()) {
      try {
        await part.close();
      } catch (error) {
        // A full disk: the rest is closed all the same, the lock above all.
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    life.stage("stopped");
  };
  return {
    ports,
    dataDir: directory,
    close: () => (closing ??= close()),
    ...(tls === null ? {} : { reloadTls: () => tls.reload() }),
  };
}

function sum<T>(items: Iterable<T>, valueOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += valueOf(item);
  return total;
}
