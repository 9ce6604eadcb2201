/**
 * What the tests of flow control share: peers that stop reading, and how much memory the broker uses meanwhile.
 *
 * Not here: protocols; a test says its bytes itself. Invariant: a paused peer takes nothing but what the system buffers.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { until as eventually, waitMsMax } from "../../support/wait.ts";

export { until as eventually } from "../../support/wait.ts";

export const mebibyte: number = 1 << 20;

/** For each test; `bun test` would give it five seconds. */
export const testMsMax: number = 2 * waitMsMax;

/** Resident memory of a process; 0 where there is no /proc, so that what is asserted of it holds by itself. */
export function residentBytes(pid: number): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Says what was measured, when asked to. */
export function figure(text: string): void {
  if (process.env["TROIKAMQ_TEST_FIGURES"] !== undefined) process.stderr.write(`figure: ${text}\n`);
}

/** Watches how far a process grows from where it is now. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = residentBytes(pid);
    // A test that fails before its end leaves the watch behind.
    this.#timer = setInterval(() => this.#look(), 10).unref();
  }

  #look(): void {
    this.#peak = Math.max(this.#peak, residentBytes(this.#pid));
  }

  /** Ends the watch, says what it saw and fails when that is too much. */
  endsBelow(bytesMax: number, what: string): void {
    clearInterval(this.#timer);
    this.#look();
    const grown = (this.#peak - this.#before) / mebibyte;
    figure(`${what}: ${grown.toFixed(1)} MiB more`);
    assert.ok(grown * mebibyte < bytesMax, `${what}: the broker grew by ${grown.toFixed(1)} MiB`);
  }
}

/** A plain socket whose reading the test starts and stops. */
export class Peer {
  readonly socket: net.Socket;
  /** Bytes that it read. */
  received = 0;
  isClosed = false;
  /** Takes each chunk that is read. */
  take: (bytes: Buffer) => void = () => {};

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.received += bytes.length;
      this.take(bytes);
    });
    socket.on("error", () => {});
    socket.on("close", () => (this.isClosed = true));
  }

  static connect(port: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
      const peer = new Peer(socket);
      socket.once("connect", () => resolve(peer));
      socket.once("error", reject);
    });
  }

  send(...bytes: (Buffer | string)[]): void {
    for (const piece of bytes) this.socket.write(piece);
  }

  /** Bytes that were sent and that the system has not taken. */
  get unsent(): number {
    return this.socket.writableLength;
  }

  stopReading(): void {
    this.socket.pause();
  }

  read(): void {
    this.socket.resume();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await eventually(() => this.isClosed, "the socket's end");
  }
}

/** A Redis request. */
export function redis(...words: (string | Buffer)[]): Buffer {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.from(word as Buffer);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** The longest that a Redis PING took while `work` was going on. */
export async function slowestPing(port: number, work: Promise<unknown>): Promise<number> {
  const peer = await Peer.connect(port);
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  work.then(over, over);
  let slowest = 0;
  while (!isOver) {
    const { received } = peer;
    const from = performance.now();
    peer.send(redis("PING"));
    await eventually(() => peer.received > received, "PONG");
    slowest = Math.max(slowest, performance.now() - from);
    await delay(2);
  }
  await peer.close();
  await work;
  return slowest;
}
