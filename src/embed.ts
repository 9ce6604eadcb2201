/**
 * The library: `startBroker()` runs the broker inside another program, on Bun and on Node.
 *
 *     const broker = await startBroker({ dataDir: "memory", ports: { redis: 0 } });
 *     broker.ports.redis; await broker.close();
 *
 * This and main.ts are the only wiring: here every protocol is named once. Brokers in one process share nothing.
 */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { registerProcessMetrics } from "./admin/process-metrics.ts";
import type { ListenerFacts, Surroundings } from "./admin/api/surroundings.ts";
import { type Readiness, siteHandler } from "./admin/routes.ts";
import type { Timer } from "./base/clock.ts";
import type { ConnectionHost } from "./base/connection.ts";
import {
  type AnyPortName,
  type PortName,
  portNames,
  portOptionOf,
  tlsNameOf,
} from "./base/config/listeners.ts";
import type { Config } from "./base/config/options.ts";
import { embeddedConfig, type StartOptions } from "./base/config/embedding.ts";
import { BrokerError, StartError } from "./base/errors.ts";
import type { HttpHandler } from "./base/http.ts";
import { LifeLog } from "./base/life-log.ts";
import { limits } from "./base/limits.ts";
import { Logger } from "./base/logger.ts";
import { hostFacts, thisMachine } from "./base/machine.ts";
import { MetricsRegistry } from "./base/metrics.ts";
import { Opened } from "./base/opened.ts";
import { version } from "./base/version.ts";
import { Broker } from "./broker/broker.ts";
import { DelayedArrivals } from "./broker/intake/delayed-arrivals.ts";
import { ReturnedRecords } from "./broker/retry/returned-records.ts";
import { matchedBindings } from "./broker/exchange/explain/matched-bindings.ts";
import { registerBrokerMetrics } from "./broker/metrics.ts";
import { historyRulesText, parseHistoryRules } from "./broker/live/history/rules.ts";
import { Keyspace } from "./keyspace/keyspace.ts";
import { registerKeyspaceMetrics } from "./keyspace/metrics.ts";
import { settleConnectionsMax } from "./net/descriptors.ts";
import { dial } from "./net/dial.ts";
import { Entrance } from "./net/entrance.ts";
import { settleHost } from "./net/exposure.ts";
import { checkPorts } from "./net/ports.ts";
import { httpConnectionHost, httpProtocol } from "./net/http.ts";
import { Server } from "./net/listen.ts";
import { systemClock, systemRandom, systemTimers } from "./net/runtime.ts";
import type { TlsIdentity } from "./net/tls.ts";
import { wantedTls } from "./net/tls-options.ts";
import { amqpParts, queueFault } from "./protocols/amqp/index.ts";
import type { Protocol } from "./protocols/contract.ts";
import { kafkaProtocol } from "./protocols/kafka/index.ts";
import { type ClusterOptions, type RedisOptions, redisProtocol } from "./protocols/redis/index.ts";
import {
  assertOwnDirectory,
  type DirectoryLock,
  type Disk,
  localDisk,
  lockDirectory,
} from "./storage/index.ts";

export type { StartOptions };

export interface RunningBroker {
  /** Where each protocol listens; those that are off are absent. */
  readonly ports: Partial<Record<AnyPortName, number>>;
  /** The absolute path, or `memory`. */
  readonly dataDir: string;
  /** Settles when a client has asked the broker to stop, which `--redis-shutdown` allows: it is closing then. */
  readonly stopping: Promise<void>;
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

/** A protocol that is spoken over WebSocket at a path of the HTTP listener. */
export interface WebSocketRoute {
  readonly path: string;
  readonly protocol: Protocol;
}

/** What a test puts in the place of the machine's, or adds. */
export interface Parts {
  readonly disk?: Disk;
  readonly webSockets?: (broker: Broker) => readonly WebSocketRoute[];
}

/** What a start works with, settled before anything is opened. */
interface Start {
  readonly config: Config;
  /** The absolute path, or `memory`. */
  readonly directory: string;
  readonly logger: Logger;
  readonly life: LifeLog;
  readonly tls: TlsIdentity | null;
  /** The parts to close, at the end or when a later step fails. */
  readonly opened: Opened;
  readonly parts: Parts;
}

/** A listener's protocol, and who looks after its connections. */
interface Side {
  readonly connectionHost: ConnectionHost;
  readonly entrance: Entrance;
}

/** Starts a broker from settled options; what the command line uses. */
export async function startConfigured(config: Config, parts: Parts = {}): Promise<RunningBroker> {
  const start = await settle(config, parts);
  return start.opened.during(async () => {
    try {
      return await open(start);
    } catch (error) {
      throw startErrorOf(error, start.directory);
    }
  });
}

/** Looks at the options together, and takes the directory. @throws StartError */
async function settle(given: Config, parts: Parts): Promise<Start> {
  checkPorts(given);
  const config = { ...given, host: await settleHost(given) };
  const { logLevel: level } = config;
  const logger = new Logger({ level, clock: systemClock, sink: (line) => process.stderr.write(line) });
  const tlsFiles = wantedTls(config);
  // Loaded for who listens with TLS only.
  const tls =
    tlsFiles === null ? null : new (await import("./net/tls.ts")).TlsIdentity(tlsFiles, logger, systemClock);
  const isKept = config.dataDir !== "memory";
  const directory = isKept ? resolve(config.dataDir) : "memory";
  const opened = new Opened();
  if (isKept) assertOwnDirectory(directory);
  const lock = isKept ? lockDirectory(directory) : null;
  if (lock !== null) opened.add(() => lock.release());
  const life = new LifeLog(logger, systemClock);
  const { bun, node } = process.versions;
  const runtime = bun === undefined ? `node ${node}` : `bun ${bun}`;
  life.begin("TroikaMQ starts", { version, runtime, pid: process.pid, dataDir: directory });
  if (lock !== null) opened.add(watchLock(lock, logger));
  return { config, directory, logger, life, tls, opened, parts };
}

function startErrorOf(error: unknown, directory: string): unknown {
  if (!(error instanceof BrokerError)) return error;
  if (error.code === "CORRUPT") {
    return new StartError(1, `${error.message}; see: troikamq check --data-dir ${directory}`);
  }
  return error.code === "UNAVAILABLE" ? new StartError(1, `${directory}: ${error.message}`) : error;
}

/**
 * Another broker may write the directory from the moment its lock is lost, so nothing more may be written or told by this
 * one, not even what a stop would write: the process ends, and what it has answered is in the files.
 */
function watchLock(lock: DirectoryLock, logger: Logger): () => void {
  const look = (): Timer =>
    systemTimers.after(limits.diskLookMs, () => {
      const loss = lock.lossOf();
      if (loss !== null) {
        logger.error(
          "the lock of the data directory is lost, so another broker may write there; stopping at once: make sure that only one broker uses the directory, do not touch LOCK.db, and start again",
          { loss },
        );
        process.exit(1);
      }
      next = look();
    });
  let next = look();
  return () => next.cancel();
}

async function open(start: Start): Promise<RunningBroker> {
  const { directory, life, tls, opened } = start;
  let closing: Promise<void> | undefined;
  /** Not of what a failed start closes again. */
  const ended = (message: string) => (): void => {
    if (closing !== undefined) life.stage(message);
  };
  const keyspace = new Keyspace(systemRandom.below(2 ** 32));
  // Before the journal is read: what its keys have of uses goes by the policy.
  keyspace.eviction.policy = start.config.redisMaxmemoryPolicy;
  opened.add(ended("the journal is written and synced"));
  const broker = await openBroker(start, keyspace);
  broker.tracer.bindings = matchedBindings;
  await exportTraces(start, broker);
  keyspace.start(broker);
  opened.add(() => keyspace.stop());
  await importDefinitions(start, broker);
  tellData(life, broker, keyspace);
  opened.add(ended("connections are closed"));
  const registry = new MetricsRegistry();
  const stopping = Promise.withResolvers<void>();
  const stop = (): void => {
    stopping.resolve();
    void running.close();
  };
  const listeners: ListenerFacts[] = [];
  const made = makeServers(start, { broker, keyspace, registry, listeners }, stop);
  for (const { server } of made.webSockets) opened.add(() => server.drain());
  const ports = await listenAll(start, made.byPort, listeners);
  const servers = [
    ...Object.values(made.byPort).filter(({ isListening }) => isListening),
    ...made.webSockets.map(({ server }) => server),
  ];
  for (const server of servers) broker.connections.add(server);
  registerProcessMetrics(registry);
  registerBrokerMetrics(registry, broker, servers);
  registry.append(async () => {
    const { metricsText } = await import("./admin/metrics/pages.ts");
    return metricsText({ broker, surroundings: made.around }, "aggregated");
  });
  registerKeyspaceMetrics(registry, keyspace, made.byPort.redis);
  life.stage("ready");
  const running: RunningBroker = {
    ports,
    dataDir: directory,
    stopping: stopping.promise,
    close: () => (closing ??= close(start, broker, servers)),
    ...(tls === null ? {} : { reloadTls: () => tls.reload() }),
  };
  return running;
}

async function openBroker(start: Start, keyspace: Keyspace): Promise<Broker> {
  const { config, directory, logger, opened, parts } = start;
  const broker = await Broker.open({
    disk: config.dataDir === "memory" ? null : (parts.disk ?? localDisk),
    directory,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger,
    journalBytesMax: config.journalBytesMax,
    memoryBytesMax: config.memoryBytesMax,
    diskFreeBytesMin: config.diskFreeBytesMin,
    traceBytes: config.traceBytes,
    sources: [keyspace],
    security: { password: config.password, name: config.user, isInsecure: config.insecure },
    certificateLogin: config.amqpCertificateLogin,
    redisStreamsDurability: config.durabilityRedisStreams,
    kafkaDurability: config.durabilityKafka,
    onFatal: (error) => {
      if (error instanceof BrokerError && error.code === "TAKEN_OVER") logger.error(error.message);
      else
        logger.error(
          "the disk failed to sync; stopping, because data that is acknowledged from now on might be lost",
          {
            error,
          },
        );
      process.exit(1);
    },
  });
  broker.delays = new DelayedArrivals(broker);
  broker.returned = new ReturnedRecords(broker);
  opened.add(() => broker.close());
  return broker;
}

/** Loaded for who has a collector only. */
async function exportTraces({ config, logger }: Start, broker: Broker): Promise<void> {
  const endpoint = config.otlpEndpoint;
  if (endpoint === undefined) return;
  const { OtlpExport } = await import("./admin/otlp/exporter.ts");
  const options = {
    endpoint,
    nodeName: `troikamq@${hostname()}`,
    timers: systemTimers,
    random: systemRandom,
  };
  const otlp = new OtlpExport({ ...options, logger });
  broker.tracer.exporter = otlp;
}

/** Before anybody can connect. @throws StartError */
async function importDefinitions({ config, logger }: Start, broker: Broker): Promise<void> {
  const file = config.definitions;
  if (file === undefined) return;
  const { importFile } = await import("./admin/definitions/import-file.ts");
  await importFile(broker, file, queueFault);
  logger.info("definitions are imported", { file });
}

function tellData(life: LifeLog, broker: Broker, keyspace: Keyspace): void {
  life.stage("the data is open", {
    queues: sum(broker.vhosts.values(), ({ queues }) => queues.size),
    keys: sum(keyspace.databases, ({ size }) => size),
    users: broker.access.users.size,
    journalBytes: broker.storage.journal?.bytes,
    tornBytes: broker.storage.tornBytes,
  });
}

/** The parts that the protocols serve. */
interface Inside {
  readonly broker: Broker;
  readonly keyspace: Keyspace;
  readonly registry: MetricsRegistry;
  /** Filled as they are opened. */
  readonly listeners: ListenerFacts[];
}

/** A server for each protocol, none of which listens yet. */
interface Servers {
  readonly around: Surroundings;
  readonly byPort: Readonly<Record<PortName, Server>>;
  /** Without ports of their own: their connections come as HTTP's. */
  readonly webSockets: readonly { readonly path: string; readonly server: Server }[];
}

/** Here every protocol is named once. */
function makeServers(start: Start, inside: Inside, stop: () => void): Servers {
  const { config, parts } = start;
  const { broker, keyspace } = inside;
  const connectionsMax = settleConnectionsMax(config.connectionsMax);
  const clients: Side = {
    connectionHost: broker.ticker,
    entrance: entranceOf(config, broker, connectionsMax, "--connections-max"),
  };
  const operators: Side = {
    connectionHost: httpConnectionHost(systemTimers, broker.inFlight),
    entrance: entranceOf(config, broker, limits.httpConnectionsMax, "the bound on those of HTTP"),
  };
  const serve = (protocol: Protocol, side: Side): Server =>
    new Server({ protocol, host: config.host, clock: systemClock, ...side });
  const advertised = {
    host: config.advertisedHost,
    port: config.advertisedPort,
    tlsPort: config.advertisedTlsPort,
  };
  const routes = parts.webSockets?.(broker) ?? [];
  const webSockets = routes.map(({ path, protocol }) => ({ path, server: serve(protocol, clients) }));
  const doors = new Map(webSockets.map(({ server }) => [server.protocol.name, server]));
  const amqp = amqpParts(broker);
  const startedAt = systemClock.monotonic();
  const around: Surroundings = {
    amqp: amqp.direct,
    queueFault,
    listeners: () => inside.listeners,
    nodeName: `troikamq@${hostname()}`,
    dataDir: start.directory,
    connectionsMax,
    memoryBytesMax: config.memoryBytesMax,
    uptimeMs: () => systemClock.monotonic() - startedAt,
    certificateEndsAt: () => start.tls?.endsAt ?? null,
  };
  const byPort = {
    redis: serve(
      understood(() => redisProtocol(broker, keyspace, redisOptionsOf(start, connectionsMax, stop))),
      clients,
    ),
    amqp: serve(amqp.protocol, clients),
    kafka: serve(kafkaProtocol(broker, advertised), clients),
    http: serve(httpProtocol(siteOf(inside, routes, around), systemTimers, doors), operators),
  };
  return { byPort, webSockets, around };
}

/** Null: clients are told that this is no cluster. */
function redisClusterOf(config: Config): ClusterOptions | null {
  if (!config.redisClusterEnabled) return null;
  return {
    host: config.redisClusterAnnounceHost,
    port: config.redisClusterAnnouncePort,
    tlsPort: config.redisClusterAnnounceTlsPort,
  };
}

/** Options whose text only their protocol understands. @throws StartError where it is wrong */
function understood<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (error instanceof BrokerError && error.code === "INVALID") throw new StartError(2, error.message);
    throw error;
  }
}

/** @throws BrokerError INVALID where the rules are none */
function historyRulesOf({ redisPubsubHistory = "" }: Config): string {
  const rules = parseHistoryRules(redisPubsubHistory);
  if (!("problem" in rules)) return historyRulesText(rules);
  throw new BrokerError("INVALID", `--redis-pubsub-history '${redisPubsubHistory}': ${rules.problem}`);
}

function redisOptionsOf(
  { config, directory }: Start,
  connectionsMax: number,
  stop: () => void,
): RedisOptions {
  const settings = {
    appendfsync: config.redisAppendfsync,
    "enable-debug-command": config.redisDebugCommand,
    appendonly: directory === "memory" ? "no" : "yes",
    dir: directory,
    maxmemory: String(config.redisMaxmemory),
    "maxmemory-policy": config.redisMaxmemoryPolicy,
    "maxmemory-samples": String(config.redisMaxmemorySamples),
    "maxmemory-eviction-tenacity": String(config.redisMaxmemoryEvictionTenacity),
    "maxmemory-clients": config.redisMaxmemoryClients,
    "lfu-log-factor": String(config.redisLfuLogFactor),
    "lfu-decay-time": String(config.redisLfuDecayTime),
    "troika-pubsub-history": historyRulesOf(config),
  };
  const cluster = redisClusterOf(config);
  return {
    connectionsMax,
    cluster,
    settings,
    settingsText: config.redisSettings,
    host: hostFacts,
    dial,
    ...(config.redisShutdown ? { stop } : {}),
  };
}

function entranceOf(config: Config, { logger }: Broker, max: number, maxName: string): Entrance {
  const perAddressMax = config.connectionsPerAddressMax;
  return new Entrance({ max, maxName, perAddressMax, logger, timers: systemTimers });
}

function siteOf(
  { broker, registry }: Inside,
  routes: readonly WebSocketRoute[],
  surroundings: Surroundings,
): HttpHandler {
  const readiness = (): Readiness => {
    const { failure, writeFailure } = broker.storage.gate;
    return {
      ready: failure === null,
      checks: {
        journal: writeFailure?.message ?? "ok",
        disk: writeFailure === null ? (failure?.message ?? "ok") : "see journal",
      },
    };
  };
  const webSockets = new Map(routes.map(({ path, protocol }) => [path, protocol.name]));
  return siteHandler({ registry, readiness, logger: broker.logger, broker, webSockets, surroundings });
}

/** Opens the ports that are wanted: of each protocol the plain one, then the one with TLS. */
async function listenAll(
  { config, life, tls, opened }: Start,
  servers: Readonly<Record<PortName, Server>>,
  listeners: ListenerFacts[],
): Promise<RunningBroker["ports"]> {
  const ports: Partial<Record<AnyPortName, number>> = {};
  for (const name of portNames) {
    const server = servers[name];
    opened.add(() => server.drain());
    for (const [portName, identity] of [
      [name, null],
      [tlsNameOf(name), tls],
    ] as const) {
      const wanted = config[portOptionOf(portName)];
      if (wanted === "off") continue;
      const port = (ports[portName] = await server.listen(wanted, identity));
      listeners.push({
        protocol: name,
        host: config.host,
        port,
        isTls: identity !== null,
        accepted: () => server.accepted,
        open: () => server.connections.size,
      });
      life.tell("listening", { protocol: name, host: config.host, port, tls: identity !== null });
    }
  }
  return ports;
}

async function close({ life, opened }: Start, broker: Broker, servers: readonly Server[]): Promise<void> {
  const connections = sum(servers, (server) => server.connections.size);
  // While the listeners keep the process: what waits for the collector is sent, within a bound.
  await broker.tracer.exporter?.close();
  life.begin("shutdown requested: no new connections", { connections });
  for (const server of servers) server.stopListening();
  if (await broker.sync()) life.stage("what was answered is on the disk");
  // A full disk: what cannot be closed does not keep the rest open, the lock above all.
  await opened.close();
  life.stage("stopped");
}

function sum<T>(items: Iterable<T>, valueOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += valueOf(item);
  return total;
}
