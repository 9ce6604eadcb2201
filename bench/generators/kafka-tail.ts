/** Records read while they are written: latency is from when a record was due, or sent, to its arrival at the reader. */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { createTopic, deleteTopic } from "./kafka/admin.ts";
import { KafkaConnection } from "./kafka/connection.ts";
import { Fetcher } from "./kafka/fetcher.ts";
import { type Acks, Producer } from "./kafka/producer.ts";
import { RecordCheck } from "./kafka/record-check.ts";
import { scheduleFor } from "./base/schedule.ts";
import { throwWhenStalled } from "./base/watch.ts";

/** At full speed one record in so many has its latency taken: it is that of a backlog, and only told. */
const latencyOfOneInAtFullSpeed = 16;

export interface KafkaTailOptions {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly acks: Acks;
  readonly valueBytes: number;
  readonly recordsMax: number;
  readonly ratePerSecond?: number;
  readonly seconds: number;
}

export async function generate(options: KafkaTailOptions): Promise<Figures> {
  const { port, topic, partitions, seconds, recordsMax, ratePerSecond } = options;
  const [writing, reading] = [await KafkaConnection.open(port), await KafkaConnection.open(port)];
  await createTopic(writing, { name: topic, partitions });
  const producer = new Producer(writing, options);
  const latencyOfOneIn = ratePerSecond === undefined ? latencyOfOneInAtFullSpeed : 1;
  const check = new RecordCheck({ partitions, latencyOfOneIn });
  const fetcher = new Fetcher(reading, { topic, partitions, visitor: check });
  const stopWatching = throwWhenStalled(
    () => producer.acknowledged + fetcher.read,
    () => `${fetcher.read} of ${producer.sent} sent records came, ${producer.acknowledged} are acknowledged`,
  );
  const touched = await producer.touchPartitions();
  await fetcher.run(() => touched);
  check.latency = new Histogram();
  const read = fetcher.run(() => (producer.isFinished ? producer.acknowledged : Infinity));
  await producer.run(scheduleFor(ratePerSecond, { seconds, recordsMax }));
  await read;
  check.expectAll(producer.sequences);
  stopWatching();
  await deleteTopic(writing, topic);
  writing.close();
  reading.close();
  const latency = check.latency.percentiles();
  return {
    count: check.count - touched,
    seconds: (fetcher.lastRecordMs - producer.startedMs) / 1000,
    ...(latency === undefined ? {} : { latency }),
    verified: `${check.count} records, each once and in order`,
  };
}
