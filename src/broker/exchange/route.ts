/** Where one routing key leads from one exchange: found once, then reused for every message with that key. */
import type { LogGroup } from "../../storage/index.ts";
import type { Queue } from "../queue/queue.ts";

export interface Route {
  /** Durable logs, written together; null without any. */
  readonly durable: LogGroup | null;
  /** Logs that live in memory; null without any. */
  readonly volatile: LogGroup | null;
  readonly queues: readonly Queue[];
  /** A queue that must be asked before each publish (`overflow=reject-publish`). */
  readonly hasGuards: boolean;
  /** It leads through `amq.topic`: live subscribers to the key hear the message. */
  readonly reachesLive: boolean;
  /** A message's headers had a say: it is no other message's route, even with the same key. */
  readonly usesHeaders: boolean;
}

const nowhere = { durable: null, volatile: null, queues: [], hasGuards: false, reachesLive: false };
export const noRoute: Route = { ...nowhere, usesHeaders: false };
export const noRouteByHeaders: Route = { ...nowhere, usesHeaders: true };
