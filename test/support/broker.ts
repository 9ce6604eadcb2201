/**
 * A broker for tests: a process of its own, on free ports, over a directory of its own that is checked and removed
 * at the end.
 *
 *     const broker = await startTestBroker();
 *     await broker.kill(); await broker.restart(); ...; await broker.stop();
 *
 * TROIKAMQ_TEST_RUNTIME (`bun`, the default, or `node`) says what runs it. Not here: clients.
 * Invariant: `stop` leaves no process and no directory, and fails when the broker did not end by itself with code 0,
 * or when `troikamq check` finds fault with what it left on disk.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type PortName, portNames } from "../../src/base/config/listeners.ts";
import * as storage from "../../src/storage/index.ts";
import { ownPort } from "./ports.ts";
import { until, waitMsMax } from "./wait.ts";

const root = path.join(import.meta.dirname, "../..");
const logBytesKept = 64 * 1024;

/** What still runs when the tests end, because one of them failed, goes with them. */
const running = new Set<number>();
process.on("exit", () => {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone by itself.
    }
  }
});

export type TestPorts = Readonly<Record<PortName, number>>;

export interface TestBrokerOptions {
  /** `memory` keeps nothing; otherwise a directory that the caller removes. Default: a new one, removed by `stop`. */
  readonly dataDir?: string;
  /** More of the command line, for example `["--log-level", "debug"]`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to be ready: `waitMsMax` if absent. */
  readonly startMsMax?: number;
}

type CheckDataDirectory = (directory: string) => Promise<{ ok: boolean; lines: readonly string[] }>;

interface Ready {
  readonly pid: number;
  readonly ports: TestPorts;
}

export class TestBroker {
  readonly dataDir: string;
  readonly #options: TestBrokerOptions;
  readonly #isOwnDirectory: boolean;
  #child: ChildProcess | null = null;
  #exited: Promise<number> = Promise.resolve(0);
  #ready: Ready | null = null;
  /** The end of what the broker wrote to stderr. */
  log = "";

  constructor(options: TestBrokerOptions) {
    this.#options = options;
    this.#isOwnDirectory = options.dataDir === undefined;
    this.dataDir = options.dataDir ?? fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-test-"));
  }

  /** The same before and after a restart. */
  get ports(): TestPorts {
    return this.#ready!.ports;
  }

  /** Of the broker itself, not of a launcher before it. */
  get pid(): number {
    return this.#ready!.pid;
  }

  get amqpUrl(): string {
    return `amqp://guest:guest@127.0.0.1:${this.ports.amqp}`;
  }

  /** The number of one series of /metrics, named with its labels as they stand there. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.http}/metrics`)).text();
    const line = text.split("\n").find((each) => each.startsWith(`${series} `));
    assert.ok(line !== undefined, `no series ${series}`);
    return Number(line.slice(series.length + 1));
  }

  /** Waits until the log says so: what a process writes to stderr comes later than what it sends to its clients. */
  async logged(pattern: RegExp | string): Promise<void> {
    const isThere = (): boolean =>
      typeof pattern === "string" ? this.log.includes(pattern) : pattern.test(this.log);
    await until(isThere, `${pattern} in the log`);
  }

  async start(): Promise<void> {
    const args = [path.join(root, "bin/troikamq.js"), "start", "--data-dir", this.dataDir];
    for (const name of portNames) {
      args.push(`--${name}-port`, String(this.#ready?.ports[name] ?? (await ownPort())));
    }
    args.push(...(this.#options.args ?? []));
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        ...this.#options.env,
        TROIKAMQ_RUNTIME: process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun",
      },
    });
    this.#child = child;
    this.#exited = new Promise((resolve, reject) => {
      child.on("error", reject);
      // Not "exit": its last lines may still be on their way.
      child.on("close", (code, signal) => resolve(code ?? 128 + os.constants.signals[signal!]));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.log = (this.log + text).slice(-logBytesKept);
    });
    this.#ready = JSON.parse(await this.#readyLine(child)) as Ready;
    const { pid } = this.#ready;
    running.add(pid);
    void this.#exited.then(() => running.delete(pid));
  }

  #readyLine(child: ChildProcess): Promise<string> {
    const { startMsMax = waitMsMax } = this.#options;
    return new Promise((resolve, reject) => {
      let text = "";
      const timer = setTimeout(() => {
        // The launcher hands it on to the broker, whose pid nobody knows yet.
        child.kill("SIGTERM");
        this.#child = null;
        reject(new Error(`the broker was not ready within ${startMsMax} ms\n${this.log}`));
      }, startMsMax);
      child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        if (!text.includes("\n")) return;
        clearTimeout(timer);
        resolve(text);
      });
      void this.#exited.then((code) => {
        clearTimeout(timer);
        reject(new Error(`the broker ended with code ${code} before it was ready\n${this.log}`));
      });
    });
  }

  /** Resolves to the exit code once it has ended by itself. */
  async ended(): Promise<number> {
    const code = await this.#exited;
    this.#child = null;
    return code;
  }

  /** Ends the process by a signal, at once and without mercy unless told otherwise; returns the exit code. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number> {
    if (this.#child !== null) process.kill(this.pid, signal);
    this.#child = null;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        process.kill(this.pid, "SIGKILL");
        reject(new Error(`the broker did not end within ${waitMsMax} ms of ${signal}\n${this.log}`));
      }, waitMsMax);
    });
    try {
      return await Promise.race([this.#exited, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts it again over the same directory and ports, ending it politely first when it still runs. */
  async restart(): Promise<void> {
    if (this.#child !== null) assert.equal(await this.kill("SIGTERM"), 0, this.log);
    await this.check();
    await this.start();
  }

  async stop(): Promise<void> {
    try {
      if (this.#child !== null) assert.equal(await this.kill("SIGTERM"), 0, this.log);
      await this.check();
    } finally {
      if (this.#isOwnDirectory) fs.rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  /** What `troikamq check` does, on the directory of a broker that does not run. */
  async check(): Promise<void> {
    const { checkDataDirectory } = storage as { checkDataDirectory?: CheckDataDirectory };
    if (this.dataDir === "memory" || checkDataDirectory === undefined) return;
    const { ok, lines } = await checkDataDirectory(this.dataDir);
    assert.ok(ok, lines.join("\n"));
  }
}

export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = new TestBroker(options);
  await broker.start();
  return broker;
}
