/**
 * One simulated run: a process, its disk, its network and its time, and whatever is due to happen next, chosen by a seed.
 *
 * Not here: what clients do (actors/), what must be true (model.ts). Invariant: all chance is the seed's and all that
 * happens is a step here, so a seed is a run, step by step.
 */
import { BrokerError } from "../src/base/errors.ts";
import { limits, type TurnBounds } from "../src/base/limits.ts";
import { setSizes } from "../src/base/sizes.ts";
import { type KeyspaceBounds, keyspaceBounds } from "../src/keyspace/bounds.ts";
import {
  highestEpoch,
  journalFileName,
  journalHeader,
  journalHeaderBytes,
  parseJournalFileName,
} from "../src/storage/journal/journal-file.ts";
import { SimDisk } from "./disk.ts";
import { type Crash, Fault, HistoryModel, KeyModel, type Level, Promises, QueueModel } from "./model.ts";
import type { BoundsHistory } from "./models/bounds-history.ts";
import type { ConsumerGroupModel } from "./models/consumer-group.ts";
import type { ExpiringKey } from "./models/expiring-key.ts";
import type { JobList } from "./models/job-list.ts";
import type { LaterEntries } from "./models/later-entries.ts";
import type { PassingLog } from "./models/passing-log.ts";
import type { GroupModel } from "./models/pending-group.ts";
import type { RightModel } from "./models/right.ts";
import type { SimLink } from "./network.ts";
import { type ProtocolName, SimProcess } from "./process.ts";
import { Seeded } from "./seeded.ts";
import type { SceneSettings } from "./settings.ts";
import { SimTime } from "./time.ts";

/** How bad the world is: chances for each step, but for those of the disk, which are for each operation. */
export interface Weather {
  readonly kill: number;
  readonly power: number;
  /** In each of the steps that follow an answer which means durable. */
  readonly powerAfterAnswer: number;
  readonly cut: number;
  readonly fullDisk: number;
  /** Others fill the disk, but for a little, or give it back. */
  readonly filledDisk: number;
  /** Another broker takes the data directory over. */
  readonly takeover: number;
  readonly writeErrors: number;
  readonly syncErrors: number;
  readonly readErrors: number;
  readonly readFlips: number;
  readonly rot: number;
  /** For each killed process: a bit of the journal's end flips before it is read. */
  readonly rotTail: number;
  readonly clockJump: number;
  readonly restart: number;
}

export const fairWeather: Weather = {
  kill: 0,
  power: 0,
  powerAfterAnswer: 0,
  cut: 0,
  fullDisk: 0,
  filledDisk: 0,
  takeover: 0,
  writeErrors: 0,
  syncErrors: 0,
  readErrors: 0,
  readFlips: 0,
  rot: 0,
  rotTail: 0,
  clockJump: 0,
  restart: 0,
};

export interface Actor {
  readonly name: string;
  /** Does one thing, if there is one to do now. */
  act(): void;
  /** Whether it waits for nothing. */
  readonly isIdle: boolean;
}

const downStepsMax = 12;
const jumpMsMax = 20_000;
/** How much likelier the power fails just when files come and go. */
const worstMoments = 15;
/** How many steps after an answer that means durable the power likes to fail. */
const stepsAfterAnswer = 8;
/** Others leave the disk less than this: around what the broker keeps free. */
const leftBytesMax = 160 << 10;
/** How likely a kill is in the steps after a piece of the reserve was given up. */
const killAfterReserve = 0.02;
const stepsAfterReserve = 15;
const leapMsMax = 3000;
/** Without faults nobody is to run into a handshake's deadline by mere bad luck. */
const fairLeapMsMax = 500;
const tailBytes = 600;

export interface WorldOptions {
  /** All answers that can be set to mean durable do. */
  readonly isAllDurable: boolean;
  readonly settings: SceneSettings;
}

export class World {
  readonly random: Seeded;
  readonly time = new SimTime();
  readonly disk: SimDisk;
  readonly process: SimProcess;
  readonly promises = new Promises();
  readonly histories: HistoryModel[] = [];
  readonly queues: QueueModel[] = [];
  readonly groups: GroupModel[] = [];
  readonly consumerGroups: ConsumerGroupModel[] = [];
  readonly rights: RightModel[] = [];
  readonly keys: KeyModel[] = [];
  readonly expiringKeys: ExpiringKey[] = [];
  readonly passingLogs: PassingLog[] = [];
  readonly jobLists: JobList[] = [];
  readonly laterEntries: LaterEntries[] = [];
  readonly boundsHistories: BoundsHistory[] = [];
  readonly actors: Actor[] = [];
  readonly crashListeners: ((crash: Crash) => void)[] = [];
  weather = fairWeather;
  steps = 0;
  readonly counts: Record<string, number> = {};
  /** Bytes of files were flipped: a start may be refused, and what is refused is over. */
  isDamaged = false;
  isRefused = false;
  isDraining = false;
  #downFor = 0;
  #durableAnswers = 0;
  #reserveBytes = 0;
  #reservedAt = -stepsAfterReserve;
  #answeredAt = -stepsAfterAnswer;
  /** The journal says, in a group after it, that it was durable up to here. */
  #knownDurable = -1;
  #written = -1;
  /** What was durable before the disk refused a group that is not written yet: its mark says no more than that. */
  #durableAtRefusal: number | null = null;
  /** Damage of which the journal itself knows: no start may pass over it. */
  #mustRefuse: string | null = null;
  readonly #trace: ((line: string) => void) | null;
  /** What an answer to XADD means. */
  readonly redisStreamsLevel: Level;
  /** Turns have the units that they have in production: no client spends one. */
  readonly areTurnsUsual: boolean;
  /** Values of the size that actors make are packed, never large. */
  readonly isPackedSmall: boolean;
  /** And to acks=all. */
  readonly acksAllLevel: Level;
  /** And the answer to a command that changed a Redis key. */
  readonly redisKeysLevel: Level;
  readonly settings: SceneSettings;

  constructor(
    seed: number,
    { isAllDurable, settings }: WorldOptions,
    trace: ((line: string) => void) | null,
  ) {
    this.random = new Seeded(seed);
    this.#setSizes(seed);
    this.#trace = trace;
    this.settings = settings;
    this.redisStreamsLevel = isAllDurable || this.random.chance(0.5) ? "durable" : "written";
    this.acksAllLevel = isAllDurable || this.random.chance(0.7) ? "durable" : "written";
    const appendfsync = this.random.pick(["always", "everysec", "everysec", "no"]);
    this.redisKeysLevel = appendfsync === "always" ? "durable" : "written";
    this.disk = new SimDisk(() => this.random.next());
    const turnBounds = this.#turnBounds();
    this.areTurnsUsual = Object.keys(turnBounds).length === 0;
    const bounds = this.#keyspaceBounds();
    this.isPackedSmall = bounds === keyspaceBounds;
    this.process = new SimProcess({
      disk: this.disk,
      time: this.time,
      random: this.random,
      journalBytesMax: 1 << (14 + this.random.below(4)),
      kafkaDurability: this.acksAllLevel === "durable" ? "fsync" : "written",
      redisStreamsDurability: this.redisStreamsLevel === "durable" ? "fsync" : "written",
      redisSettings: { appendfsync, ...settings.redis },
      turnBounds,
      keyspaceBounds: bounds,
      log: (line) => this.note(`log ${line.trim()}`),
    });
  }

  /** Mostly such as a few records and keys pass: from chance of its own, so that the rest of a seed is what it was. */
  #setSizes(seed: number): void {
    const random = new Seeded(seed ^ 0x517e5);
    if (random.chance(0.3)) return setSizes({});
    setSizes({
      chunkBytes: 1 << random.between(9, 15),
      journalCacheBytes: 1 << random.between(10, 16),
      readBlockBytes: 1 << random.between(9, 14),
      readBlocksMax: random.between(1, 6),
      openSegmentsMax: random.between(1, 4),
      outputBytesKept: 1 << random.between(5, 12),
      sweepKeysMin: random.between(1, 6),
      streamsInScanPart: random.between(1, 3),
      restoredUnitsDirect: random.between(1, 12),
      filedInTurn: random.between(1, 8),
      filedInSlice: random.between(1, 4),
      holeBytesMin: 1 << random.between(4, 10),
      waitingBytesReadSoon: random.between(0, 1000),
    });
  }

  /** Mostly such as few records reach. */
  #turnBounds(): Partial<TurnBounds> {
    const { random } = this;
    if (random.chance(0.3)) return {};
    return {
      expiredPerTickMax: random.between(1, 5),
      turnWorkUnits: random.between(10, 200),
      turnWorkSliceUnits: random.between(5, 50),
    };
  }

  /** Mostly such that a few fields make a large value, which a slice of the cleaner does not pass at once. */
  #keyspaceBounds(): KeyspaceBounds {
    const { random } = this;
    if (random.chance(0.2)) return keyspaceBounds;
    return {
      packedCountMax: random.between(1, 20),
      packedBytesMax: random.between(50, 1000),
      segmentBytesMax: 1024,
      rewriteBytes: random.between(1, 2000),
      rewriteLooks: random.between(5, 500),
    };
  }

  note(text: string): void {
    this.#trace?.(`${this.steps} ${text}`);
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #producers = 0;

  /** A name for whoever sends in one connection: what it sends must stay in order. */
  newProducer(): string {
    return `p${++this.#producers}`;
  }

  /** A new connection, or null while the broker is down. */
  connect(name: ProtocolName): SimLink | null {
    return this.process.isUp ? this.process.connect(name) : null;
  }

  async start(): Promise<void> {
    const { disk, weather } = this;
    // Recovery takes what it cannot read at the journal's end for a torn write: a bit that flips only on its way from the
    // disk would cut good data off. What checks of the machine's memory are for is not simulated.
    disk.readFlips = 0;
    disk.readErrors = weather.readErrors;
    const starting = this.process.start();
    starting.catch(() => {});
    let isOver = false;
    void starting.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    while (!isOver) await this.#background();
    try {
      await starting;
      if (this.#mustRefuse !== null)
        throw new Fault(`it starts, though ${this.#mustRefuse} is damaged and had been durable`);
      this.note("started");
      this.#written = this.process.broker!.storage.written;
      this.#knownDurable = -1;
      this.#durableAtRefusal = null;
    } catch (error) {
      this.process.kill("kill");
      this.#notStarted(error);
    }
    disk.readFlips = weather.readFlips;
    disk.writeErrors = weather.writeErrors;
    disk.syncErrors = weather.syncErrors;
  }

  #notStarted(error: unknown): void {
    if (error instanceof Fault) throw error;
    this.note(`start failed: ${String(error)}`);
    const code = (error as { code?: string }).code;
    if (code === "EIO" || code === "ENOSPC" || code === "UNAVAILABLE")
      this.count("starts refused by the disk");
    else if (error instanceof BrokerError && error.code === "CORRUPT" && this.isDamaged) {
      this.isRefused = true;
      this.count("starts refused as corrupt");
    } else
      throw new Fault(`the broker does not start: ${error instanceof Error ? error.stack : String(error)}`);
    this.#downFor = 1 + this.random.below(downStepsMax);
  }

  /** What happens without clients: the disk works, a tick ends, promises go on. */
  async #background(): Promise<void> {
    if (this.time.hasTickEnd) this.time.endTick();
    if (this.disk.waiting > 0) await this.disk.step();
    else await turn();
  }

  /** One step, of whatever could happen now. */
  async step(): Promise<void> {
    this.steps++;
    const { process } = this;
    if (!process.isUp) {
      if (this.#downFor-- <= 0) await this.start();
      return;
    }
    if (process.isDoomed) return this.crash(this.#endOfDoomed);
    const { durable } = process.broker!.storage;
    const { refusedWrites } = this.disk;
    await this.#stepUp();
    this.#noteWritten(durable, this.disk.refusedWrites > refusedWrites);
  }

  /** Each group that is written says what was durable when it was sealed: what was so before this step, or more. */
  #noteWritten(durable: number, isRefused: boolean): void {
    const written = this.process.broker?.storage.written ?? this.#written;
    if (written > this.#written) {
      if (this.process.broker?.storage.room?.isLow === true) this.count("writes while the disk was low");
      this.#knownDurable = this.#durableAtRefusal ?? durable;
      this.#durableAtRefusal = null;
    }
    if (isRefused) this.#durableAtRefusal ??= durable;
    this.#written = written;
  }

  /** A process that a failed sync ends may be started again on the same machine, which still shows what it dropped. */
  get #endOfDoomed(): Crash {
    return this.random.chance(0.5) ? "power" : "kill";
  }

  async #stepUp(): Promise<void> {
    const { random, time } = this;
    if (await this.#fault()) return;
    const choice = random.next();
    if (choice < 0.3) this.#act();
    else if (choice < 0.65) this.#network();
    else if (choice < 0.82 && time.hasTickEnd) time.endTick();
    else if (choice < 0.94 && this.disk.waiting > 0) await this.disk.step();
    else if (choice < 0.97)
      time.advance(
        random.chance(0.1)
          ? random.between(50, this.weather === fairWeather ? fairLeapMsMax : leapMsMax)
          : random.between(1, 20),
      );
    else await turn();
  }

  #act(): void {
    if (this.actors.length > 0) this.random.pick(this.actors).act();
  }

  #network(): void {
    const busy = [...this.process.links].filter((link) => link.isBusy);
    if (busy.length > 0) this.random.pick(busy).step();
  }

  /** Bad luck, if there is any in this step. */
  async #fault(): Promise<boolean> {
    const { weather, random, process, disk } = this;
    if (weather.takeover > 0 && random.chance(weather.takeover)) this.#takeOver();
    else if (random.chance(this.#killChance)) this.crash("kill");
    else if (random.chance(this.#powerFailureChance)) this.crash("power");
    else if (random.chance(weather.restart)) await this.restart();
    else if (random.chance(weather.cut) && process.links.size > 0) {
      this.count("connections cut");
      random.pick([...process.links]).cut();
    } else if (random.chance(weather.fullDisk)) {
      disk.fullness = disk.fullness > 0 ? 0 : random.next();
      this.note(`the disk is ${disk.fullness > 0 ? "full at times" : "free again"}`);
      this.count("disks full or free again");
    } else if (random.chance(weather.filledDisk)) {
      if (disk.isFilled) disk.empty();
      else disk.fill(random.below(leftBytesMax));
      this.note(`the disk is ${disk.isFilled ? "filled by others" : "given back"}`);
      this.count("disks filled by others or given back");
    } else if (random.chance(weather.rot)) this.#rot();
    else if (random.chance(weather.clockJump)) {
      this.count("clock jumps");
      for (const key of this.expiringKeys) key.clockJumps(this.time.now());
      for (const entries of this.laterEntries) entries.clockJumps();
      this.time.jump(random.between(-jumpMsMax, jumpMsMax));
    } else return false;
    return true;
  }

  /** An acknowledgement that leaves before the reserve has taken it is lost by a kill just then. */
  get #killChance(): number {
    const { weather } = this;
    if (weather.filledDisk === 0) return weather.kill;
    const reserveBytes = this.process.broker!.storage.room!.reserveBytes;
    if (reserveBytes < this.#reserveBytes) {
      this.#reservedAt = this.steps;
      this.count("pieces of the reserve given up");
    }
    this.#reserveBytes = reserveBytes;
    return weather.kill + (this.steps - this.#reservedAt < stepsAfterReserve ? killAfterReserve : 0);
  }

  get #powerFailureChance(): number {
    const { power, powerAfterAnswer } = this.weather;
    const { durableAnswers } = this.promises;
    if (durableAnswers !== this.#durableAnswers) this.#answeredAt = this.steps;
    this.#durableAnswers = durableAnswers;
    const isAfterAnswer = this.steps - this.#answeredAt < stepsAfterAnswer;
    return power * (this.disk.hasUnsyncedNames ? worstMoments : 1) + (isAfterAnswer ? powerAfterAnswer : 0);
  }

  /** Another broker takes the directory over. This one must notice it by its next look at the disk, and end. */
  #takeOver(): void {
    const { process, disk, time } = this;
    this.note("another broker takes the directory over");
    this.count("directories taken over");
    // What it tells somebody before it has noticed is not looked at here.
    for (const link of process.links) link.cut();
    const { journal, written } = process.broker!.storage;
    const directory = journal!.files[0]!.path.replace(/\/[^/]*$/, "");
    const place = { base: written, epoch: highestEpoch(disk.list(directory)) + 1 };
    const tail = journal!.files.at(-1)!;
    const first = tail.base === written && tail.isFirst ? "whole" : "none";
    disk.plant(`${directory}/${journalFileName(place)}`, journalHeader(place, { followed: "none", first }));
    time.advance(limits.diskLookMs);
    if (!process.isDoomed) throw new Fault("a broker goes on in a directory that another one has taken over");
    this.crash("kill");
  }

  #rot(): void {
    const where = this.disk.rot("");
    if (where !== undefined) this.#damaged(where);
  }

  /** In what a killed process wrote last, before it is read again. */
  #rotTail(): void {
    const found = this.disk.rotTail(".journal", tailBytes);
    if (found === undefined) return;
    const { path, at } = found;
    const where = `${path} byte ${at}`;
    this.#damaged(where);
    const { base } = parseJournalFileName(path.slice(path.lastIndexOf("/") + 1))!;
    const position = base + at - journalHeaderBytes;
    if (at >= journalHeaderBytes && position < this.#knownDurable) this.#mustRefuse = where;
  }

  #damaged(where: string): void {
    this.note(`a bit of ${where} flipped`);
    this.count("bits flipped");
    this.isDamaged = true;
    for (const model of this.#damageable) model.isDamaged = true;
  }

  get #damageable() {
    const { histories, queues, groups, consumerGroups, rights } = this;
    const { expiringKeys, passingLogs, jobLists, laterEntries, boundsHistories } = this;
    return [
      ...histories,
      ...queues,
      ...groups,
      ...consumerGroups,
      ...rights,
      ...expiringKeys,
      ...passingLogs,
      ...jobLists,
      ...laterEntries,
      ...boundsHistories,
    ];
  }

  crash(crash: Crash): void {
    this.note(`crash: ${crash}`);
    this.count(`crashes by ${crash}`);
    for (const model of [...this.#damageable, ...this.keys]) model.crashed(crash);
    for (const listener of this.crashListeners) listener(crash);
    this.process.kill(crash);
    if (crash === "kill" && this.random.chance(this.weather.rotTail)) this.#rotTail();
    this.#downFor = this.random.below(downStepsMax);
  }

  async restart(): Promise<void> {
    this.note("restart");
    this.count("clean restarts");
    try {
      await this.process.stop(() => this.#background());
      // Everything was synced before it ended.
      this.promises.durable(this.promises.number());
    } catch (error) {
      this.note(`the stop failed: ${String(error)}`);
      this.crash(this.process.isDoomed ? this.#endOfDoomed : "kill");
    }
  }

  /** The faults are over. */
  async calm(): Promise<void> {
    this.weather = fairWeather;
    this.isDraining = true;
    const { disk } = this;
    disk.empty();
    disk.fullness = disk.readErrors = disk.writeErrors = disk.syncErrors = disk.readFlips = 0;
    // The last step may have brought the last fault: that process only has to end.
    if (this.process.isUp && this.process.isDoomed) this.crash(this.#endOfDoomed);
    while (!this.process.isUp && !this.isRefused) await this.start();
  }

  /** Steps until it is so; a fault when it does not come to that. */
  async until(isSo: () => boolean, what: string, stepsMax = 20_000): Promise<void> {
    for (let i = 0; !isSo(); i++) {
      if (i > stepsMax) throw new Fault(`after the faults had ended it did not come to this: ${what}`);
      await this.step();
    }
  }
}

/** Lets everything run that waits for nothing. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
