/**
 * Heartbeats of one connection: one timer that looks at the byte counters twice in each interval, so that no message
 * costs anything. Spec 4.2.7: a peer that is silent for two intervals is gone. An idle connection sends one at each look,
 * as RabbitMQ does: clients that allow no more than one interval of silence stay connected.
 *
 * Invariant: while we do not read from the peer (flow control), its silence is not held against it.
 */
import type { Timer } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import type { SparseLog } from "../../../base/sparse-log.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Connection } from "../../contract.ts";
import type { AmqpServer } from "./server.ts";
import { writeHeartbeat } from "../wire/content-output.ts";

const checksPerInterval = 2;
const silentIntervalsMax = 2;

export class Heartbeat {
  readonly #connection: Connection;
  readonly #broker: Broker;
  readonly #silentLog: SparseLog;
  #timer: Timer | null = null;
  #checkMs = 0;
  /** As negotiated; 0 for none. */
  intervalSeconds = 0;
  #seenReceived = 0;
  #seenSent = 0;
  #silentChecks = 0;

  constructor(connection: Connection, { broker, silentLog }: Pick<AmqpServer, "broker" | "silentLog">) {
    this.#connection = connection;
    this.#broker = broker;
    this.#silentLog = silentLog;
  }

  /** `intervalSeconds` as negotiated; 0 for none. */
  start(intervalSeconds: number): void {
    this.stop();
    this.intervalSeconds = intervalSeconds;
    if (intervalSeconds === 0) return;
    this.#checkMs = (intervalSeconds * 1000) / checksPerInterval;
    this.#later();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #later(): void {
    this.#timer = this.#broker.timers.after(this.#checkMs, () => this.#check());
  }

  /** The broker does not read from a peer that does not read its output. */
  get #isStalled(): boolean {
    return this.#connection.outputBytes > limits.outputHighWaterBytes;
  }

  #check(): void {
    const connection = this.#connection;
    if (connection.bytesReceived !== this.#seenReceived || this.#broker.flow.isBlocked || this.#isStalled) {
      this.#silentChecks = 0;
    } else if (++this.#silentChecks > silentIntervalsMax * checksPerInterval) {
      this.#silentLog.add({ remote: connection.remote.host });
      connection.destroy();
      return;
    }
    this.#seenReceived = connection.bytesReceived;
    const isIdle = connection.bytesSent === this.#seenSent;
    if (isIdle) {
      connection.answerTo(connection.answerMark, () => {
        writeHeartbeat(connection.output);
        connection.touch();
      });
    }
    // The broker's own heartbeat does not count as traffic.
    this.#seenSent = connection.bytesSent + (isIdle ? connection.outputBytes : 0);
    this.#later();
  }
}
