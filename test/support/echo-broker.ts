/**
 * A process for tests of WebSocket: a broker, on the runtime that runs this, with a protocol at `/echo` that writes what it
 * hears to the journal and says it again once that is on the disk, which the test can hold.
 *
 *     runtime echo-broker.ts '{"tlsCert": …}'     prints {"ports": …}, then answers each line of stdin by one line
 *
 * Lines: `hold` (no sync ends), `release`, `facts` ({"open": …, "ended": …, "inFlight": …, "received": …}), `stop`.
 */
import { createInterface } from "node:readline";
import { embeddedConfig } from "../../src/base/config/embedding.ts";
import { thisMachine } from "../../src/base/machine.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { startConfigured } from "../../src/embed.ts";
import type { Connection, Protocol, Session } from "../../src/protocols/contract.ts";
import type { DiskFile } from "../../src/base/disk.ts";
import { type Disk, localDisk } from "../../src/storage/index.ts";

let release = (): void => {};
let held: Promise<void> = Promise.resolve();

class HeldFile implements DiskFile {
  readonly #file: DiskFile;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array, start: number, end: number, at: number): void {
    this.#file.write(bytes, start, end, at);
  }

  writeLater(bytes: Uint8Array, start: number, end: number, at: number): Promise<void> {
    return this.#file.writeLater(bytes, start, end, at);
  }

  read(target: Uint8Array, targetAt: number, size: number, at: number): number {
    return this.#file.read(target, targetAt, size, at);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
    await held;
  }

  size(): number {
    return this.#file.size();
  }

  truncate(size: number): void {
    this.#file.truncate(size);
  }

  close(): void {
    this.#file.close();
  }
}

const disk: Disk = { ...localDisk, open: (path, mode) => new HeldFile(localDisk.open(path, mode)) };

const facts = { open: 0, ended: 0, received: 0 };
let heldBroker: Broker | null = null;

class EchoSession implements Session {
  readonly #connection: Connection;
  readonly #broker: Broker;

  constructor(connection: Connection, broker: Broker) {
    this.#connection = connection;
    this.#broker = broker;
    facts.open++;
    connection.settle(true);
  }

  onData(bytes: Buffer): void {
    facts.received += bytes.length;
    const { storage } = this.#broker;
    storage.definitions.put("test/echo", JSON.stringify(facts.received));
    this.#connection.holdUntilDurable(storage.pending);
    this.#connection.output.bytes(bytes);
    this.#connection.touch();
  }

  onWritable(): void {}

  onShutdown(): void {
    this.#connection.output.latin1("bye");
  }

  onClosed(): void {
    facts.open--;
    facts.ended++;
  }
}

function echoProtocol(broker: Broker): Protocol {
  heldBroker = broker;
  return {
    name: "echo",
    webSocket: { names: ["echo"], isNameNeeded: false, sends: "binary", takesText: true },
    createSession: (connection) => new EchoSession(connection, broker),
  };
}

const options = JSON.parse(process.argv[2] ?? "{}") as object;
const running = await startConfigured(embeddedConfig({ logLevel: "error", ...options }, thisMachine()), {
  disk,
  webSockets: (broker) => [{ path: "/echo", protocol: echoProtocol(broker) }],
});
const tell = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
tell({ ports: running.ports });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "hold") held = new Promise((resolve) => (release = resolve));
  if (line === "release") release();
  const answer = (): void => tell({ ...facts, inFlight: heldBroker?.inFlight.total });
  if (line !== "stop") answer();
  else {
    // The next lines are heard meanwhile.
    void running.close().then(() => {
      answer();
      process.exit(0);
    });
  }
}
