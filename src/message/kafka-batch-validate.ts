/**
 * Whether a producer's records may be appended, and if not, the error that Kafka answers.
 *
 * The rules are those of Kafka's ProduceRequest.validateRecords and LogValidator for clients that produce in version 3
 * or later. Older message formats get INVALID_RECORD there, not UNSUPPORTED_FOR_MESSAGE_FORMAT, and so they do here.
 *
 * Not here: sequence numbers against those seen before, the topic's size and time limits.
 */
import { BrokerError } from "../base/errors.ts";
import { codecs } from "./compression.ts";
import { attributeBits, batchMagic, KafkaBatch } from "./kafka-batch.ts";
import { RecordCursor } from "./kafka-batch-records.ts";

export interface BatchFault {
  readonly error:
    | "CORRUPT_MESSAGE"
    | "INVALID_RECORD"
    | "INVALID_TIMESTAMP"
    | "UNSUPPORTED_COMPRESSION_TYPE"
    | "MESSAGE_TOO_LARGE";
  readonly message: string;
}

export interface BatchRules {
  /** From Produce version 7 (KIP-110). */
  readonly zstdAllowed: boolean;
  /** Looks into the records, decompressing them: always right for a compacted topic, and what Kafka does. */
  readonly recordsChecked: boolean;
  /** A compacted topic takes no record without a key. */
  readonly keysRequired: boolean;
  readonly decompressedBytesMax: number;
}

/** Seven fields of one byte each. */
const recordBytesMin = 7;

const cursor = new RecordCursor();

/**
 * Checks the records of one partition of a produce request: exactly one batch. On null, `batch` shows it, and it may
 * be stored as it is.
 */
export function validateProduced(
  batch: KafkaBatch,
  records: Buffer | null,
  rules: BatchRules,
): BatchFault | null {
  if (records === null) return fault("INVALID_RECORD", "no records for the partition");
  batch.reset(records);
  try {
    if (!batch.next()) return fault("INVALID_RECORD", "not one whole record batch");
    if (batch.end !== records.length) {
      return fault("INVALID_RECORD", "a partition of a produce request has exactly one record batch");
    }
    return checkHeader(batch, rules) ?? (rules.recordsChecked ? checkRecords(batch, rules) : null);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    if (error.code === "LIMIT") return fault("MESSAGE_TOO_LARGE", error.message);
    return fault("CORRUPT_MESSAGE", error.message);
  } finally {
    cursor.close();
  }
}

function checkHeader(batch: KafkaBatch, rules: BatchRules): BatchFault | null {
  if (batch.magic !== batchMagic) {
    return fault("INVALID_RECORD", `record batch has magic ${batch.magic}, only ${batchMagic} is accepted`);
  }
  if (!batch.hasValidChecksum()) return fault("CORRUPT_MESSAGE", "record batch fails its checksum");
  const codec = batch.codec;
  if (codec > codecs.zstd || (codec === codecs.zstd && !rules.zstdAllowed)) {
    return fault("UNSUPPORTED_COMPRESSION_TYPE", `codec ${codec} is not allowed in this version of Produce`);
  }
  const count = batch.recordCount;
  if (count <= 0 || batch.lastOffsetDelta !== count - 1) {
    return fault("INVALID_RECORD", `${count} records with last offset delta ${batch.lastOffsetDelta}`);
  }
  // Holds back a batch that would take millions of offsets with a handful of bytes, when nobody looks into it.
  if (codec === codecs.none && count * recordBytesMin > batch.end - batch.recordsStart) {
    return fault("INVALID_RECORD", `${count} records in ${batch.sizeBytes} bytes`);
  }
  if ((batch.attributes & attributeBits.control) !== 0) {
    return fault("INVALID_RECORD", "clients may not write control records");
  }
  if ((batch.attributes & attributeBits.logAppendTime) !== 0) {
    return fault("INVALID_TIMESTAMP", "producers may not set the timestamp type LogAppendTime");
  }
  if (batch.producerId >= 0 && batch.baseSequence < 0) {
    return fault("INVALID_RECORD", `producer ${batch.producerId} sent sequence ${batch.baseSequence}`);
  }
  return null;
}

function checkRecords(batch: KafkaBatch, rules: BatchRules): BatchFault | null {
  cursor.open(batch, rules.decompressedBytesMax);
  for (let expected = batch.baseOffset; cursor.next(); expected++) {
    if (cursor.offset !== expected) {
      return fault("INVALID_RECORD", `record has offset ${cursor.offset} where ${expected} is due`);
    }
    if (rules.keysRequired && cursor.keyStart < 0) {
      return fault("INVALID_RECORD", "a compacted topic takes no record without a key");
    }
    while (cursor.nextHeader());
  }
  return cursor.bytesLeft === 0
    ? null
    : fault("INVALID_RECORD", `${cursor.bytesLeft} bytes behind the last record`);
}

function fault(error: BatchFault["error"], message: string): BatchFault {
  return { error, message };
}
