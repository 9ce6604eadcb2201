/**
 * Thousands of connections that do nothing, held by the bench's own process while others make load.
 *
 * Not here: what the load is. Invariant: each has been answered once when it opened, and again by `expectAllAlive`.
 */
import { connect, type Socket } from "node:net";
import { spawnSync } from "node:child_process";
import fs from "node:fs";

/** What the bench and a server need besides. */
const otherFiles = 500;
const openAtOnce = 100;
const answerMsMax = 30_000;

/**
 * How many connections may be held, asking for more where they do not suffice: children started from now on have the
 * same bound.
 */
export function connectionsAllowed(wanted: number): number {
  const needed = wanted + otherFiles;
  if (openFilesMax() < needed) spawnSync("prlimit", ["--pid", String(process.pid), `--nofile=${needed}:`]);
  if (openFilesMax() < needed)
    spawnSync("prlimit", ["--pid", String(process.pid), `--nofile=${needed}:${needed}`]);
  return openFilesMax() - otherFiles;
}

function openFilesMax(): number {
  try {
    const limits = fs.readFileSync("/proc/self/limits", "utf8");
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

/** What opens a connection, step by step, and what asks it for a sign of life. */
export interface Greeting {
  /** Each is sent when the one before was answered. */
  readonly steps: readonly (string | Buffer)[];
  readonly ask: string | Buffer;
}

export class IdleConnections {
  readonly #greeting: Greeting;
  readonly #sockets: Socket[] = [];
  #lost: Error | undefined;

  private constructor(greeting: Greeting) {
    this.#greeting = greeting;
  }

  static async open(port: number, count: number, greeting: Greeting): Promise<IdleConnections> {
    const idle = new IdleConnections(greeting);
    for (let opened = 0; opened < count; opened += openAtOnce) {
      const together = Math.min(openAtOnce, count - opened);
      await Promise.all(Array.from({ length: together }, () => idle.#open(port)));
    }
    return idle;
  }

  async #open(port: number): Promise<void> {
    const socket = connect(port, "127.0.0.1");
    this.#sockets.push(socket);
    socket.setNoDelay(true);
    socket.on("error", (error) => (this.#lost ??= error));
    socket.on("close", () => (this.#lost ??= new Error("the server closed an idle connection")));
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    for (const step of this.#greeting.steps) await answerTo(socket, step);
  }

  /** @throws when one was closed, or does not answer */
  async expectAllAlive(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    for (let from = 0; from < this.#sockets.length; from += openAtOnce) {
      const some = this.#sockets.slice(from, from + openAtOnce);
      await Promise.all(some.map((socket) => answerTo(socket, this.#greeting.ask)));
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.removeAllListeners("close").destroy();
  }
}

/** Any bytes are an answer: these are servers' greetings, not what is measured. */
function answerTo(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`an idle connection was not answered within ${answerMsMax} ms`)),
      answerMsMax,
    );
    socket.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(bytes);
  });
}
