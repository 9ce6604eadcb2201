/**
 * The other client, in a process of its own so that the attacker's work does not count as the broker's: sends PING over
 * one Redis connection and ApiVersions over one Kafka connection every few milliseconds, one at a time each, and keeps the
 * longest wait. It also reads the broker's RSS.
 *
 *     fork("probe.ts", [redisPort, kafkaPort, brokerPid])   <- "begin" | "end"   -> Measured
 *
 * "begin" forgets what was measured, "end" asks for it. A request that is unanswered at the end counts with the time that
 * it has waited so far.
 */
import fs from "node:fs";
import net from "node:net";

export interface Measured {
  readonly redisWaitMsMax: number;
  readonly kafkaWaitMsMax: number;
  /** 0 where the system does not tell. */
  readonly rssBytesMax: number;
  readonly rssBytes: number;
}

const intervalMs = 4;
const [redisPort, kafkaPort, brokerPid] = process.argv.slice(2).map(Number);

class Waits {
  readonly #socket: net.Socket;
  readonly #request: Buffer;
  readonly #isWhole: (bytes: Buffer) => boolean;
  #sentAtMs: number | null = null;
  #received = Buffer.alloc(0);
  #waitMsMax = 0;

  constructor(port: number, request: Buffer, isWhole: (bytes: Buffer) => boolean) {
    this.#request = request;
    this.#isWhole = isWhole;
    this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => this.#send());
    this.#socket.on("data", (bytes: Buffer) => this.#data(bytes));
    // A connection that is cut answers nothing more: what was asked last waits until the end.
    this.#socket.on("error", () => {});
  }

  #send(): void {
    this.#sentAtMs = performance.now();
    this.#socket.write(this.#request);
  }

  #data(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (!this.#isWhole(this.#received)) return;
    this.#received = Buffer.alloc(0);
    this.#waitMsMax = this.waitMsMax;
    this.#sentAtMs = null;
    setTimeout(() => this.#send(), intervalMs);
  }

  get waitMsMax(): number {
    const waiting = this.#sentAtMs === null ? 0 : performance.now() - this.#sentAtMs;
    return Math.max(this.#waitMsMax, waiting);
  }

  reset(): void {
    this.#waitMsMax = 0;
  }
}

/** ApiVersions version 0: a header without a client id, and no body. */
const apiVersions = Buffer.from("0000000a00120000000000010000", "hex");

const redis = new Waits(redisPort!, Buffer.from("*1\r\n$4\r\nPING\r\n"), (bytes) => bytes.length >= 7);
const kafka = new Waits(
  kafkaPort!,
  apiVersions,
  (bytes) => bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0),
);

function memory(name: "VmHWM" | "VmRSS"): number {
  try {
    const status = fs.readFileSync(`/proc/${brokerPid}/status`, "latin1");
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function begin(): void {
  redis.reset();
  kafka.reset();
  try {
    // Linux: the peak begins anew.
    fs.writeFileSync(`/proc/${brokerPid}/clear_refs`, "5");
  } catch {
    // The peak counts from the broker's start.
  }
}

process.on("message", (asked: "begin" | "end") => {
  if (asked === "begin") return begin();
  const measured: Measured = {
    redisWaitMsMax: redis.waitMsMax,
    kafkaWaitMsMax: kafka.waitMsMax,
    rssBytesMax: memory("VmHWM"),
    rssBytes: memory("VmRSS"),
  };
  process.send!(measured);
});
process.on("disconnect", () => process.exit(0));
