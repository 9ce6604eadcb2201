/** Redis beside redis-server; by durability, so that scenarios with the same servers stand together. */
import type { Durability, Scenario } from "../contract.ts";
import { commandScenarios } from "./redis-commands.ts";
import { pubSubScenarios } from "./redis-pub-sub.ts";
import { queueScenarios } from "./redis-queues.ts";
import { streamScenarios } from "./redis-streams.ts";

const durabilities: readonly Durability[] = ["none", "written", "fsync"];

const groups = [commandScenarios, queueScenarios, pubSubScenarios, streamScenarios];

export const redisScenarios: readonly Scenario[] = durabilities.flatMap((durability) =>
  groups.flatMap((scenariosOf) => scenariosOf(durability)),
);
