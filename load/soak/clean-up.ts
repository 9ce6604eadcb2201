/** Between two lives of the soak: deletes all that the loads made, and looks at what is on the disk. */
import fs from "node:fs";
import path from "node:path";
import amqplib from "amqplib";
import type { TestPorts } from "../../test/support/broker.ts";
import { KafkaClient } from "../clients/kafka.ts";
import { openRedis } from "../clients/redis.ts";

export interface Files {
  readonly count: number;
  readonly bytes: number;
}

/** Everything of test/kill/*-load.ts. */
export async function deleteAll(ports: TestPorts): Promise<void> {
  const connection = await amqplib.connect({ port: ports.amqp, hostname: "127.0.0.1" });
  const channel = await connection.createChannel();
  await channel.deleteQueue("kill.queue");
  await channel.deleteQueue("kill.stream");
  await channel.deleteExchange("kill.exchange");
  await connection.close();
  const redis = openRedis(ports.redis);
  await redis.del("kill:redis", "kill:key", "kill:counter");
  redis.disconnect();
  const kafka = await KafkaClient.open(ports.kafka);
  await kafka.request("DeleteTopics", 3, { topicNames: ["kill.topic"], timeoutMs: 30_000 });
  await kafka.request("DeleteGroups", 1, { groupsNames: ["kill.group"] });
  kafka.close();
}

export function filesOf(directory: string): Files {
  const found = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  const sizes = found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => sizeOf(parentPath, name));
  return { count: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** 0 when it was deleted meanwhile. */
function sizeOf(directory: string, name: string): number {
  return fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
}
