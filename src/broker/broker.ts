/**
 * The protocol-neutral broker: virtual hosts over one storage, and the tick that ends every turn.
 *
 * Protocols call it; it calls back through the small interfaces in queue/queue.ts, ticker.ts and live/channels.ts and knows
 * none of them. Start-up: `Broker.open` reads definitions, restores logs and cursors, replays the journal.
 */
import { BytesInFlight } from "../base/bytes-in-flight.ts";
import type { Clock, Timer, Timers } from "../base/clock.ts";
import type { ChannelCounts, OpenConnection } from "../base/connection-facts.ts";
import { limits, type TurnBounds } from "../base/limits.ts";
import type { Logger } from "../base/logger.ts";
import { faultsOfPatterns } from "./access/rule.ts";
import type { Random } from "../base/random.ts";
import { type Job, TurnWork } from "../base/turn-work.ts";
import { type Disk, type StateSource, stateSourceId, Storage } from "../storage/index.ts";
import { type CertificateLogin, Access, type Security } from "./access/access.ts";
import { ClusterName } from "./cluster-name.ts";
import { Connections } from "./connections.ts";
import {
  channelCounters,
  connectionCounters,
  counted,
  exchangeCounters,
  queueCounters,
  Rates,
  totalCounters,
} from "./rates.ts";
import { UnroutableRoom } from "./look/unroutable.ts";
import { AllTotals } from "./totals.ts";
import { DedupWindows } from "./dedup/dedup-windows.ts";
import { DiskLog } from "./disk-log.ts";
import type { PasswordHash } from "./access/password-hash.ts";
import { defaultVhostName, definitionKey } from "./names.ts";
import type { Delays } from "./intake/intake.ts";
import { Operations } from "./operations/operations.ts";
import type { Returned } from "./retry/returned.ts";
import { PublisherFlow } from "./publisher-flow.ts";
import type { Queue } from "./queue/queue.ts";
import { InflationBudget } from "./queue/inflation-budget.ts";
import { restoreDefinitions } from "./queue/restore.ts";
import { Retention } from "./queue/retention.ts";
import type { Stations } from "./exchange/stations/station.ts";
import { RouteBudget } from "./exchange/route-cache.ts";
import type { EnterStream } from "./schedule/enter-stream.ts";
import type { LaterTable } from "./schedule/later-table.ts";
import { WallTimers } from "./schedule/timers.ts";
import { Ticker } from "./ticker.ts";
import { restoreTraces } from "./trace/restore.ts";
import { TraceRing } from "./trace/ring.ts";
import { Tracer } from "./trace/tracer.ts";
import { RuntimeParameters } from "./parameters/parameters.ts";
import { Vhost, type VhostMetadata } from "./vhost.ts";
import { VhostDeletions } from "./vhost-deletions.ts";

export { type StateSource, stateSourceId };
export type Durability = "fsync" | "written" | "memory";

export interface BrokerOptions {
  /** Null: nothing is stored on disk. */
  disk: Disk | null;
  directory: string;
  clock: Clock;
  timers: Timers;
  random: Random;
  logger: Logger;
  journalBytesMax: number;
  /** Publishers wait while the disk has less free space. Absent: free space is not checked. */
  diskFreeBytesMin?: number | "auto";
  /** Publishers wait while volatile records take more bytes than this; 0 is no limit. */
  memoryBytesMax: number;
  /** What the events of traces may take, on the disk or in memory; absent: `limits.traceBytes`. */
  traceBytes?: number;
  /** Owners of further durable values, such as the Redis keyspace. */
  sources?: readonly StateSource[];
  /** Passwords and users; absent: everybody may log in. */
  security?: Security;
  /** Absent: scrypt on another thread. */
  passwordHash?: PasswordHash;
  /** Absent: the distinguished name. */
  certificateLogin?: CertificateLogin;
  /** When XADD is answered. */
  redisStreamsDurability: Durability;
  /** When acks=all is answered. */
  kafkaDurability: Exclude<Durability, "memory">;
  /** Replaces some of `limits`, for tests. */
  turnBounds?: Partial<TurnBounds>;
  /** Instead of those of `limits`, for tests. */
  dedupBounds?: { readonly idsMax?: number; readonly bytesMax?: number };
  /** The epoch of this owner of the directory, higher than those of all owners before; absent: the next one. */
  epoch?: number;
  /** A sync failed, or another broker has taken the directory over (TAKEN_OVER): the process must end. */
  onFatal: (error: Error) => void;
}

const sweepIntervalMs = 5000;
/**
 * Kinds of definitions, told apart for `lookedAt…`: committed offsets of Kafka groups, which change all the time, and all others.
 */
const isPosition = (kind: string): boolean => kind === "offset";
const isGroup = (kind: string): boolean => kind === "group";
const isDefinition = (kind: string): boolean => !isPosition(kind);

export class Broker {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly storage: Storage;
  /** What queues remember of the messages that they have accepted, so that copies are found. */
  readonly dedup: DedupWindows;
  readonly ticker: Ticker;
  /** The memory that connections hold. */
  readonly inFlight: BytesInFlight;
  /** Which publishers have to wait. */
  readonly flow: PublisherFlow;
  /** Long requests, processed in slices. */
  readonly work: TurnWork;
  readonly turnBounds: TurnBounds;
  readonly inflation: InflationBudget<Queue>;
  readonly access: Access;
  readonly retention: Retention;
  /** Follows single messages. */
  readonly tracer: Tracer;
  /** What is to be done at a wall time. */
  readonly wallTimers: WallTimers;
  /** Appends records to streams that may have to be made, without a client. Set by the protocol whose streams they are. */
  enterStream: EnterStream | null = null;
  /** Exchanges that keep messages have them from here. Set by the protocol whose exchanges they are. */
  stations: Stations | null = null;
  /** Keeps messages that are to arrive later. Set by the wiring, as soon as the journal has been replayed. */
  delays: Delays | null = null;
  /** Keeps what Kafka groups gave up, until it can be read again. Set like `delays`. */
  returned: Returned | null = null;
  /** Where records wait for their time, by the prefix of the virtual hosts that they wait in (names.ts). */
  readonly timetables = new Map<string, LaterTable>();
  readonly vhosts = new Map<string, Vhost>();
  /** Policies, limits, and what else is kept by name in a virtual host. */
  readonly parameters: RuntimeParameters;
  readonly vhostDeletions: VhostDeletions;
  /** Long work that administrators have started. */
  readonly operations: Operations;
  /** All connections, of every protocol. */
  readonly connections: Connections;
  /** Rates of counters, sampled while somebody looks at them. */
  readonly rates: Rates;
  readonly clusterName: ClusterName;
  /** What virtual hosts and the broker have counted, added up when somebody asks. */
  readonly totals = new AllTotals(this);
  /** Queues and streams that were declared, made and deleted since the start. */
  readonly churn = { declared: 0, created: 0, deleted: 0 };
  /** Bounds the samples of unroutable messages in all virtual hosts. */
  readonly unroutableRoom: UnroutableRoom;
  /** Bounds the memory of the routes that all exchanges cache. */
  readonly routeBudget = new RouteBudget();
  /** The journal has been replayed. */
  isOpen = false;
  /** How many calls of `catchUp` are nested at the moment. */
  queuesCatchingUp = 0;
  #nextConsumerId = 1;
  #sweep: Timer | null = null;
  #diskLook: Timer | null = null;
  readonly #diskLog: DiskLog;

  private constructor(options: BrokerOptions, storage: Storage, dedup: DedupWindows) {
    this.options = options;
    this.clock = options.clock;
    this.timers = options.timers;
    this.unroutableRoom = new UnroutableRoom(options.clock);
    this.random = options.random;
    this.logger = options.logger;
    this.storage = storage;
    this.dedup = dedup;
    dedup.attach(storage);
    const { clock, timers, memoryBytesMax } = options;
    this.turnBounds = { ...limits, ...options.turnBounds };
    this.inFlight = new BytesInFlight({ bytesMax: memoryBytesMax, timers });
    this.flow = new PublisherFlow(storage, memoryBytesMax);
    this.ticker = new Ticker({
      storage,
      clock,
      timers,
      bounds: this.turnBounds,
      inFlight: this.inFlight,
      afterFlush: () => {
        this.#diskLog.look(storage);
        this.flow.check();
      },
    });
    this.work = new TurnWork(timers, this.turnBounds);
    this.wallTimers = new WallTimers({
      clock,
      timers,
      work: this.work,
      requestTick: () => this.ticker.request(),
    });
    this.operations = new Operations({
      ...options,
      storage,
      work: this.work,
      flow: this.flow,
      requestTick: () => this.ticker.request(),
    });
    this.inflation = new InflationBudget(options.timers, (queue) => this.schedule(queue));
    this.#diskLog = new DiskLog(options);
    this.access = new Access({ ...options, storage });
    this.retention = new Retention(this);
    this.tracer = new Tracer({ clock, random: options.random, ring: ringOf(options, storage) });
    this.connections = new Connections(this.logger, (connection) => this.flow.isHeldBack(connection));
    this.parameters = new RuntimeParameters(this);
    this.vhostDeletions = new VhostDeletions(this);
    const { connections, vhosts } = this;
    this.clusterName = new ClusterName(this.parameters);
    this.rates = new Rates({
      clock,
      timers,
      work: this.work,
      counted: [
        counted(queueCounters, () => each(vhosts.values(), ({ queues }) => queues.values())),
        counted(exchangeCounters, () => each(vhosts.values(), ({ exchanges }) => exchanges.values())),
        counted(connectionCounters, () => connections.all()),
        counted(channelCounters, () => each(connections.all(), channelCountsOf)),
        counted(totalCounters, () => this.totals.all()),
      ],
      prepare: () => this.totals.renewing(),
    });
    // Publishers cache the result of the permission check together with the route.
    this.access.permissions.listeners.add(() => {
      for (const vhost of this.vhosts.values()) vhost.routingVersion++;
    });
  }

  /** Opens the data directory. Throws CORRUPT (see `troikamq check`), and errors of the disk. */
  static async open(options: BrokerOptions): Promise<Broker> {
    let broker: Broker | null = null;
    const dedup = new DedupWindows({ ...options, ...options.dedupBounds });
    const storage = await Storage.open({
      disk: options.disk,
      directory: options.directory,
      now: () => options.clock.now(),
      journalBytesMax: options.journalBytesMax,
      ...(options.diskFreeBytesMin === undefined ? {} : { diskFreeBytesMin: options.diskFreeBytesMin }),
      sources: [...(options.sources ?? []), dedup],
      ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
      requestFlush: () => broker?.ticker.request(),
      pause: () => new Promise((resolve) => options.timers.atTickEnd(resolve)),
      onDurable: () => broker?.ticker.durableMoved(),
      onFatal: options.onFatal,
    });
    broker = new Broker(options, storage, dedup);
    await restoreDefinitions(broker);
    broker.operations.restore();
    restoreTraces(broker);
    broker.isOpen = true;
    for (const vhost of broker.vhosts.values()) vhost.timedDeletions.begin();
    if (storage.tornBytes > 0) {
      options.logger.warn("cut an unfinished write off the journal", { bytes: storage.tornBytes });
    }
    for (const user of broker.access.users.all()) {
      for (const fault of faultsOfPatterns(user)) {
        options.logger.warn("a stored permission allows nothing: set it again", { user: user.name, fault });
      }
    }
    broker.#sweepLater();
    broker.#tendDisk();
    return broker;
  }

  /** The virtual host of that name, or undefined. */
  vhost(name: string): Vhost | undefined {
    return this.vhosts.get(name);
  }

  get defaultVhost(): Vhost {
    return this.vhosts.get(defaultVhostName)!;
  }

  /** Makes a durable virtual host; false if one of that name exists. */
  addVhost(name: string, metadata: VhostMetadata = {}): boolean {
    if (this.vhosts.has(name)) return false;
    this.vhostDeletions.finish(name);
    this.#saveVhost(name, metadata);
    this.createVhost(name, metadata);
    return true;
  }

  setVhostMetadata(vhost: Vhost, metadata: VhostMetadata): void {
    vhost.metadata = metadata;
    this.#saveVhost(vhost.name, metadata);
  }

  #saveVhost(name: string, metadata: VhostMetadata): void {
    this.storage.definitions.put(definitionKey("vhost", name), JSON.stringify(metadata));
  }

  createVhost(name: string, metadata?: VhostMetadata): Vhost {
    const present = this.vhosts.get(name);
    if (present !== undefined) {
      if (metadata !== undefined) present.metadata = metadata;
      return present;
    }
    const vhost = new Vhost(this, name, metadata);
    this.vhosts.set(name, vhost);
    return vhost;
  }

  /** An id for a consumer, above 0 and unique in this process. */
  takeConsumerId(): number {
    return this.#nextConsumerId++;
  }

  /** Schedules the queue for the end of this tick: deliveries, bounds, waiters. */
  schedule(queue: Queue): void {
    this.ticker.schedule(queue);
  }

  /** Schedules the queue at that wall time, in ms, or before: because its head expires then, or could not be read. */
  wakeQueueAt(queue: Queue, at: number): void {
    if (queue.wakeAt <= at) return;
    queue.wakeAt = at;
    const delayMs = Math.min(Math.max(at - this.clock.now(), 1), limits.timerMsMax);
    this.timers.after(delayMs, () => {
      if (queue.wakeAt !== at) return;
      queue.wakeAt = Infinity;
      if (!queue.isDeleted) this.schedule(queue);
    });
  }

  /** Watches the free space, since other programs fill the disk and free space too. */
  #tendDisk(): void {
    const { gate, room } = this.storage;
    if (room === null) return;
    this.storage.lookForSuccessor();
    const wasFull = gate.failure !== null;
    gate.tend();
    // A tick runs the cleaner, and tells publishers when the state changes.
    if (wasFull || gate.failure !== null) this.ticker.request();
    this.#diskLook = this.timers.after(limits.diskLookMs, () => this.#tendDisk());
  }

  #sweepLater(): void {
    this.#sweep = this.timers.after(sweepIntervalMs, () => {
      this.work.run(this.#sweeping(), () => {
        // Records that timers removed may have made the room that publishers wait for.
        if (this.flow.isBlocked) this.ticker.request();
        this.#sweepLater();
      });
    });
  }

  *#sweeping(): Job<void> {
    for (const vhost of this.vhosts.values()) {
      for (const queue of vhost.queues.values()) {
        this.#sweepOne(queue);
        yield 1;
      }
    }
    yield* this.dedup.sweeping();
  }

  /** An unreadable record must not end the broker: nobody would catch the error in a timer. */
  #sweepOne(queue: Queue): void {
    try {
      this.retention.sweep(queue);
    } catch (error) {
      queue.failed(error);
    }
  }

  /** Ends the tick, and resolves once everything appended until now is durable, so that every confirm has been written. */
  async sync(): Promise<boolean> {
    this.ticker.run();
    const { storage } = this;
    // `pending`, not `written`: the disk may have refused the last write.
    const position = storage.pending;
    let isLate = false;
    const ended = Promise.withResolvers<void>();
    // A disk that cannot be written must not keep the process from ending.
    const bound = this.timers.after(limits.diskStopMsMax, () => {
      isLate = true;
      ended.resolve();
    });
    while (storage.durable < position && !isLate) {
      storage.startSync();
      const moved = new Promise<void>((resolve) =>
        this.ticker.awaitDurable({ durableMoved: () => resolve() }),
      );
      await Promise.race([moved, ended.promise]);
    }
    bound.cancel();
    return storage.durable >= position;
  }

  /**
   * Call this where an answer depends on definitions (queues, exchanges, topics, groups, users): while the journal cannot be
   * written, the answer waits if a definition is not written yet.
   */
  lookedAtDefinitions(): void {
    if (this.ticker.isStuck) this.storage.unwritten.lookedAtTable(isDefinition);
  }

  /** The same where the answer depends on whether one name is a queue, exchange or topic. */
  lookedAtName(vhost: string, name: string): void {
    if (!this.ticker.isStuck) return;
    const { unwritten } = this.storage;
    unwritten.lookedAtPair(definitionKey("queue", vhost, name));
    unwritten.lookedAtPair(definitionKey("exchange", vhost, name));
    unwritten.lookedAtPair(definitionKey("topic", vhost, name));
  }

  /** The same where the answer depends on an existing queue or stream: its records, its cursors, its groups. */
  lookedAtQueue({ log }: Queue): void {
    if (!this.ticker.isStuck) return;
    this.storage.unwritten.lookedAt(log);
    this.storage.unwritten.lookedAtTable(isGroup);
  }

  /** The same where the answer depends on offsets that Kafka groups have committed. */
  lookedAtPositions(): void {
    if (this.ticker.isStuck) this.storage.unwritten.lookedAtTable(isPosition);
  }

  /** Whether a definition is not written yet. */
  get hasUnwrittenDefinitions(): boolean {
    return this.storage.unwritten.hasChanged(isDefinition);
  }

  /** Writes and syncs everything. All connections must be closed before. */
  async close(): Promise<void> {
    this.rates.close();
    this.#sweep?.cancel();
    this.#diskLook?.cancel();
    this.wallTimers.close();
    this.work.close();
    this.ticker.run();
    this.ticker.close();
    this.tracer.close();
    await this.storage.close();
  }
}

/** What is kept in memory is smaller. */
function ringOf(
  { disk, directory, timers, logger, traceBytes = limits.traceBytes }: BrokerOptions,
  storage: Storage,
): TraceRing {
  const bytesMax = disk === null ? Math.min(traceBytes, limits.traceMemoryBytesMax) : traceBytes;
  const mayWrite = (): boolean => storage.gate.failure === null;
  return new TraceRing({ disk, directory, bytesMax, timers, logger, mayWrite });
}

function channelCountsOf(open: OpenConnection): Iterable<Readonly<ChannelCounts>> {
  return (
    open
      .describe()
      .describeChannels?.()
      .map(({ counts }) => counts) ?? []
  );
}

function* each<Outer, Inner>(
  outer: Iterable<Outer>,
  innerOf: (outer: Outer) => Iterable<Inner>,
): Generator<Inner, void> {
  for (const item of outer) yield* innerOf(item);
}
