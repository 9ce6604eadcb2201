/**
 * The protocol-neutral broker: virtual hosts over one storage, and the tick that ends every turn.
 *
 * Protocols call it; it calls back through the small interfaces in queue/queue.ts, ticker.ts and live/channels.ts and knows
 * none of them. Start-up: `Broker.open` reads definitions, restores logs and cursors, replays the journal.
 */
import { BytesInFlight } from "../base/bytes-in-flight.ts";
import type { Clock, Timer, Timers } from "../base/clock.ts";
import { limits, type TurnBounds } from "../base/limits.ts";
import type { Logger } from "../base/logger.ts";
import { faultsOfPatterns } from "./access/rule.ts";
import type { Random } from "../base/random.ts";
import { type Job, TurnWork } from "../base/turn-work.ts";
import type { Connection } from "../base/connection.ts";
import { type Disk, type StateSource, stateSourceId, Storage } from "../storage/index.ts";
import { Access, type Security } from "./access/access.ts";
import { Connections } from "./connections.ts";
import { connectionCounters, counted, exchangeCounters, queueCounters, Rates } from "./rates.ts";
import { DiskLog } from "./disk-log.ts";
import type { PasswordHash } from "./access/password-hash.ts";
import { defaultVhostName, definitionKey } from "./names.ts";
import type { Queue } from "./queue/queue.ts";
import { InflationBudget } from "./queue/inflation-budget.ts";
import { restoreDefinitions } from "./queue/restore.ts";
import { Retention } from "./queue/retention.ts";
import { RouteBudget } from "./exchange/route-cache.ts";
import { Ticker } from "./ticker.ts";
import { Vhost } from "./vhost.ts";

export { type StateSource, stateSourceId };
export type Durability = "fsync" | "written" | "memory";

export interface BrokerOptions {
  /** Null keeps nothing. */
  disk: Disk | null;
  directory: string;
  clock: Clock;
  timers: Timers;
  random: Random;
  logger: Logger;
  journalBytesMax: number;
  /** Publishers wait while the disk has less free space; absent: it is not looked at. */
  diskFreeBytesMin?: number | "auto";
  /** Volatile records beyond this pause publishers; 0 is no limit. */
  memoryBytesMax: number;
  /** Values that are neither messages nor definitions: the Redis keyspace. */
  sources?: readonly StateSource[];
  /** Who may come in; everybody, if absent. */
  security?: Security;
  /** scrypt beside this thread, if absent. */
  passwordHash?: PasswordHash;
  /** When XADD is answered. */
  redisStreamsDurability: Durability;
  /** When acks=all is answered. */
  kafkaDurability: Exclude<Durability, "memory">;
  /** Those of `limits` that are to be other ones. */
  turnBounds?: Partial<TurnBounds>;
  /** The owner's number, above those of all before it; absent: the next one. */
  epoch?: number;
  /** The disk lost what it had promised, or another broker has the directory (TAKEN_OVER): the process must end. */
  onFatal: (error: Error) => void;
}

const sweepIntervalMs = 5000;
/** Publishers that were held back go on below this share of the bound. */
const resumeShare = 7 / 8;
/** Memory is given out in chunks, of which one is always held: a smaller bound would hold publishers for ever. */
const memoryBytesLeast = 2 << 20;

/** Of the table's pairs: what the positions of Kafka groups are, which are committed all the time, and what is all else. */
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
  readonly ticker: Ticker;
  /** Memory that connections hold. */
  readonly inFlight: BytesInFlight;
  /** Long requests, in slices. */
  readonly work: TurnWork;
  readonly turnBounds: TurnBounds;
  readonly inflation: InflationBudget;
  readonly access: Access;
  readonly retention: Retention;
  readonly vhosts = new Map<string, Vhost>();
  /** What is connected. */
  readonly connections: Connections;
  /** How fast counters grow, while somebody looks. */
  readonly rates: Rates;
  /** What the routes that all exchanges remember take. */
  readonly routeBudget = new RouteBudget();
  /** The journal has been replayed. */
  isOpen = false;
  /** Publishers are being held back. */
  isBlocked = false;
  readonly #pausedPublishers = new Set<Connection>();
  /** Those that wait for the journal's backlog only, since what they send frees space. */
  readonly #pausedWriters = new Set<Connection>();
  #isBehindNow = false;
  /** Told when `isBlocked` changes. */
  readonly flowListeners = new Set<(isBlocked: boolean) => void>();
  /** How many queues are in `catchUp`, one inside the other. */
  queuesCatchingUp = 0;
  #nextConsumerId = 1;
  #sweep: Timer | null = null;
  #diskLook: Timer | null = null;
  readonly #diskLog: DiskLog;

  private constructor(options: BrokerOptions, storage: Storage) {
    this.options = options;
    this.clock = options.clock;
    this.timers = options.timers;
    this.random = options.random;
    this.logger = options.logger;
    this.storage = storage;
    const { clock, timers, memoryBytesMax } = options;
    this.turnBounds = { ...limits, ...options.turnBounds };
    this.inFlight = new BytesInFlight({ bytesMax: memoryBytesMax, timers });
    this.ticker = new Ticker({
      storage,
      clock,
      timers,
      bounds: this.turnBounds,
      inFlight: this.inFlight,
      afterFlush: () => this.#checkFlow(),
    });
    this.work = new TurnWork(timers, this.turnBounds);
    this.inflation = new InflationBudget(options.timers, (queue) => this.schedule(queue));
    this.#diskLog = new DiskLog(options);
    this.access = new Access({ ...options, storage });
    this.retention = new Retention(this);
    this.connections = new Connections(this.logger, (connection) => this.isHeldBack(connection));
    const { connections, vhosts } = this;
    this.rates = new Rates({
      clock,
      timers,
      work: this.work,
      counted: [
        counted(queueCounters, () => each(vhosts.values(), ({ queues }) => queues.values())),
        counted(exchangeCounters, () => each(vhosts.values(), ({ exchanges }) => exchanges.values())),
        counted(connectionCounters, () => connections.all()),
      ],
    });
    // Publishers remember where they may publish together with the route.
    this.access.permissions.listeners.add(() => {
      for (const vhost of this.vhosts.values()) vhost.routingVersion++;
    });
  }

  /** Opens the data directory. Throws CORRUPT (see `troikamq check`) and what the disk throws. */
  static async open(options: BrokerOptions): Promise<Broker> {
    let broker: Broker | null = null;
    const storage = await Storage.open({
      disk: options.disk,
      directory: options.directory,
      now: () => options.clock.now(),
      journalBytesMax: options.journalBytesMax,
      ...(options.diskFreeBytesMin === undefined ? {} : { diskFreeBytesMin: options.diskFreeBytesMin }),
      sources: options.sources ?? [],
      ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
      requestFlush: () => broker?.ticker.request(),
      pause: () => new Promise((resolve) => options.timers.atTickEnd(resolve)),
      onDurable: () => broker?.ticker.durableMoved(),
      onFatal: options.onFatal,
    });
    broker = new Broker(options, storage);
    await restoreDefinitions(broker);
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

  /** Makes a virtual host that is kept; false where there is one of that name. */
  addVhost(name: string): boolean {
    if (this.vhosts.has(name)) return false;
    this.storage.table.put(definitionKey("vhost", name), "{}");
    this.createVhost(name);
    return true;
  }

  createVhost(name: string): Vhost {
    const present = this.vhosts.get(name);
    if (present !== undefined) return present;
    const vhost = new Vhost(this, name);
    this.vhosts.set(name, vhost);
    return vhost;
  }

  /** A number for a consumer, unique in this process and above 0. */
  takeConsumerId(): number {
    return this.#nextConsumerId++;
  }

  /** Has the queue looked at when the tick ends: deliveries, bounds, waiters. */
  schedule(queue: Queue): void {
    this.ticker.schedule(queue);
  }

  /** Has the queue looked at again at a wall time, or before: its head expires then, or it could not be read. */
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

  /**
   * Call after taking a message from a connection: while the broker is behind, its publishers are not read from. It is
   * looked at for each message, since one tick may read megabytes from each of many connections.
   */
  publisherSeen(connection: Connection): void {
    if (!this.isBlocked && !this.#isBehind(1)) return;
    if (this.#pausedPublishers.has(connection)) return;
    this.#pausedPublishers.add(connection);
    connection.pauseReading();
  }

  /** The same after a request that frees space, such as DEL: it goes on while the disk is full. */
  writerSeen(connection: Connection): void {
    if (!this.#isBehind(1) || this.#pausedWriters.has(connection)) return;
    this.#pausedWriters.add(connection);
    connection.pauseReading();
  }

  /** It has published, and is not read from until there is room. */
  isHeldBack(connection: Connection): boolean {
    return this.#pausedPublishers.has(connection) || this.#pausedWriters.has(connection);
  }

  /** The connection is gone. */
  publisherGone(connection: Connection): void {
    this.#pausedPublishers.delete(connection);
    this.#pausedWriters.delete(connection);
  }

  /** RabbitMQ's words for `connection.blocked`. */
  get blockedReason(): string {
    return this.storage.failure === null ? "low on memory" : "low on disk";
  }

  /** More waits for the disk, or is in memory, than publishers may add to. */
  get isBehind(): boolean {
    return this.#isBehind(1);
  }

  /** Whether a share of what the journal or memory may have waiting is passed. */
  #isBehind(share: number): boolean {
    const { storage } = this;
    if (storage.pending - storage.durable > limits.journalBacklogBytesMax * share) return true;
    // Looked at within the tick too: what one tick takes may be all the room that there is.
    if (storage.pending > storage.gate.roomEnd) return true;
    const { memoryBytesMax } = this.options;
    return memoryBytesMax > 0 && storage.volatile.bytes > Math.max(memoryBytesMax, memoryBytesLeast) * share;
  }

  /** Once held back, publishers stay so until there is some room: each change is told to all who listen. */
  #checkFlow(): void {
    const { failure } = this.storage;
    this.#isBehindNow = this.#isBehind(this.#isBehindNow ? resumeShare : 1);
    this.#diskLog.look(this.storage);
    const isBlocked = failure !== null || this.#isBehindNow;
    if (isBlocked !== this.isBlocked) {
      this.isBlocked = isBlocked;
      for (const listener of this.flowListeners) listener(isBlocked);
    }
    if (!this.#isBehindNow) resume(this.#pausedWriters);
    if (!isBlocked) resume(this.#pausedPublishers);
  }

  /** Others fill the disk too, and make room. */
  #tendDisk(): void {
    const { gate, room } = this.storage;
    if (room === null) return;
    this.storage.lookForSuccessor();
    const wasFull = gate.failure !== null;
    gate.tend();
    // The cleaner has its turn with a tick, and publishers hear of a change.
    if (wasFull || gate.failure !== null) this.ticker.request();
    this.#diskLook = this.timers.after(limits.diskLookMs, () => this.#tendDisk());
  }

  #sweepLater(): void {
    this.#sweep = this.timers.after(sweepIntervalMs, () => {
      this.work.run(this.#sweeping(), () => {
        // What timers took away may be the room that publishers wait for.
        if (this.isBlocked) this.ticker.request();
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
  }

  /** In a timer nobody would catch what it throws: an unreadable record must not end the broker. */
  #sweepOne(queue: Queue): void {
    try {
      this.retention.sweep(queue);
    } catch (error) {
      queue.failed(error);
    }
  }

  /** Ends the tick and resolves once all that was appended by now is durable: every confirm has been written. */
  async sync(): Promise<boolean> {
    this.ticker.run();
    const { storage } = this;
    // Not what is written: the disk may have refused it.
    const position = storage.pending;
    let isLate = false;
    const ended = Promise.withResolvers<void>();
    // A disk that takes nothing must not keep the process from ending.
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
   * Call where a client asks after what is defined (queues, exchanges, topics, groups, users): while the journal takes
   * nothing its answer waits if any of that is not written.
   */
  lookedAtDefinitions(): void {
    if (this.ticker.isStuck) this.storage.unwritten.lookedAtTable(isDefinition);
  }

  /** The same where only one name is asked after: whether there is such a queue, exchange or topic. */
  lookedAtName(vhost: string, name: string): void {
    if (!this.ticker.isStuck) return;
    const { unwritten } = this.storage;
    unwritten.lookedAtPair(definitionKey("queue", vhost, name));
    unwritten.lookedAtPair(definitionKey("exchange", vhost, name));
    unwritten.lookedAtPair(definitionKey("topic", vhost, name));
  }

  /** The same for a queue or stream that is there: its records, its cursors, and its groups. */
  lookedAtQueue({ log }: Queue): void {
    if (!this.ticker.isStuck) return;
    this.storage.unwritten.lookedAt(log);
    this.storage.unwritten.lookedAtTable(isGroup);
  }

  /** The same for positions that Kafka groups have committed. */
  lookedAtPositions(): void {
    if (this.ticker.isStuck) this.storage.unwritten.lookedAtTable(isPosition);
  }

  /** Whether anything defined is not written yet. */
  get hasUnwrittenDefinitions(): boolean {
    return this.storage.unwritten.hasChanged(isDefinition);
  }

  /** Writes and syncs everything. Connections are to be gone by now. */
  async close(): Promise<void> {
    this.rates.close();
    this.#sweep?.cancel();
    this.#diskLook?.cancel();
    this.work.close();
    this.ticker.run();
    this.ticker.close();
    await this.storage.close();
  }
}

function* each<Outer, Inner>(
  outer: Iterable<Outer>,
  innerOf: (outer: Outer) => Iterable<Inner>,
): Generator<Inner, void> {
  for (const item of outer) yield* innerOf(item);
}

function resume(paused: Set<Connection>): void {
  for (const connection of paused) connection.resumeReading();
  paused.clear();
}
