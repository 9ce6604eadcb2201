/** Where one routing key leads from one exchange. Found once, and used for every message with that key. */
import type { LogGroup } from "../../storage/index.ts";
import type { Station } from "./stations/station.ts";
import type { Queue } from "../queue/queue.ts";

export interface Route {
  /** The durable logs, written together; null if there are none. */
  readonly durable: LogGroup | null;
  /** The logs in memory; null if there are none. */
  readonly volatile: LogGroup | null;
  readonly queues: readonly Queue[];
  /** Whether a queue must be asked before each publish (`overflow=reject-publish`, or an intake). */
  readonly hasGuards: boolean;
  /** Whether a queue looks for messages to trace (`trace-sample`). */
  readonly isTraced: boolean;
  /** Whether it leads through `amq.topic`, so that live subscribers to the key get the message. */
  readonly reachesLive: boolean;
  /** More than the key decided: then it is not the route of other messages with the same key. */
  readonly isPerMessage: boolean;
  /** An exchange on the way takes it, beside what queues get. */
  readonly isHeld: boolean;
  /** A queue gets it, or `isHeld`. */
  readonly isTaken: boolean;
  /** Exchanges on the way that keep the message; mostly null. */
  readonly stations: readonly Station[] | null;
}

const nowhere = {
  durable: null,
  volatile: null,
  queues: [],
  hasGuards: false,
  isTraced: false,
  reachesLive: false,
  isHeld: false,
  isTaken: false,
  stations: null,
};
/** Somebody keeps the message who may keep it on the disk. */
export function isKeptOnDisk({ durable, stations }: Route): boolean {
  return durable !== null || stations !== null;
}

export const noRoute: Route = { ...nowhere, isPerMessage: false };
export const noRouteOfMessage: Route = { ...nowhere, isPerMessage: true };
