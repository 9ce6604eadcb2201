/**
 * Stored records as the other protocols see them. A record that would have been taken from a client is shown by every
 * view without an error; others are refused.
 */
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { BrokerError } from "../../src/base/errors.ts";
import { readProperties } from "../../src/message/amqp/properties.ts";
import { PropertyOffsets } from "../../src/message/amqp/property-offsets.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../src/message/amqp/record.ts";
import { checkFieldTableBody } from "../../src/message/amqp/table-scan.ts";
import { AmqpView } from "../../src/message/convert/as-amqp.ts";
import { KafkaView } from "../../src/message/convert/as-kafka.ts";
import { RedisView } from "../../src/message/convert/as-redis.ts";
import { readCanonical } from "../../src/message/convert/canonical.ts";
import { envelope, type Envelope } from "../../src/message/envelope.ts";
import { KafkaBatchBuilder } from "../../src/message/kafka/batch-builder.ts";
import { validateProduced } from "../../test/support/kafka-validate.ts";
import { KafkaBatch } from "../../src/message/kafka/batch.ts";
import type { StoredRecord } from "../../src/message/record.ts";
import { EntryReader } from "../../src/message/redis/entry.ts";
import {
  amqpRecord,
  redisRecord,
  shownBatch,
  storedRecord,
} from "../../test/unit/message/message-support.ts";
import { batches } from "../conversations/kafka.ts";
import { sampleProperties } from "../conversations/amqp.ts";
import { batchFormat } from "../formats/kafka.ts";
import { plainFormat, type Format, type Seed } from "../mutate.ts";
import { promise, refusable, seedsOf, type Target } from "../target.ts";

const batch = new KafkaBatch();
const amqpView = new AmqpView();
const kafkaView = new KafkaView();
const redisView = new RedisView();
const builder = new KafkaBatchBuilder();
const offsets = new PropertyOffsets();
const entries = new EntryReader();

function bytesOf({ buffer, start, end }: StoredRecord): Buffer {
  return Buffer.from(buffer.subarray(start, end));
}

/** Every view, and what it shows read back. */
function showAll(record: StoredRecord): void {
  const parts = amqpView.show(record);
  readProperties(new ByteReader(parts.buffer, parts.propertiesStart, parts.headerEnd));
  const writer = new ByteWriter();
  builder.begin(writer, { baseOffset: 5, baseTimestamp: record.timestamp, partitionLeaderEpoch: 0 });
  kafkaView.append(builder, record);
  builder.finish();
  promise(shownBatch(writer.copy()).length === 1, "not one record for Kafka");
  const { buffer, start, end } = redisView.entry(record);
  entries.open(buffer, start, end);
  while (entries.next());
  if (entries.position !== end) throw new BrokerError("CORRUPT", "bytes behind the entry for Redis");
  readCanonical(record);
}

function viewTarget(
  name: string,
  from: Envelope,
  format: Format,
  seeds: () => Seed[],
  /** Throws or says false for what no client could have had stored. */
  isTaken: (input: Buffer) => boolean,
): Target {
  return {
    name,
    weight: 8,
    format,
    seeds,
    bytesAllocatedMax: [2 << 20, 256],
    open: () => ({
      run(input) {
        let taken = false;
        refusable(() => {
          taken = isTaken(input);
        });
        const record = storedRecord(from, input);
        if (taken) showAll(record);
        else refusable(() => showAll(record), ["MALFORMED", "LIMIT", "INVALID", "CORRUPT"]);
      },
    }),
  };
}

export const amqpViews: Target = viewTarget(
  "views-of-amqp",
  envelope.amqp,
  plainFormat,
  () => {
    const inputs = sampleProperties(40).map((properties) =>
      bytesOf(
        amqpRecord({
          exchange: "x",
          routingKey: "key",
          properties: readProperties(new ByteReader(properties)),
          body: "body",
        }),
      ),
    );
    return seedsOf(plainFormat, inputs);
  },
  (input) => {
    const parts = readAmqpRecord(input, 0, input.length, new AmqpRecordParts());
    offsets.walk(input, parts.propertiesStart, parts.headerEnd);
    if (offsets.headersStart >= 0) checkFieldTableBody(input, offsets.headersStart, offsets.headersEnd);
    return true;
  },
);

const rules = { zstdAllowed: true, recordsChecked: true, keysRequired: false, decompressedBytesMax: 1 << 20 };

export const kafkaViews: Target = viewTarget(
  "views-of-kafka",
  envelope.kafka,
  batchFormat,
  () => seedsOf(batchFormat, batches()),
  (input) => validateProduced(batch, input, rules) === null,
);

export const redisViews: Target = viewTarget(
  "views-of-redis",
  envelope.redis,
  plainFormat,
  () =>
    seedsOf(plainFormat, [
      bytesOf(
        redisRecord([
          ["body", "b"],
          ["key", "k"],
          ["amqp.priority", "5"],
          ["x-tombstone", "true"],
        ]),
      ),
      bytesOf(
        redisRecord([
          ["a", "1"],
          ["b", Buffer.from([0xff, 0xfe])],
          ["a", ""],
        ]),
      ),
      bytesOf(
        redisRecord([
          ["amqp.timestamp", "99999999999999"],
          ["amqp.delivery_mode", "300"],
          ["routing_key", "r"],
          ["header.body", "x"],
        ]),
      ),
    ]),
  () => false,
);
