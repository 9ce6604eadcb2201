/** What `npm run load` holds the broker to, in the order in which it runs. */
import type { Scenario } from "../base/scenario.ts";
import { connections } from "./connections.ts";
import { large } from "./large.ts";
import { publishersScenario } from "./publishers.ts";
import { queuesScenario } from "./queues.ts";
import { stoppedReaders } from "./stopped-readers.ts";
import { stormScenario } from "./storm.ts";
import { unacked } from "./unacked.ts";

export const scenarios: readonly Scenario[] = [
  connections,
  stormScenario,
  stoppedReaders,
  publishersScenario,
  unacked,
  large,
  queuesScenario,
];
