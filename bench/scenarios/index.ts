/** All scenarios, in the order in which they run: those with the same servers stand together. */
import type { AnyScenario } from "../contract.ts";
import { acrossScenarios } from "./across.ts";
import { amqpScenarios } from "./amqp.ts";
import { amqpQueuesScenarios } from "./amqp-queues.ts";
import { connectionsScenarios } from "./connections.ts";
import { featuresScenarios } from "./features.ts";
import { growthScenarios } from "./growth.ts";
import { kafkaScenarios } from "./kafka.ts";
import { loadedMemoryScenarios } from "./loaded-memory.ts";
import { redisMemoryScenarios } from "./redis-memory.ts";
import { redisScenarios } from "./redis.ts";
import { restartScenarios } from "./restart.ts";
import { startScenarios } from "./start.ts";

export const scenarios: readonly AnyScenario[] = [
  ...redisScenarios,
  ...amqpScenarios,
  ...amqpQueuesScenarios,
  ...kafkaScenarios,
  ...acrossScenarios,
  ...startScenarios,
  ...loadedMemoryScenarios,
  ...redisMemoryScenarios,
  ...restartScenarios,
  ...growthScenarios,
  ...featuresScenarios,
  ...connectionsScenarios,
];
