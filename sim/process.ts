/**
 * The broker's process of a run: the real storage, broker and sessions over simulated disk, time and network.
 *
 * `kill` is SIGKILL between two steps (what was written stays), or a power failure (what was not synced may go). The wiring
 * is that of src/embed.ts.
 */
import type { TurnBounds } from "../src/base/limits.ts";
import { Logger } from "../src/base/logger.ts";
import { Broker, type Durability } from "../src/broker/broker.ts";
import { DelayedArrivals } from "../src/broker/intake/delayed-arrivals.ts";
import { ReturnedRecords } from "../src/broker/retry/returned-records.ts";
import type { KeyspaceBounds } from "../src/keyspace/bounds.ts";
import { Keyspace } from "../src/keyspace/keyspace.ts";
import { NetConnection } from "../src/net/connection.ts";
import { amqpProtocol } from "../src/protocols/amqp/index.ts";
import type { Protocol } from "../src/protocols/contract.ts";
import { kafkaProtocol } from "../src/protocols/kafka/index.ts";
import { redisProtocol } from "../src/protocols/redis/index.ts";
import { quickHash } from "./quick-hash.ts";
import type { SimDisk } from "./disk.ts";
import { SimLink } from "./network.ts";
import type { Seeded } from "./seeded.ts";
import type { SimTime } from "./time.ts";

export type ProtocolName = Protocol["name"];

export interface ProcessOptions {
  readonly disk: SimDisk;
  readonly time: SimTime;
  readonly random: Seeded;
  readonly journalBytesMax: number;
  readonly redisStreamsDurability: Durability;
  readonly kafkaDurability: "fsync" | "written";
  readonly redisSettings?: Readonly<Record<string, string>>;
  readonly turnBounds: Partial<TurnBounds>;
  readonly keyspaceBounds: KeyspaceBounds;
  readonly log: (line: string) => void;
}

const directory = "/data";

export class SimProcess {
  readonly #options: ProcessOptions;
  readonly #protocols = new Map<ProtocolName, Protocol>();
  readonly links = new Set<SimLink>();
  broker: Broker | null = null;
  keyspace: Keyspace | null = null;
  #nextConnectionId = 1;
  /** The disk failed to keep what it had promised: the process ends itself. */
  isDoomed = false;
  /** How often it was started: what a dead broker still does is not this one's. */
  #starts = 0;

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.broker !== null;
  }

  /** Starts over what the disk has. Throws CORRUPT, and what the disk throws. */
  async start(): Promise<void> {
    const { disk, time, random, log } = this.#options;
    this.isDoomed = false;
    const start = ++this.#starts;
    const logger = new Logger({ level: "error", clock: time, sink: log });
    const keyspace = new Keyspace(random.below(2 ** 32), this.#options.keyspaceBounds);
    const broker = await Broker.open({
      disk,
      directory,
      clock: time,
      timers: time,
      random,
      logger,
      journalBytesMax: this.#options.journalBytesMax,
      memoryBytesMax: 0,
      diskFreeBytesMin: "auto",
      sources: [keyspace],
      redisStreamsDurability: this.#options.redisStreamsDurability,
      kafkaDurability: this.#options.kafkaDurability,
      turnBounds: this.#options.turnBounds,
      passwordHash: quickHash,
      onFatal: () => {
        if (start === this.#starts) this.isDoomed = true;
      },
    });
    broker.delays = new DelayedArrivals(broker);
    broker.returned = new ReturnedRecords(broker);
    keyspace.start(broker);
    this.broker = broker;
    this.keyspace = keyspace;
    const all = [
      redisProtocol(broker, keyspace, { settings: this.#options.redisSettings ?? {} }),
      amqpProtocol(broker),
      kafkaProtocol(broker, { host: "sim", port: 1 }),
    ];
    for (const protocol of all) this.#protocols.set(protocol.name, protocol);
  }

  connect(name: ProtocolName): SimLink {
    const link = new SimLink(this.#options.random);
    const connection = new NetConnection(
      this.#nextConnectionId++,
      link,
      this.broker!.ticker,
      this.#options.time.now(),
      () => this.links.delete(link),
    );
    link.connection = connection;
    connection.session = this.#protocols.get(name)!.createSession(connection);
    this.links.add(link);
    return link;
  }

  kill(kind: "kill" | "power"): void {
    const { disk, time } = this.#options;
    this.broker = null;
    this.keyspace = null;
    this.#protocols.clear();
    time.forget();
    disk.crash(kind);
    const links = [...this.links];
    this.links.clear();
    for (const link of links) link.serverDied();
  }

  /** Ends as SIGTERM has it: everything is written and synced. `step` lets the disk work. */
  async stop(step: () => Promise<void>): Promise<void> {
    const broker = this.broker!;
    for (const link of this.links) link.cut();
    this.keyspace!.stop();
    let isClosed = false;
    const closing = broker.close().finally(() => (isClosed = true));
    closing.catch(() => {});
    while (!isClosed) {
      // The process would be gone by now.
      if (this.isDoomed) throw new Error("the disk failed to sync");
      await step();
    }
    await closing;
    this.kill("kill");
  }
}
