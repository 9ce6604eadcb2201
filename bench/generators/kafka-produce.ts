/**
 * Records into a topic, as fast as they are acknowledged or at a rate; afterwards all are read back.
 *
 * What is timed ends with the last acknowledgement.
 */
import type { Figures } from "../contract.ts";
import { createTopic, deleteTopic } from "./kafka/admin.ts";
import { KafkaConnection } from "./kafka/connection.ts";
import { Fetcher } from "./kafka/fetcher.ts";
import { type Acks, Producer } from "./kafka/producer.ts";
import { RecordCheck } from "./kafka/record-check.ts";
import { scheduleFor } from "./base/schedule.ts";
import { throwWhenStalled } from "./base/watch.ts";

export interface KafkaProduceOptions {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly acks: Acks;
  readonly valueBytes: number;
  readonly recordsPerBatch?: number;
  readonly recordsMax: number;
  readonly ratePerSecond?: number;
  readonly seconds: number;
}

export async function generate(options: KafkaProduceOptions): Promise<Figures> {
  const { port, topic, partitions, seconds, recordsMax } = options;
  const connection = await KafkaConnection.open(port);
  await createTopic(connection, { name: topic, partitions });
  const producer = new Producer(connection, options);
  const check = new RecordCheck({ partitions, latencyOfOneIn: 0 });
  const fetcher = new Fetcher(connection, { topic, partitions, visitor: check });
  const stopWatching = throwWhenStalled(
    () => producer.acknowledged + fetcher.read,
    () => `${producer.acknowledged} of ${producer.sent} acknowledged, ${fetcher.read} read back`,
  );
  const touched = await producer.touchPartitions();
  await producer.run(scheduleFor(options.ratePerSecond, { seconds, recordsMax }));
  await fetcher.run(() => producer.acknowledged);
  check.expectAll(producer.sequences);
  stopWatching();
  await deleteTopic(connection, topic);
  connection.close();
  const latency = producer.latency.percentiles();
  return {
    count: producer.acknowledged - touched,
    seconds: (producer.lastAnswerMs - producer.startedMs) / 1000,
    ...(latency === undefined ? {} : { latency }),
    verified: `${check.count} records read back, each once and in order`,
  };
}
