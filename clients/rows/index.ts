/** All rows of `npm run test:clients`, by protocol. */
import type { ClientRow } from "../base/row.ts";
import { amqpClients } from "./amqp.ts";
import { kafkaClients } from "./kafka.ts";
import { redisClients } from "./redis.ts";

export const rows: readonly ClientRow[] = [...redisClients, ...amqpClients, ...kafkaClients];
