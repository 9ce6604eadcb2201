/** Topics under the names of the usual exporter (danielqsj/kafka_exporter), which its dashboards read. */
import type { Job } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { shownName } from "../../broker/names.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Topic } from "../../broker/queue/topics.ts";
import { type Family, linesOf, sumsOf } from "./text.ts";

const prefix = "kafka_";

interface Partition {
  readonly topic: string;
  readonly number: number;
  readonly queue: Queue;
}

const topicFamilies: readonly Family<Topic>[] = [
  {
    name: "topic_partitions",
    kind: "gauge",
    help: "Number of partitions for this Topic",
    read: ({ partitions }) => partitions.length,
  },
];

const partitionFamilies: readonly Family<Partition>[] = [
  {
    name: "topic_partition_current_offset",
    kind: "gauge",
    help: "Current Offset of a Broker at Topic/Partition",
    read: ({ queue }) => queue.log.nextOffset,
  },
  {
    name: "topic_partition_oldest_offset",
    kind: "gauge",
    help: "Oldest Offset of a Broker at Topic/Partition",
    read: ({ queue }) => queue.log.firstOffset,
  },
];

const brokerFamilies: readonly Family<null>[] = [
  { name: "brokers", kind: "gauge", help: "Number of Brokers in the Kafka Cluster.", read: () => 1 },
];

export function* kafkaMetrics(broker: Broker): Job<string> {
  const topics = [...broker.defaultVhost.topics.all()];
  const partitions: Partition[] = [];
  for (const topic of topics) {
    const name = shownName(topic.name);
    for (const [number, queue] of topic.partitions.entries()) partitions.push({ topic: name, number, queue });
  }
  yield 1 + partitions.length * 0.1;
  return (
    (yield* sumsOf(prefix, [null], brokerFamilies)) +
    (yield* linesOf(prefix, {
      things: topics,
      labelsOf: ({ name }: Topic) => ({ topic: shownName(name) }),
      families: topicFamilies,
    })) +
    (yield* linesOf(prefix, {
      things: partitions,
      labelsOf: ({ topic, number }: Partition) => ({ partition: String(number), topic }),
      families: partitionFamilies,
    }))
  );
}
