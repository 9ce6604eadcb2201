/** Where one routing key leads from one exchange. Found once, and used for every message with that key. */
import type { LogGroup } from "../../storage/index.ts";
import type { Queue } from "../queue/queue.ts";

export interface Route {
  /** The durable logs, written together; null if there are none. */
  readonly durable: LogGroup | null;
  /** The logs in memory; null if there are none. */
  readonly volatile: LogGroup | null;
  readonly queues: readonly Queue[];
  /** Whether a queue must be asked before each publish (`overflow=reject-publish`). */
  readonly hasGuards: boolean;
  /** Whether it leads through `amq.topic`, so that live subscribers to the key get the message. */
  readonly reachesLive: boolean;
  /** Whether a message's headers decided: then it is not the route of other messages with the same key. */
  readonly usesHeaders: boolean;
}

const nowhere = { durable: null, volatile: null, queues: [], hasGuards: false, reachesLive: false };
export const noRoute: Route = { ...nowhere, usesHeaders: false };
export const noRouteByHeaders: Route = { ...nowhere, usesHeaders: true };
