/** The broker as a child process that can be killed and started again on the same ports and data directory. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

export interface Ports {
  redis: number;
  amqp: number;
  kafka: number;
}

interface ReadyLine {
  pid: number;
  ports: Ports;
}

const root = path.join(import.meta.dirname, "..", "..");
const readyMsMax = 20_000;

export class BrokerProcess {
  readonly #dataDir: string;
  #child: ChildProcess | null = null;
  #pid = 0;
  ports: Ports = { redis: 0, amqp: 0, kafka: 0 };

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** Starts it and resolves once it is ready. The first start takes free ports, later ones the same. */
  async start(): Promise<void> {
    const { redis, amqp, kafka } = this.ports;
    const args = ["start", "--data-dir", this.#dataDir, "--http-port", "off", "--log-level", "warn"];
    args.push("--redis-port", String(redis), "--amqp-port", String(amqp), "--kafka-port", String(kafka));
    const child = spawn(process.execPath, [path.join(root, "bin", "troikamq.js"), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    const ready = await readyLineOf(child);
    this.#pid = ready.pid;
    this.ports = ready.ports;
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    process.kill(this.#pid, signal);
    await gone;
  }
}

function readyLineOf(child: ChildProcess): Promise<ReadyLine> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(
      () => reject(new Error(`the broker was not ready in ${readyMsMax} ms`)),
      readyMsMax,
    );
    child.once("exit", (code) => reject(new Error(`the broker ended with code ${code} before it was ready`)));
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("\n")) return;
      clearTimeout(timer);
      resolve(JSON.parse(text.slice(0, text.indexOf("\n"))) as ReadyLine);
    });
  });
}
