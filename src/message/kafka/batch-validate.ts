/**
 * Whether a producer's records may be appended, and if not, the error that Kafka answers.
 *
 * The rules are those of Kafka's ProduceRequest.validateRecords and LogValidator for clients that produce in version 3
 * or later. Older message formats get INVALID_RECORD there, not UNSUPPORTED_FOR_MESSAGE_FORMAT, and so they do here.
 *
 * Not here: sequence numbers against those seen before, the topic's size and time limits.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { codecs } from "./compression.ts";
import { attributeBits, batchMagic, KafkaBatch } from "./batch.ts";
import { RecordCursor } from "./batch-records.ts";

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
/** Records and headers that are looked at before others have their turn: about a millisecond. */
const stepsInPiece = 20_000;

/**
 * A check in the making. A batch of many records is looked at in pieces: as long as the answer is `more`, call `more`;
 * the bytes of the batch must stay as they are meanwhile.
 */
export class BatchCheck {
  /** The batch: after null it may be stored as it is. */
  readonly batch = new KafkaBatch();
  readonly #cursor = new RecordCursor();
  #expectedOffset = 0;
  #keysRequired = false;
  /** Bytes of the records, decompressed, as far as they have been looked into. */
  openedBytes = 0;
  /** They had to be decompressed. */
  isInflated = false;

  /** Checks the records of one partition of a produce request: exactly one batch. Null: nothing is wrong. */
  begin(
    records: Buffer | null,
    rules: BatchRules,
    inflatedBytesMax: number = rules.decompressedBytesMax,
  ): BatchFault | "more" | null {
    this.openedBytes = 0;
    this.isInflated = false;
    if (records === null) return fault("INVALID_RECORD", "no records for the partition");
    this.batch.reset(records);
    try {
      const found = this.#open(records, rules, inflatedBytesMax);
      if (found !== null || !rules.recordsChecked) return found;
    } catch (error) {
      return faultOf(error);
    }
    return this.more();
  }

  #open(records: Buffer, rules: BatchRules, inflatedBytesMax: number): BatchFault | null {
    const { batch } = this;
    if (!batch.next()) return fault("INVALID_RECORD", "not one whole record batch");
    if (batch.end !== records.length) {
      return fault("INVALID_RECORD", "a partition of a produce request has exactly one record batch");
    }
    const found = checkHeader(batch, rules);
    if (found !== null || !rules.recordsChecked) return found;
    // Uncompressed records are bounded by their request.
    this.isInflated = batch.codec !== codecs.none;
    // What fails has cost as much.
    if (this.isInflated) this.openedBytes = inflatedBytesMax;
    this.#cursor.open(batch, this.isInflated ? inflatedBytesMax : Infinity);
    this.openedBytes = this.#cursor.openedBytes;
    this.#expectedOffset = batch.baseOffset;
    this.#keysRequired = rules.keysRequired;
    return null;
  }

  more(): BatchFault | "more" | null {
    let outcome: BatchFault | "more" | null = null;
    try {
      outcome = this.#piece();
    } catch (error) {
      outcome = faultOf(error);
    } finally {
      if (outcome !== "more") this.#cursor.close();
    }
    return outcome;
  }

  #piece(): BatchFault | "more" | null {
    const cursor = this.#cursor;
    let expected = this.#expectedOffset;
    let stepsLeft = stepsInPiece;
    while (cursor.next()) {
      if (cursor.offset !== expected) {
        return fault("INVALID_RECORD", `record has offset ${cursor.offset} where ${expected} is due`);
      }
      if (this.#keysRequired && cursor.keyStart < 0) {
        return fault("INVALID_RECORD", "a compacted topic takes no record without a key");
      }
      if (cursor.headerCount > limits.kafkaRecordHeadersMax) {
        const most = limits.kafkaRecordHeadersMax;
        return fault(
          "INVALID_RECORD",
          `record with ${cursor.headerCount} headers; at most ${most} are taken`,
        );
      }
      while (cursor.nextHeader());
      expected++;
      stepsLeft -= 1 + cursor.headerCount;
      if (stepsLeft > 0) continue;
      this.#expectedOffset = expected;
      return "more";
    }
    return cursor.bytesLeft === 0
      ? null
      : fault("INVALID_RECORD", `${cursor.bytesLeft} bytes behind the last record`);
  }
}

function faultOf(error: unknown): BatchFault {
  if (!(error instanceof BrokerError)) throw error;
  return fault(error.code === "LIMIT" ? "MESSAGE_TOO_LARGE" : "CORRUPT_MESSAGE", error.message);
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
  // Refuses a batch that would take millions of offsets with a handful of bytes, if its records are not read.
  if (codec === codecs.none && count * recordBytesMin > batch.end - batch.recordsStart) {
    return fault("INVALID_RECORD", `${count} records in ${batch.sizeBytes} bytes`);
  }
  if (count > limits.kafkaBatchRecordsMax) {
    // Java's producer halves a batch that is answered so.
    const most = limits.kafkaBatchRecordsMax;
    return fault("MESSAGE_TOO_LARGE", `${count} records in one batch; at most ${most} are taken`);
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

function fault(error: BatchFault["error"], message: string): BatchFault {
  return { error, message };
}
