/** What keeps the records that Kafka groups give up until they can be read again, as the broker knows it (returned-records.ts). */
import type { RecordCursor } from "../../message/kafka/batch-records.ts";

/** A partition of a retry topic. */
interface RetryPartition {
  readonly name: string;
  readonly vhost: { readonly name: string };
}

export interface Returns {
  /** How many records wait for a partition. */
  countFor(partition: RetryPartition): number;
  /** Takes a record that is produced to a partition; false: it is to be stored as it came. */
  takes(partition: RetryPartition, record: RecordCursor): boolean;
}
