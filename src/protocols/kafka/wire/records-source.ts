/**
 * Record bytes that are not in one buffer yet: segments of a log, or a batch built from another protocol's messages.
 *
 * Invariant: `writeTo` appends exactly `length` bytes (the encoder checks it, since the length precedes the bytes).
 */
import type { ByteWriter } from "../../../base/bytes.ts";

export interface RecordsSource {
  readonly length: number;
  writeTo(writer: ByteWriter): void;
}
