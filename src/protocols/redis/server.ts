/**
 * What all Redis connections of one broker share: who is connected, databases, watched keys, settings, counters.
 *
 * Not here: sockets and commands. A stream of database 0 is the queue or stream of that name in the default virtual
 * host; the other databases are virtual hosts of their own, which no client of another protocol can name.
 */
import type { Broker } from "../../broker/broker.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { EntryId } from "../../message/entry-id.ts";
import { databaseCount, type Keyspace } from "../../keyspace/keyspace.ts";
import { encodingEntriesMost, encodingValueBytesMost } from "../../keyspace/bounds.ts";
import { SparseLog } from "../../base/sparse-log.ts";
import { CompiledRules } from "./acl/command-rules.ts";
import { AclLog } from "./acl/log.ts";
import { BlockedClients } from "./blocking/blocked-clients.ts";
import { KeyChanges } from "./blocking/key-changes.ts";
import { KeyNotices } from "./notifications/key-notices.ts";
import { parseClasses } from "./core/event-classes.ts";
import { keyEvents } from "./notifications/key-events.ts";
import type { KeyWatch, WaitingKey } from "./blocking/waiting-key.ts";
import type { ClusterNode } from "./cluster/cluster-node.ts";
import { ClientEviction } from "./connection/client-eviction.ts";
import { ClientPause } from "./connection/client-pause.ts";
import { IdleClients } from "./connection/idle-clients.ts";
import type { ClientConnection } from "./core/client-connection.ts";
import { KeyClaims } from "./core/claims/claims.ts";
import type { CommandSpec } from "./core/command-spec.ts";
import type { CommandTable } from "./core/command-table.ts";
import { RedisError } from "./core/errors.ts";
import { databaseVhostName } from "./core/names.ts";
import type { Exchange } from "../../broker/exchange/exchange.ts";
import { LiveChannels, liveExchangeName } from "../../broker/live/channels.ts";
import { LiveHistories } from "../../broker/live/history/live-histories.ts";
import { parseHistoryRules } from "../../broker/live/history/rules.ts";
import type { Dial } from "../../base/connection.ts";
import { resumeGroups } from "../../broker/groups/resume.ts";
import { companionPrefixes } from "../../broker/names.ts";
import { Timetable } from "../../broker/schedule/timetable.ts";
import { CommandWatch } from "./observe/command-watch.ts";
import { LiveMessages } from "./pubsub/live-messages.ts";
import { memorySettingsAct } from "./memory/memory-settings.ts";
import { ServerSettings } from "./core/settings.ts";
import { hiddenValue } from "./core/parameters/special-values.ts";
import { Saves } from "./server/persistence.ts";
import { Traffic } from "./server/traffic.ts";
import { StreamCounts } from "./keys/visible-streams.ts";
import { scheduledDelivery } from "./troika/scheduled-delivery.ts";
import { StreamWatch } from "./stream/stream-watch.ts";
import { Tracking } from "./tracking/tracking.ts";
import { WatchTable } from "./transaction/watches.ts";

const errorCodesMax = 128;

/** What INFO tells of the process. */
export interface HostFacts {
  /** As `uname` has it: system, release, machine. */
  readonly system: string;
  readonly pid: number;
  readonly executable: string;
  /** Processor time of the process. */
  cpuSeconds(): { readonly user: number; readonly system: number };
}

const unknownHost: HostFacts = {
  system: "unknown",
  pid: 0,
  executable: "",
  cpuSeconds: () => ({ user: 0, system: 0 }),
};

/** What is changed by CONFIG SET, beside the numbers that `ServerSettings` holds itself. */
function settingsAct(server: RedisServer): void {
  const { settings, observer, broker } = server;
  const { slowlog, latency } = observer;
  settings.onSet("appendfsync", (value) => {
    server.syncsAlways = value === "always" && broker.options.disk !== null;
    broker.ticker.syncsLazily = value !== "no";
  });
  const { clock, timers, work } = broker;
  const idle = new IdleClients({ clock, timers, work, sessions: server.sessions });
  settings.onSet("timeout", (value) => (idle.seconds = Number(value)));
  settings.onSet("slowlog-log-slower-than", (value) => {
    slowlog.slowerThan = Number(value);
    observer.settle();
  });
  settings.onSet("slowlog-max-len", (value) => (slowlog.lengthMax = Number(value)));
  settings.onSet("latency-monitor-threshold", (value) => {
    latency.threshold = Number(value);
    observer.settle();
  });
  settings.onSet("acllog-max-len", (value) => (server.aclLog.entriesMax = Number(value)));
  const { encodings } = server.keyspace;
  const entries = (value: string): number => Math.min(Number(value), encodingEntriesMost);
  const valueBytes = (value: string): number => Math.min(Number(value), encodingValueBytesMost);
  settings.onSet("hash-max-listpack-entries", (value) => (encodings.hashEntriesMax = entries(value)));
  settings.onSet("hash-max-listpack-value", (value) => (encodings.hashValueBytesMax = valueBytes(value)));
  settings.onSet("set-max-intset-entries", (value) => (encodings.intsetEntriesMax = entries(value)));
  settings.onSet("zset-max-listpack-entries", (value) => (encodings.sortedSetEntriesMax = entries(value)));
  settings.onSet(
    "zset-max-listpack-value",
    (value) => (encodings.sortedSetValueBytesMax = valueBytes(value)),
  );
  settings.onSet("latency-tracking", (value) => (observer.tracksLatency = value === "yes"));
}

/** Channels that keep a history. Beside the messages of a rule, those who listen to it by a name are remembered. */
function historiesAct(server: RedisServer): void {
  const { settings, broker, live } = server;
  let histories: LiveHistories | null = null;
  settings.onSet("troika-pubsub-history", (text) => {
    const rules = parseHistoryRules(text);
    if ("problem" in rules) return;
    if (histories === null) histories = LiveHistories.restore(broker, rules);
    else histories.configure(rules);
    live.keeper = server.histories = rules.length > 0 ? histories : null;
  });
}

/** What other clients are told of a script that takes long. */
export interface BusyScript {
  readonly options: { readonly kind: "script" | "function" };
}

export class RedisServer {
  readonly broker: Broker;
  readonly commands: CommandTable;
  /** What CLIENT LIST shows of a connection that has not sent a command. */
  readonly firstSpec: CommandSpec;
  readonly commandRules: CompiledRules;
  readonly sessions = new Map<number, ClientConnection>();
  readonly settings = new ServerSettings();
  readonly clientEviction: ClientEviction;
  readonly aclLog: AclLog;
  readonly streamCounts = new StreamCounts();
  readonly watches: WatchTable;
  readonly tracking: Tracking;
  readonly blocking: BlockedClients;
  /** The keys of commands that go on over several turns. */
  readonly claims: KeyClaims;
  /** A script that takes long: other clients are told BUSY. */
  busyScript: BusyScript | null = null;
  /** Null: this is no node of a cluster. */
  cluster: ClusterNode | null = null;
  /** All keys that are not streams. */
  readonly keyspace: Keyspace;
  readonly live: LiveChannels;
  readonly liveMessages: LiveMessages;
  /** Shard channels are this protocol's alone: no exchange stands behind them. */
  readonly shardLive: LiveChannels;
  readonly shardMessages: LiveMessages;
  readonly liveExchange: Exchange;
  /** The histories of channels; null: none keeps one. */
  histories: LiveHistories | null = null;
  /** Entries that enter a stream later. */
  readonly timetable: Timetable;
  /** Keyspace notifications. */
  readonly notices: KeyNotices;
  readonly startedAt: number;
  /** Since the start: numbers the commands. */
  commandsProcessed = 0;
  /** Of these, what CONFIG RESETSTAT has taken off the statistics. */
  commandsBeforeReset = 0;
  /** How often commands that read found their keys. */
  readonly lookups = { hits: 0, misses: 0 };
  /** What is known of the commands that have run. */
  readonly observer: CommandWatch;
  readonly saves: Saves;
  readonly traffic: Traffic;
  /** Names this run of the server: 40 hexadecimal digits. */
  runId = "";
  /** The process, for INFO. */
  host: HostFacts = unknownHost;
  /** How MIGRATE reaches other servers; null: it reaches none. */
  dial: Dial | null = null;
  /** MIGRATE commands that are under way. */
  migrations = 0;
  /** Stops the broker; null where a Redis client may not do that. */
  stop: (() => void) | null = null;
  /** `appendfsync always`: replies wait until what was changed before them is on stable storage. */
  syncsAlways = false;
  /** CLIENT PAUSE. */
  readonly pause: ClientPause;
  /** The stream that was looked up last, and where. Never one that is to expire: see `lastStream` in stream/find.ts. */
  lastStream: Queue | undefined = undefined;
  lastStreamDatabase = 0;
  /** Logs connections that sent HTTP requests. */
  readonly crossProtocolLog: SparseLog;
  /** Error replies by their code word. */
  readonly errorCounts = new Map<string, number>();
  errorReplies = 0;
  /** Chunks of input. */
  readsProcessed = 0;
  connectionsAccepted = 0;
  connectionsRejected = 0;
  #lastSessionId = 0;
  readonly #publishId = new EntryId();
  readonly #vhosts: (Vhost | undefined)[] = [];

  constructor(broker: Broker, keyspace: Keyspace, commands: CommandTable) {
    this.broker = broker;
    this.commands = commands;
    this.firstSpec = commands.findByName("ping")!;
    this.commandRules = new CompiledRules(commands);
    this.keyspace = keyspace;
    this.clientEviction = new ClientEviction(this);
    this.observer = new CommandWatch(broker.clock, commands.all.length, this.settings);
    this.pause = new ClientPause(broker);
    this.saves = new Saves(broker);
    this.traffic = new Traffic(this, broker.clock);
    this.renew();
    settingsAct(this);
    memorySettingsAct(this.settings, keyspace, this.clientEviction);
    this.aclLog = new AclLog(broker.clock);
    this.crossProtocolLog = new SparseLog(broker.timers, (fields) =>
      broker.logger.warn(
        "a connection to the Redis port sent an HTTP request (POST or Host:) and was closed: a web page may be attacking",
        fields,
      ),
    );
    if (broker.access.isRequired) this.settings.values.set("requirepass", hiddenValue);
    // From here on a name that another protocol wants is checked against the keys of database 0.
    const vhost = this.vhostOf(0);
    // Streams of other databases may expire before anybody uses these.
    for (let number = 1; number < databaseCount; number++)
      if (broker.vhost(databaseVhostName(number)) !== undefined) this.vhostOf(number);
    this.live = vhost.live;
    this.liveMessages = new LiveMessages(this.live, "message");
    this.shardLive = new LiveChannels(vhost.broker.work);
    this.shardMessages = new LiveMessages(this.shardLive, "smessage");
    this.liveExchange = vhost.exchange(liveExchangeName);
    this.startedAt = broker.clock.now();
    this.watches = new WatchTable({
      findStream: (database, key) => this.findStream(database, key),
      hasValue: (database, key) => keyspace.typeOf(database, key) !== undefined,
    });
    this.blocking = new BlockedClients({
      timers: broker.timers,
      work: broker.work,
      moment: keyspace.moment,
      watch: (waiting) => (waiting.type === "stream" ? this.#watchStream(waiting) : null),
    });
    this.claims = new KeyClaims(broker.timers, broker.work);
    keyspace.held = this.claims;
    keyspace.isHalted = () => this.busyScript !== null || this.pause.isActive;
    this.notices = new KeyNotices(this.live);
    this.settings.onSet("notify-keyspace-events", (text) => this.notices.configure(parseClasses(text)));
    this.settings.onSet("tracking-table-max-keys", () => this.tracking.boundChanged());
    historiesAct(this);
    const enter = scheduledDelivery(this);
    broker.enterStream = enter;
    this.timetable = new Timetable(broker, { vhostPrefix: companionPrefixes.scheduled, enter });
    this.timetable.begin();
    keyspace.listener = this.notices;
    this.tracking = new Tracking(this, keyspace.seed);
    keyspace.watcher = new KeyChanges(this.watches, this.blocking, this.tracking);
    // Dead letters may enter streams at once, which those above are told of.
    resumeGroups(broker);
  }

  /** Takes another name for this run. */
  renew(): void {
    this.runId = Buffer.from(this.broker.random.bytes(20)).toString("hex");
  }

  /** Whether there is a key of any kind. */
  hasKey(database: number, key: string): boolean {
    return (
      this.keyspace.typeOf(database, key) !== undefined || this.vhostOf(database).findQueue(key) !== undefined
    );
  }

  /** Strings and streams of a database. */
  keyCount(database: number): number {
    return this.keyspace.databases[database]!.size + this.streamCounts.all(this.vhostOf(database));
  }

  /** Strings and streams of a database that are to expire. */
  expiringCount(database: number): number {
    const { table } = this.keyspace.databases[database]!;
    return table.volatileCount + this.vhostOf(database).timedDeletions.count;
  }

  /** Keys of all databases that were removed because their time had come. */
  get expiredKeys(): number {
    let total = this.keyspace.expired;
    for (const vhost of this.#vhosts) total += vhost?.timedDeletions.deleted ?? 0;
    return total;
  }

  /** Counts an error reply by its first word, for INFO errorstats. */
  countError(text: string): void {
    this.errorReplies++;
    const blank = text.indexOf(" ");
    const code = blank < 0 ? text : text.slice(0, blank);
    if (!this.errorCounts.has(code) && this.errorCounts.size >= errorCodesMax) return;
    this.errorCounts.set(code, (this.errorCounts.get(code) ?? 0) + 1);
  }

  takeSessionId(): number {
    this.connectionsAccepted++;
    return ++this.#lastSessionId;
  }

  /** An id for what was published through an exchange: unique in this process and growing, like an entry's. */
  takePublishId(): EntryId {
    const id = this.#publishId;
    const now = this.broker.clock.now();
    return now > id.ms ? id.set(now, 0) : id.add(1);
  }

  /** A command has changed the stream under that key: who watches or tracks it is told. Of values the keyspace tells. */
  streamChanged(database: number, key: string): void {
    this.watches.keyChanged(database, key);
    if (this.tracking.clientCount > 0) this.tracking.keyChanged(key);
  }

  /** Nobody is to be told by `streamChanged`. */
  get hearsNoStreams(): boolean {
    return this.watches.isEmpty && this.tracking.clientCount === 0;
  }

  /** Where the streams of a database are. */
  vhostOf(database: number): Vhost {
    let vhost = this.#vhosts[database];
    if (vhost === undefined) {
      vhost = this.broker.createVhost(databaseVhostName(database));
      vhost.values = { holds: (name) => this.keyspace.hasName(database, name) };
      vhost.timedDeletions.expiring = ({ name }) => {
        this.notices.tellNamed(keyEvents.expired, database, name);
        if (this.tracking.clientCount > 0) this.tracking.keyChanged(name);
      };
      vhost.timedDeletions.keeper = this.keyspace;
      this.#vhosts[database] = vhost;
    }
    return vhost;
  }

  /** Streams are no values: their logs tell of changes. */
  #watchStream(waiting: WaitingKey): KeyWatch {
    return new StreamWatch(this.vhostOf(waiting.database), waiting, this.blocking);
  }

  /** The stream (or queue) of that key. Throws where it belongs to one AMQP connection alone. */
  findStream(database: number, key: string): Queue | undefined {
    const vhost = this.vhostOf(database);
    const queue = vhost.findQueue(key);
    if (queue !== undefined && queue.exclusiveOwner !== 0)
      throw new RedisError(`ERR queue '${key}' is exclusive to an AMQP connection`);
    if (this.broker.ticker.isStuck) {
      this.broker.lookedAtName(vhost.name, key);
      if (queue !== undefined) this.broker.lookedAtQueue(queue);
    }
    return queue;
  }
}
