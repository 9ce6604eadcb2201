/** What keeps the records that Kafka groups give up, as the broker knows it (returned-records.ts). */
import type { RecordCursor } from "../../message/kafka/batch-records.ts";

import type { RecordBytes } from "../schedule/enter-stream.ts";

/** A partition of a retry topic. */
export interface ReturnTarget {
  readonly name: string;
  readonly vhost: { readonly name: string };
}

export interface Returned {
  /**
   * Takes the record at which the cursor is, which is produced to that partition. False where it does not say where it comes from, or no
   * policy says what becomes of it: then it is stored as it came.
   */
  takes(target: ReturnTarget, record: RecordCursor): boolean;
  /**
   * A record that `takes` has taken for that queue or stream is due. "dead": it has become a dead letter instead; "stuck": it is to, and cannot now.
   */
  arrives(target: ReturnTarget, record: RecordBytes): "lives" | "dead" | "stuck";
}
