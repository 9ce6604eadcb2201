/**
 * Records that enter a stream later: kept in logs of their own, on the disk, until their time has come.
 *
 * One log for each stream that has any. The logs are streams of virtual hosts that no client can name, so they are stored and restored
 * as all streams are; what is due when is read from them at the start. Not here: the commands of protocols.
 * Invariants: what waits for a virtual host goes with it (vhost-deletions.ts deletes the logs); no record is early; it leaves its log in the tick in which it enters the stream; records of the same time enter in the order
 * in which they came.
 */
import { sizes } from "../../base/sizes.ts";
import type { Job } from "../../base/turn-work.ts";
import { EntryId } from "../../message/entry-id.ts";
import type { LogReader } from "../../storage/index.ts";
import type { Broker } from "../broker.ts";
import { DueSoon } from "./due-soon.ts";
import type { EnterStream } from "./enter-stream.ts";
import type { LaterTable } from "./later-table.ts";
import { implicitStream, renameStream } from "../queue/lifecycle.ts";
import type { Queue } from "../queue/queue.ts";
import type { QueueListener } from "../queue/readers.ts";
import type { Vhost } from "../vhost.ts";
import {
  appendScheduled,
  type NewRecord,
  offsetOfHandle,
  type ScheduledRecord,
  scheduledRecord,
} from "./scheduled-log.ts";
import type { TimedOwner, WallTimers } from "./timers.ts";

/** Where records wait, and how they enter what they wait for. */
interface Destination {
  /** Of the names of the virtual hosts that the logs are in. */
  readonly vhostPrefix: string;
  readonly enter: EnterStream;
  /** How long a record that did not enter waits for the next try, where so many wait for the same. */
  readonly againMs?: (waiting: number) => number;
}

interface WaitingPlace {
  readonly vhostName: string;
  readonly name: string;
}

/** Records of a log, from one offset up to another, of which it is to be found out when they are due. */
interface Unread {
  readonly waiting: Waiting;
  readonly from: number;
  readonly to: number;
}

/** A record that its stream does not take, or that cannot be read, is tried again after this. */
const againMs = 1000;
const unitsOfDelivery = 3;
/** Records are due in any order, and the frame of each is read, and its checksum computed, for it alone. */
const frameBytesMax = 4096;

/** The records that wait for one stream. */
class Waiting implements TimedOwner {
  readonly queue: Queue;
  readonly owner: number;
  /** What is due when is known of all of its records. */
  isRead = true;
  readonly #table: Timetable;
  readonly #reader: LogReader;
  readonly #soon: DueSoon;

  constructor(table: Timetable, queue: Queue, timers: WallTimers) {
    this.#table = table;
    this.queue = queue;
    queue.log.group.frameBytesMax = frameBytesMax;
    this.owner = timers.addOwner(this);
    this.#reader = queue.reader();
    this.#soon = new DueSoon(queue, {
      work: queue.vhost.broker.work,
      budget: timers.soonBudget,
      collect: (until, into, most) => timers.collecting(this.owner, until, into, most),
    });
  }

  close(): void {
    this.#soon.close();
  }

  isWanted(offset: number): boolean {
    const { log } = this.queue;
    return offset >= log.firstOffset && !log.removed.has(offset);
  }

  soon(at: number): void {
    this.queue.log.store.seal();
    if (this.queue.log.bytes > sizes.waitingBytesReadSoon) this.#soon.prepare(at);
  }

  due(offset: number, at: number): number {
    this.queue.log.store.seal();
    if (!this.isWanted(offset)) return 0;
    const reader = this.#reader;
    const soon = this.#soon;
    try {
      if (this.queue.log.bytes > sizes.waitingBytesReadSoon) soon.prepare(at);
      let from: LogReader | DueSoon = soon;
      if (!soon.find(offset)) {
        reader.seek(offset);
        if (!reader.next() || reader.offset !== offset) return 0;
        from = reader;
      }
      const record = scheduledRecord(from);
      if (this.#table.deliver(this, offset, from.buffer, record)) this.#table.removed(this, offset);
      else this.#table.again(this, offset, at);
      return unitsOfDelivery + (record.end - record.start) / 1024;
    } catch (error) {
      this.queue.failed(error);
      this.#table.again(this, offset, at);
      return unitsOfDelivery;
    }
  }
}

export class Timetable implements LaterTable {
  readonly #broker: Broker;
  readonly #timers: WallTimers;
  readonly #destination: Destination;
  /** By vhost and name. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  /** A log was deleted, by this or with the virtual host that it is for. */
  readonly #listener: QueueListener = {
    queueMade: (queue) => {
      if (queue.log.length > 0) this.#adopt(queue);
    },
    queueDeleted: (queue) => this.#forget(queue),
  };
  /** Records that have entered their streams since the start. */
  delivered = 0;
  /** The highest handle of the logs that are gone: a log that takes the place of one of them goes on behind it, even in the same tick. */
  readonly #lastHandle = new EntryId();

  constructor(broker: Broker, destination: Destination) {
    this.#broker = broker;
    this.#destination = destination;
    this.#timers = broker.wallTimers;
    broker.timetables.set(destination.vhostPrefix, this);
  }

  /** The journal has been replayed, and `broker.enterStream` is set: what waits is read in slices, and enters its stream when it is due. */
  begin(): void {
    const { vhostPrefix } = this.#destination;
    const found: Unread[] = [];
    for (const { name, queues, queueListeners } of this.#broker.vhosts.values()) {
      if (!name.startsWith(vhostPrefix)) continue;
      queueListeners.add(this.#listener);
      for (const queue of queues.values()) {
        const waiting = this.#add(name.slice(vhostPrefix.length), queue);
        waiting.isRead = false;
        found.push({ waiting, from: 0, to: Infinity });
      }
    }
    if (found.length === 0) return;
    // What is overdue enters in the order of its times, so all of them are to be known.
    this.#timers.hold();
    this.#broker.work.run(this.#reading(found), () => this.#timers.release());
  }

  *#reading(found: readonly Unread[]): Job<void> {
    for (const { waiting, from, to } of found) {
      const { queue, owner } = waiting;
      const reader = queue.reader(from);
      let next = from;
      try {
        for (let count = 1; !queue.isDeleted; count++) {
          if (!reader.next()) {
            queue.log.store.seal();
            if (!reader.next()) break;
          }
          if (reader.offset >= to) break;
          this.#timers.add(scheduledRecord(reader).due, owner, reader.offset);
          next = reader.offset + 1;
          if (count % 64 === 0) yield 64;
        }
      } catch (error) {
        queue.failed(error);
        this.#readLater(waiting, next, to);
      }
      waiting.isRead = true;
      if (queue.log.length === 0) queue.vhost.deleteQueue(queue);
    }
    // A record that was cancelled meanwhile is passed over when it is due.
  }

  /** What cannot be read now is tried again. What is added from here on needs no reading. */
  #readLater(waiting: Waiting, from: number, to: number): void {
    const { queue } = waiting;
    queue.log.store.seal();
    const unread = { waiting, from, to: Math.min(to, queue.log.stableEnd) };
    this.#broker.timers.after(againMs, () => {
      if (!queue.isDeleted) this.#broker.work.run(this.#reading([unread]), () => {});
    });
  }

  /** The log of what waits for that stream; undefined when nothing does. */
  find(vhost: Vhost, name: string): Queue | undefined {
    return this.findIn(vhost.name, name);
  }

  findIn(vhostName: string, name: string): Queue | undefined {
    return this.#waiting.get(vhostName)?.get(name)?.queue;
  }

  /** Keeps a record until its time, on the disk if `isDurable`, as all of that name; its handle is put into `handle`. */
  add(vhost: Vhost, name: string, record: NewRecord, handle: EntryId, isDurable = true): Queue {
    let waiting = this.#waiting.get(vhost.name)?.get(name);
    if (waiting === undefined) {
      const hidden = this.#broker.createVhost(`${this.#destination.vhostPrefix}${vhost.name}`);
      hidden.queueListeners.add(this.#listener);
      const made = hidden.declareQueue({ ...implicitStream, durable: isDurable, name });
      waiting = this.#add(vhost.name, made);
      if (!this.#lastHandle.isZero) {
        const { maxDeletedId } = made.log;
        made.log.setMeta({ lastId: this.#lastHandle, maxDeletedId, entriesAdded: 0 });
      }
    }
    const { queue, owner, isRead } = waiting;
    const offset = appendScheduled(queue, record, handle);
    // Of one that is being read it will be found.
    if (isRead) this.#timers.add(record.due, owner, offset);
    return queue;
  }

  /** What waits for one destination waits for another one from now on, for which nothing waits. */
  move(from: WaitingPlace, to: WaitingPlace): void {
    const queue = this.findIn(from.vhostName, from.name);
    if (queue === undefined) return;
    const hidden = this.#broker.createVhost(`${this.#destination.vhostPrefix}${to.vhostName}`);
    hidden.queueListeners.add(this.#listener);
    renameStream(queue, hidden, to.name);
  }

  /** A log has come that is not empty: it was renamed. */
  #adopt(queue: Queue): void {
    const waiting = this.#add(queue.vhost.name.slice(this.#destination.vhostPrefix.length), queue);
    waiting.isRead = false;
    this.#broker.work.run(this.#reading([{ waiting, from: 0, to: Infinity }]), () => {});
  }

  /** Says whether it was waiting. */
  cancel(vhost: Vhost, name: string, handle: EntryId): boolean {
    return this.cancelIn(vhost.name, name, handle);
  }

  cancelIn(vhostName: string, name: string, handle: EntryId): boolean {
    const waiting = this.#waiting.get(vhostName)?.get(name);
    if (waiting === undefined) return false;
    const { queue } = waiting;
    const offset = offsetOfHandle(queue, handle);
    if (offset < 0) return false;
    if (queue.trace !== null) this.#broker.tracer.cancelled(vhostName, queue, offset);
    this.removed(waiting, offset);
    // Of one that is being read it is not known whether it was there; one that was dropped has been counted.
    if (waiting.isRead && !queue.isDeleted) this.#timers.becameStale(waiting.owner);
    return true;
  }

  /** A record waits no more: it is in its stream, or was cancelled. A log that is empty is deleted. */
  removed(waiting: Waiting, offset: number): void {
    const { log } = waiting.queue;
    log.remove(offset);
    if (waiting.isRead && log.length === 0 && log.store.openCountOf(log) === 0)
      waiting.queue.vhost.deleteQueue(waiting.queue);
  }

  /** For `Waiting` alone. */
  deliver({ queue }: Waiting, offset: number, buffer: Buffer, record: ScheduledRecord): boolean {
    const { envelope, start, end, isReturned } = record;
    const { vhostPrefix, enter } = this.#destination;
    const vhostName = queue.vhost.name.slice(vhostPrefix.length);
    const { storage } = this.#broker;
    const entering = { envelope, buffer, start, end };
    if (storage.failure !== null) return false;
    const { tracer } = this.#broker;
    const isTraced = queue.trace !== null;
    if (isTraced) tracer.carry(queue, offset, "", "arrived");
    try {
      if (!enter(vhostName, queue.name, entering, isReturned)) return false;
    } finally {
      if (isTraced) tracer.carried = null;
    }
    this.delivered++;
    return true;
  }

  again({ owner, queue }: Waiting, offset: number, at: number): void {
    const delayMs = this.#destination.againMs?.(queue.log.length) ?? againMs;
    this.#timers.add(Math.max(at, this.#broker.clock.now()) + delayMs, owner, offset);
  }

  #add(vhostName: string, queue: Queue): Waiting {
    const waiting = new Waiting(this, queue, this.#timers);
    let ofVhost = this.#waiting.get(vhostName);
    if (ofVhost === undefined) this.#waiting.set(vhostName, (ofVhost = new Map()));
    ofVhost.set(queue.name, waiting);
    return waiting;
  }

  #forget({ name, log, vhost }: Queue): void {
    const { vhostPrefix } = this.#destination;
    const vhostName = vhost.name.slice(vhostPrefix.length);
    const ofVhost = this.#waiting.get(vhostName);
    const waiting = ofVhost?.get(name);
    if (ofVhost === undefined || waiting === undefined) return;
    if (log.lastId.compare(this.#lastHandle) > 0) this.#lastHandle.copyFrom(log.lastId);
    waiting.close();
    this.#timers.removeOwner(waiting.owner);
    ofVhost.delete(name);
    if (ofVhost.size === 0) this.#waiting.delete(vhostName);
  }
}
