/**
 * The same batches over any number of partitions, acknowledged by the leader, then all read back.
 *
 * A batch has ten records whatever the partitions are; as a client does, a request has at most one batch of each, so
 * with one partition it has ten records too. CPU seconds are those of the producing alone.
 */
import { usageOf } from "../base/process.ts";
import type { GrowthFigures } from "./growth-amqp.ts";
import { createTopic, deleteTopic } from "./kafka/admin.ts";
import { KafkaConnection } from "./kafka/connection.ts";
import { Fetcher } from "./kafka/fetcher.ts";
import { Producer } from "./kafka/producer.ts";
import { RecordCheck } from "./kafka/record-check.ts";
import { scheduleFor } from "./base/schedule.ts";
import { throwWhenStalled } from "./base/watch.ts";

const recordsPerBatch = 10;

export interface GrowthKafkaOptions {
  readonly port: number;
  readonly serverPid: number;
  readonly id: string;
  readonly partitions: number;
  readonly records: number;
  readonly valueBytes: number;
}

export async function generate(options: GrowthKafkaOptions): Promise<GrowthFigures> {
  const { port, serverPid, id: topic, partitions, records, valueBytes } = options;
  const connection = await KafkaConnection.open(port);
  await createTopic(connection, { name: topic, partitions });
  const producer = new Producer(connection, { topic, partitions, acks: "1", valueBytes, recordsPerBatch });
  const check = new RecordCheck({ partitions, latencyOfOneIn: 0 });
  const fetcher = new Fetcher(connection, { topic, partitions, visitor: check });
  const stopWatching = throwWhenStalled(
    () => producer.acknowledged + fetcher.read,
    () => `${producer.acknowledged} of ${producer.sent} acknowledged, ${fetcher.read} read back`,
  );
  const earlier = usageOf(serverPid);
  await producer.run(scheduleFor(undefined, { seconds: Infinity, recordsMax: records }));
  const later = usageOf(serverPid);
  await fetcher.run(() => producer.acknowledged);
  check.expectAll(producer.sequences);
  stopWatching();
  await deleteTopic(connection, topic);
  connection.close();
  return {
    count: producer.acknowledged,
    seconds: (producer.lastAnswerMs - producer.startedMs) / 1000,
    verified: `${check.count} records read back, each once and in order`,
    cpuSeconds: later.cpuSeconds - earlier.cpuSeconds,
    rssBytes: later.rssBytes,
  };
}
