/** All scenarios, in the order in which they run: those with the same servers stand together. */
import type { Scenario } from "../contract.ts";
import { kafkaScenarios } from "./kafka.ts";
import { redisScenarios } from "./redis.ts";

export const scenarios: readonly Scenario[] = [...redisScenarios, ...kafkaScenarios];
