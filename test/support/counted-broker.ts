/**
 * A broker in this process whose dealings with the system are counted: each write and sync of a file, each send on a
 * socket, and what they carried. The disk is the real one; sockets are not: bytes go in by `deliver`, as one read of a
 * socket would bring them, and the tests end the ticks. So a count depends on the code alone, and no machine is too slow.
 *
 * Not here: what is counted for which test. Invariant: after `settle` nothing waits for the disk.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Timers } from "../../src/base/clock.ts";
import type { Disk, DiskFile } from "../../src/base/disk.ts";
import { Logger } from "../../src/base/logger.ts";
import { Broker } from "../../src/broker/broker.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { NetConnection, type Transport } from "../../src/net/connection.ts";
import { systemClock, systemRandom } from "../../src/net/runtime.ts";
import { amqpProtocol } from "../../src/protocols/amqp/index.ts";
import type { Protocol } from "../../src/protocols/contract.ts";
import { kafkaProtocol } from "../../src/protocols/kafka/index.ts";
import { redisProtocol } from "../../src/protocols/redis/index.ts";
import { localDisk } from "../../src/storage/index.ts";

const settleTurnsMax = 10_000;
/** What one read of a socket brings at most. */
const readBytesMax = 64 * 1024;

export class SystemCounts {
  writes = 0;
  syncs = 0;
  sends = 0;
  /** Bytes of files and of sockets. */
  writtenBytes = 0;
  sentBytes = 0;

  get calls(): number {
    return this.writes + this.syncs + this.sends;
  }

  reset(): void {
    this.writes = this.syncs = this.sends = this.writtenBytes = this.sentBytes = 0;
  }
}

function countedFile(file: DiskFile, counts: SystemCounts): DiskFile {
  const count = (start: number, end: number) => {
    counts.writes++;
    counts.writtenBytes += end - start;
  };
  return {
    write(bytes, start, end, at) {
      count(start, end);
      file.write(bytes, start, end, at);
    },
    writeLater(bytes, start, end, at) {
      count(start, end);
      return file.writeLater(bytes, start, end, at);
    },
    sync() {
      counts.syncs++;
      return file.sync();
    },
    read: (target, targetAt, size, at) => file.read(target, targetAt, size, at),
    size: () => file.size(),
    truncate: (size) => file.truncate(size),
    close: () => file.close(),
  };
}

function countedDisk(counts: SystemCounts): Disk {
  return {
    ...localDisk,
    open: (name, mode) => countedFile(localDisk.open(name, mode), counts),
    syncDirectory(name) {
      counts.syncs++;
      return localDisk.syncDirectory(name);
    },
  };
}

/** Ticks end when the test says so; what is for later never happens. */
class ManualTimers implements Timers {
  #waiting: (() => void)[] = [];

  after(): { cancel(): void } {
    return { cancel: () => {} };
  }

  atTickEnd(action: () => void): void {
    this.#waiting.push(action);
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  endTick(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const action of waiting) action();
  }
}

/** One client: what it was sent is kept while `isKeeping`, else only counted. */
export class CountedPeer implements Transport {
  readonly local = { host: "127.0.0.1", port: 1 };
  readonly remote = { host: "127.0.0.1", port: 2 };
  isKeeping = true;
  received: Buffer = Buffer.alloc(0);
  isClosed = false;
  readonly #counts: SystemCounts;
  readonly #broker: CountedBroker;
  connection!: NetConnection;

  constructor(counts: SystemCounts, broker: CountedBroker) {
    this.#counts = counts;
    this.#broker = broker;
  }

  write(bytes: Buffer, start: number, end: number): number {
    this.#counts.sends++;
    this.#counts.sentBytes += end - start;
    if (this.isKeeping) this.received = Buffer.concat([this.received, bytes.subarray(start, end)]);
    return end - start;
  }

  pause(): void {
    assert.fail("flow control would make the count another one");
  }

  resume(): void {}

  end(): void {
    this.isClosed = true;
  }

  destroy(): void {
    this.isClosed = true;
  }

  /** In reads of 64 KiB, each a tick of its own; returns how many. */
  deliver(bytes: Buffer): number {
    let reads = 0;
    for (let at = 0; at < bytes.length; at += readBytesMax) {
      this.connection.received(bytes.subarray(at, at + readBytesMax));
      this.#broker.endTick();
      reads++;
    }
    return reads;
  }

  /** Sends, lets all come to rest, and returns what came. */
  async ask(bytes: Buffer): Promise<Buffer> {
    this.received = Buffer.alloc(0);
    this.deliver(bytes);
    await this.#broker.settle();
    return this.received;
  }
}

export class CountedBroker {
  readonly counts = new SystemCounts();
  readonly #timers = new ManualTimers();
  readonly #directory: string;
  readonly #protocols = new Map<string, Protocol>();
  broker!: Broker;
  #connections = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(options: { isKept: boolean; journalBytesMax?: number }): Promise<CountedBroker> {
    const directory = options.isKept ? fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-counts-")) : "memory";
    const counted = new CountedBroker(directory);
    const keyspace = new Keyspace(1);
    counted.broker = await Broker.open({
      disk: options.isKept ? countedDisk(counted.counts) : null,
      directory,
      clock: systemClock,
      timers: counted.#timers,
      random: systemRandom,
      logger: new Logger({ level: "warn", clock: systemClock, sink: (line) => process.stderr.write(line) }),
      journalBytesMax: options.journalBytesMax ?? 256 << 20,
      memoryBytesMax: 0,
      sources: [keyspace],
      redisStreamsDurability: "written",
      kafkaDurability: "fsync",
      onFatal: (error) => assert.fail(error),
    });
    keyspace.start(counted.broker);
    for (const protocol of [
      redisProtocol(counted.broker, keyspace),
      amqpProtocol(counted.broker),
      kafkaProtocol(counted.broker, { host: "localhost", port: 9092 }),
    ]) {
      counted.#protocols.set(protocol.name, protocol);
    }
    return counted;
  }

  connect(protocol: Protocol["name"]): CountedPeer {
    const peer = new CountedPeer(this.counts, this);
    this.#connections++;
    const { ticker } = this.broker;
    peer.connection = new NetConnection(this.#connections, peer, ticker, systemClock.now(), () => {});
    peer.connection.session = this.#protocols.get(protocol)!.createSession(peer.connection);
    return peer;
  }

  endTick(): void {
    this.#timers.endTick();
  }

  /** Ends ticks, and lets the disk answer, until all that was written is durable. */
  async settle(): Promise<void> {
    const { storage } = this.broker;
    let quiet = 0;
    for (let turns = 0; quiet < 3; turns++) {
      assert.ok(turns < settleTurnsMax, "the broker does not come to rest");
      this.endTick();
      const isWaiting = storage.durable < storage.written && (storage.journal?.isSyncing ?? false);
      await new Promise((resolve) => (isWaiting ? setTimeout(resolve, 1) : setImmediate(resolve)));
      quiet = isWaiting || !this.#timers.isIdle ? 0 : quiet + 1;
    }
  }

  async close(): Promise<void> {
    await this.broker.close();
    if (this.#directory !== "memory") fs.rmSync(this.#directory, { recursive: true, force: true });
  }
}
