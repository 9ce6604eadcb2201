/** Catching up: a topic that was filled beforehand is read from its start, again and again until the time is up. */
import type { Figures } from "../contract.ts";
import { createTopic, deleteTopic } from "./kafka/admin.ts";
import { KafkaConnection } from "./kafka/connection.ts";
import { Fetcher } from "./kafka/fetcher.ts";
import { Producer } from "./kafka/producer.ts";
import { RecordCheck } from "./kafka/record-check.ts";
import { FullSpeed } from "./base/schedule.ts";
import { throwWhenStalled } from "./base/watch.ts";

const fillSecondsMax = 60;

export interface KafkaFetchOptions {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly valueBytes: number;
  /** What the topic is filled with. */
  readonly records: number;
  readonly seconds: number;
}

export async function generate(options: KafkaFetchOptions): Promise<Figures> {
  const { port, topic, partitions, valueBytes, records } = options;
  const connection = await KafkaConnection.open(port);
  await createTopic(connection, { name: topic, partitions });
  const producer = new Producer(connection, { topic, partitions, valueBytes, acks: "1" });
  const check = new RecordCheck({ partitions, latencyOfOneIn: 0 });
  const fetcher = new Fetcher(connection, { topic, partitions, visitor: check });
  let passes = 0;
  let seconds = 0;
  const stopWatching = throwWhenStalled(
    () => producer.acknowledged + passes * records + fetcher.read,
    () => `${producer.acknowledged} of ${records} written, ${fetcher.read} read after ${passes} passes`,
  );
  await producer.run(new FullSpeed({ secondsMax: fillSecondsMax, recordsMax: records }));
  while (passes === 0 || seconds < options.seconds) {
    if (passes > 0) fetcher.rewind();
    check.rewind();
    await fetcher.run(() => producer.acknowledged);
    check.expectAll(producer.sequences);
    // The walk of the last answer is the reader's own time; the server is done when that answer is here.
    seconds += (fetcher.lastRecordMs - fetcher.startedMs) / 1000;
    passes += 1;
  }
  stopWatching();
  await deleteTopic(connection, topic);
  connection.close();
  return {
    count: producer.acknowledged * passes,
    seconds,
    verified: `${producer.acknowledged} records read ${passes} times, each once and in order`,
  };
}
