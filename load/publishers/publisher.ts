/**
 * A client that publishes as fast as it is let, remembers what was acknowledged, and can read all of it back.
 * Invariant: a message counts as acknowledged only when the broker said so.
 */
import type { TestPorts } from "../../test/support/broker.ts";
import type { Arrivals } from "../base/sequences.ts";

export interface Publisher {
  readonly protocol: "redis" | "amqp" | "kafka";
  readonly acknowledged: Arrivals;
  readonly sentBytes: number;
  open(ports: TestPorts): Promise<void>;
  /** Until `stop`, or until the broker is gone; never throws for that. */
  send(): Promise<void>;
  stop(): void;
  /** From a broker that runs again: all that it has of this publisher. */
  readAll(ports: TestPorts): Promise<Arrivals>;
}
