/** All that is fuzzed. */
import type { Target } from "../target.ts";
import { amqpFrames, amqpHeaders, amqpMethods, amqpTables } from "./amqp-wire.ts";
import { kafkaBatches, kafkaFrames, kafkaRequests, varints } from "./kafka-wire.ts";
import { config, globs, regexes } from "./plain.ts";
import { redisReplies, redisRequests } from "./redis-wire.ts";
import { sessions } from "./sessions.ts";
import { journals, segments } from "./storage.ts";
import { webSocketFrames } from "./websocket-wire.ts";
import { amqpViews, kafkaViews, redisViews } from "./views.ts";

export const targets: readonly Target[] = [
  redisRequests,
  redisReplies,
  amqpFrames,
  amqpMethods,
  amqpTables,
  amqpHeaders,
  kafkaRequests,
  kafkaFrames,
  kafkaBatches,
  varints,
  globs,
  regexes,
  config,
  webSocketFrames,
  amqpViews,
  kafkaViews,
  redisViews,
  journals,
  segments,
  ...sessions,
];
