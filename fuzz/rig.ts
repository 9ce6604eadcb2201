/**
 * A real broker, in memory unless a disk is given, with real sessions, and peers that are no sockets: what a session target feeds and probes.
 *
 * Not here: which bytes are fed. Invariants: a piece given to a session is overwritten afterwards, so that whoever keeps
 * a view of it is found out; time moves by `settle` only.
 */
import type { Address } from "../src/base/connection.ts";
import type { Disk } from "../src/base/disk.ts";
import { Logger } from "../src/base/logger.ts";
import { passwordDigest } from "../src/broker/access/password-hash.ts";
import { everyName, newUser } from "../src/broker/access/users.ts";
import { Broker } from "../src/broker/broker.ts";
import { Keyspace } from "../src/keyspace/keyspace.ts";
import { NetConnection, type Transport } from "../src/net/connection.ts";
import { amqpProtocol } from "../src/protocols/amqp/index.ts";
import type { Protocol } from "../src/protocols/contract.ts";
import { kafkaProtocol } from "../src/protocols/kafka/index.ts";
import { loadCommandDocs } from "../src/protocols/redis/command-docs.ts";
import { redisProtocol } from "../src/protocols/redis/index.ts";
import { quickHash } from "../sim/quick-hash.ts";
import { Seeded } from "../sim/seeded.ts";
import { SimTime } from "../sim/time.ts";

const poison = 0xdb;
const ticksMax = 64;

export class Peer implements Transport {
  readonly local: Address = { host: "fuzz", port: 1 };
  readonly remote: Address = { host: "fuzz", port: 2 };
  connection!: NetConnection;
  isPaused = false;
  isClosed = false;
  /** It does not read. */
  isStuck = false;
  sizeReceived = 0;
  readonly #parts: Buffer[] = [];

  write(bytes: Buffer, start: number, end: number): number {
    if (this.isStuck) return 0;
    this.sizeReceived += end - start;
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    return end - start;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.#close();
  }

  destroy(): void {
    this.#close();
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.connection.closed();
  }

  /** What `take` would give. */
  heard(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** What the broker has said since the last call. */
  take(): Buffer {
    return Buffer.concat(this.#parts.splice(0));
  }

  send(piece: Buffer): void {
    if (this.isClosed) return;
    this.connection.received(piece);
    piece.fill(poison);
  }
}

export class Rig {
  readonly time = new SimTime();
  readonly errors: string[] = [];
  broker!: Broker;
  readonly #protocols = new Map<string, Protocol>();
  #nextId = 1;

  static async open(memoryBytesMax = 0, disk: Disk | null = null): Promise<Rig> {
    const rig = new Rig();
    // A rig does not wait for promises: what COMMAND DOCS would load is there.
    await loadCommandDocs();
    const random = new Seeded(1);
    const logger = new Logger({ level: "error", clock: rig.time, sink: (line) => rig.errors.push(line) });
    const keyspace = new Keyspace(1);
    rig.broker = await Broker.open({
      disk,
      directory: disk === null ? "memory" : "data",
      clock: rig.time,
      timers: rig.time,
      random,
      logger,
      journalBytesMax: 1 << 20,
      memoryBytesMax,
      sources: [keyspace],
      redisStreamsDurability: disk === null ? "memory" : "written",
      kafkaDurability: "fsync",
      passwordHash: quickHash,
      onFatal: (error) => rig.errors.push(String(error)),
    });
    keyspace.start(rig.broker);
    const { broker } = rig;
    const all = [
      redisProtocol(broker, keyspace),
      amqpProtocol(broker),
      kafkaProtocol(broker, { host: "fuzz", port: 1 }),
    ];
    for (const protocol of all) rig.#protocols.set(protocol.name, protocol);
    return rig;
  }

  connect(name: Protocol["name"]): Peer {
    const peer = new Peer();
    const connection = new NetConnection(this.#nextId++, peer, this.broker.ticker, this.time.now(), () => {
      peer.isClosed = true;
    });
    peer.connection = connection;
    connection.session = this.#protocols.get(name)!.createSession(connection);
    return peer;
  }

  /** A user of one virtual host, whose password is its name. */
  addUser(name: string, vhost: string): void {
    const { access } = this.broker;
    const passwords = [access.storedPassword(passwordDigest(name))];
    access.users.set(newUser(name, { passwords, permissions: { [vhost]: everyName } }));
  }

  /** Ends ticks until nothing asks for another. */
  settle(): void {
    for (let i = 0; i < ticksMax && this.time.hasTickEnd; i++) this.time.endTick();
  }
}
