/**
 * What the parts of the bench owe each other: a server under test, a scenario, and the figures of one run.
 *
 * A scenario drives one server once and says what it counted; it knows nothing of pairs, peers and reports.
 * Invariant: figures are only returned for a run of which every message was seen to arrive (`verified` says how);
 * a run that lost one throws.
 */

/**
 * What an acknowledgement promises in a scenario, the same on both sides:
 * `none` keeps nothing, `written` survives a killed process, `fsync` is on stable storage before the answer.
 * servers/*.ts say by which settings of each server.
 */
export type Durability = "none" | "written" | "fsync";

export type PeerName = "redis" | "rabbitmq" | "kafka" | "mosquitto";

/** Percentiles of a latency, ms. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What one run of a generator counted. */
export interface Figures {
  /** Messages, requests or deliveries, as the scenario's `unit` says. */
  readonly count: number;
  readonly seconds: number;
  readonly latency?: Percentiles;
  /** The server's CPU time for just these, where the generator did more than measure: filling what is read, for one. */
  readonly cpuSeconds?: number;
  /** How it was seen that nothing was missing, for example "1000000 sequence numbers, each once". */
  readonly verified: string;
}

/** Of the server's process, all its threads. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly rssBytesMax: number;
}

export interface ServerPorts {
  readonly redis?: number;
  readonly amqp?: number;
  readonly kafka?: number;
  readonly mqtt?: number;
  readonly http?: number;
}

/** A server that runs, alone on its core where the machine has two. */
export interface Server {
  /** As the report names it, for example `TroikaMQ` or `redis-server 7.0.15`. */
  readonly name: string;
  readonly isTroikaMQ: boolean;
  readonly ports: ServerPorts;
  readonly pid: number;
  /** From its spawn until it took connections, ms; undefined where nobody watched. */
  readonly readyMs?: number;
  usage(): Usage;
  /** Ends it by its pid and removes its directory. */
  stop(): Promise<void>;
}

/** How a scenario wants its servers started; scenarios with equal settings share one start. */
export interface ServerSettings {
  readonly durability: Durability;
  /** More of TroikaMQ's command line. */
  readonly troikamqArguments?: readonly string[];
  /** Settings of the peer's own configuration file, over those that the durability brings. */
  readonly peerSettings?: Readonly<Record<string, string>>;
  /** Plugins that a RabbitMQ is started with. */
  readonly peerPlugins?: readonly string[];
}

/** Where a peer has its data, which it keeps when it ends, and the port that it had. */
export interface PeerPlace {
  readonly dataDirectory: string;
  readonly port: number;
}

/** What a scenario is given for one run. */
export interface Run {
  readonly server: Server;
  /** Unique within the bench: for the names of queues, topics and keys. */
  readonly id: string;
  /** Messages a second to keep to; undefined is as fast as it goes. Latency is then from when a message was due. */
  readonly ratePerSecond: number | undefined;
  /** About how long the run should take, s; a scenario settles its counts by it. */
  readonly secondsWanted: number;
  /** Runs generators/NAME.ts in a process of its own, on the other core. */
  generate(name: string, options: Readonly<Record<string, unknown>>): Promise<Figures>;
}

/** What must be reached, as ratios to the peer of the same run (or absolute, where it says so). */
export interface Bar {
  /** At least this times the peer's throughput. */
  readonly throughput?: number;
  /** At most this times the peer's p99. */
  readonly p99Ratio?: number;
  /** At most this times the peer's p50. */
  readonly p50Ratio?: number;
  /** At most this, ms, whatever the peer does. */
  readonly p99Ms?: number;
  /** At most this times the peer's CPU time for each message. */
  readonly cpuRatio?: number;
}

export interface Scenario {
  readonly kind?: undefined;
  /** `protocol/what/variant`, unique; `--only` matches a part of it. */
  readonly name: string;
  /** Null: there is none to compare with, TroikaMQ's figures stand alone. */
  readonly peer: PeerName | null;
  readonly settings: ServerSettings;
  readonly unit: "requests" | "messages" | "deliveries" | "records" | "jobs";
  readonly bar?: Bar;
  /**
   * Run at a fixed rate: half of what the slower of the two reached in a run before (so that both carry the same
   * load), or half of what each reached itself.
   */
  readonly halfLoad?: "of the slower" | "of its own";
  /** Belongs to the short edition. */
  readonly isShort?: true;
  /** Drives the server once; creates what it needs under `run.id`, and removes it again. */
  drive(run: Run): Promise<Figures>;
}

/** A value that a `SelfScenario` measured, once in each round. */
export interface Measurement {
  /** For example "ready, through bin/troikamq.js". */
  readonly what: string;
  readonly unit: "ms" | "s" | "bytes" | "us" | "a second" | "times";
  readonly values: readonly number[];
  /** What the median must not be above. */
  readonly atMost?: number;
  /** How it was seen that nothing was missing, and what else a reader should know. */
  readonly note?: string;
}

export interface SelfRun {
  readonly id: string;
  /** How often to measure each value. */
  readonly rounds: number;
  readonly secondsWanted: number;
  /** TroikaMQ as the bench was asked to run it. What a scenario left running is stopped when it ends or throws. */
  startOurs(settings: ServerSettings, options?: { readonly dataDirectory?: string }): Promise<Server>;
  /** Undefined where the peer is missing. RabbitMQ can be started again in the `place` where it was. */
  startPeer(name: PeerName, settings: ServerSettings, place?: PeerPlace): Promise<Server | undefined>;
  generate(name: string, options: Readonly<Record<string, unknown>>): Promise<Figures>;
}

/**
 * What does not fit one drive against servers that are up: it starts them itself (start-up, restart, memory), or
 * compares TroikaMQ with itself (growth).
 */
export interface SelfScenario {
  readonly kind: "self";
  readonly name: string;
  readonly isShort?: true;
  /** Takes minutes and gigabytes: only with `--full`. */
  readonly isLong?: true;
  measure(run: SelfRun): Promise<readonly Measurement[]>;
}

export type AnyScenario = Scenario | SelfScenario;
