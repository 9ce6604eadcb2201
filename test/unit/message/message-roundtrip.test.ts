/**
 * What goes from one protocol through another's client and back: the record as the other protocol shows it is stored
 * again as that protocol's client would publish it, and shown to the first.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import type { AmqpProperties } from "../../../src/message/amqp/properties.ts";
import type { FieldValue } from "../../../src/message/amqp/table.ts";
import { AmqpView } from "../../../src/message/convert/as-amqp.ts";
import { KafkaView } from "../../../src/message/convert/as-kafka.ts";
import { RedisView } from "../../../src/message/convert/as-redis.ts";
import {
  encodeAmqpRecord,
  encodeKafkaRecord,
  encodeRedisEntry,
  readCanonical,
} from "../../../src/message/convert/canonical.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import type { StoredRecord } from "../../../src/message/record.ts";
import {
  amqpRecord,
  arrivalMs,
  kafkaRecord,
  redisRecord,
  shownAmqp,
  shownBatch,
  shownFields,
  storedRecord,
} from "./message-support.ts";

function kafkaBytes(record: StoredRecord): Buffer {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: arrivalMs, partitionLeaderEpoch: 0 });
  new KafkaView().append(builder, record);
  builder.finish();
  return writer.copy();
}

function redisBytes(record: StoredRecord): Buffer {
  const { buffer, start, end } = new RedisView().entry(record);
  return Buffer.from(buffer.subarray(start, end));
}

/** What an AMQP client gets, published on to a queue: the route is the queue's. */
function throughAmqp(record: StoredRecord): StoredRecord {
  const { properties, body } = shownAmqp(new AmqpView().show(record));
  return amqpRecord({ routingKey: "queue", properties, body });
}

const throughKafka = (record: StoredRecord): StoredRecord => storedRecord(envelope.kafka, kafkaBytes(record));
const throughRedis = (record: StoredRecord): StoredRecord => storedRecord(envelope.redis, redisBytes(record));
const inKafka = (record: StoredRecord) => shownBatch(kafkaBytes(record))[0]!;

/** Text, or any bytes, as latin1 text. */
const bytesText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => Buffer.from(text).latin1Slice()),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).latin1Slice()),
);
const latin1 = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, "latin1"));
const reservedNames = [
  "body",
  "key",
  "x-key",
  "x-tombstone",
  "routing_key",
  "header.key",
  "header.body",
  "data",
];
const headerName = fc.oneof(
  fc.constantFrom(...reservedNames, "traceparent", "header.header.x-key", ""),
  fc.string({ maxLength: 12 }).filter((name) => !name.startsWith("amqp.")),
);

const kafkaMessage = fc.record({
  key: fc.option(bytesText),
  value: fc.option(bytesText),
  headers: fc.array(fc.tuple(headerName, fc.option(bytesText)), { maxLength: 20 }),
});

type Kafka = { key: string | null; value: string | null; headers: [string, string | null][] };

function storedKafka({ key, value, headers }: Kafka): StoredRecord {
  return kafkaRecord({
    key: latin1(key),
    value: latin1(value),
    headers: headers.map(([name, text]) => [name, latin1(text)]),
  });
}

describe("a Kafka record", () => {
  it("through AMQP keeps key, value, nulls and headers", () => {
    fc.assert(
      fc.property(kafkaMessage, ({ key, value, headers }) => {
        const shown = inKafka(throughAmqp(storedKafka({ key, value, headers })));
        // Without a key, publishing to a queue makes the queue's name the routing key, and so the key.
        assert.equal(shown.key, key ?? "queue");
        assert.equal(shown.value, value);
        assert.deepEqual(
          shown.headers,
          headers.map(([name, text]) => [Buffer.from(name).latin1Slice(), text]),
        );
      }),
    );
  });

  it("through Redis keeps key, value, their nulls, and headers with null as empty", () => {
    fc.assert(
      fc.property(kafkaMessage, ({ key, value, headers }) => {
        const shown = inKafka(throughRedis(storedKafka({ key, value, headers })));
        assert.deepEqual(
          { ...shown, offset: 0, timestamp: 0 },
          {
            offset: 0,
            timestamp: 0,
            key,
            value,
            headers: headers.map(([name, text]) => [Buffer.from(name).latin1Slice(), text ?? ""]),
          },
        );
      }),
    );
  });
});

const bodyFields = fc.record({
  body: bytesText,
  key: fc.option(bytesText),
  others: fc.array(
    fc.tuple(
      headerName.filter((name) => !["body", "key", "routing_key", "x-tombstone"].includes(name)),
      bytesText,
    ),
    { maxLength: 20 },
  ),
});

type Fields = { body: string; key: string | null; others: [string, string][] };

function fieldsOf({ body, key, others }: Fields): [string, string][] {
  const own: [string, string][] = [["body", body]];
  if (key !== null) own.push(["key", key]);
  return [
    ...own,
    ...others.map(([name, value]): [string, string] => [Buffer.from(name).latin1Slice(), value]),
  ];
}

function storedFields(fields: Fields): StoredRecord {
  return redisRecord(
    fieldsOf(fields).map(([name, value]) => [Buffer.from(name, "latin1"), Buffer.from(value, "latin1")]),
  );
}

describe("a Redis entry with a body", () => {
  it("through AMQP keeps every field in its order, and gains its time", () => {
    fc.assert(
      fc.property(bodyFields, (fields) => {
        const shown = shownFields(new RedisView().entry(throughAmqp(storedFields(fields))));
        const expected = fieldsOf({ ...fields, key: fields.key ?? "queue" });
        assert.deepEqual(shown, [...expected, ["amqp.timestamp", "1700000000"]]);
      }),
    );
  });

  it("through Kafka keeps every field in its order", () => {
    fc.assert(
      fc.property(bodyFields, (fields) => {
        const shown = shownFields(new RedisView().entry(throughKafka(storedFields(fields))));
        assert.deepEqual(shown, fieldsOf(fields));
      }),
    );
  });
});

const shortText = fc.string({ unit: "binary", maxLength: 60 });
const scalar: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.boolean().map((value): FieldValue => ({ type: "t", value })),
  fc.integer().map((value): FieldValue => ({ type: "I", value })),
  fc.maxSafeInteger().map((value): FieldValue => ({ type: "l", value })),
  fc.double({ noNaN: true }).map((value): FieldValue => ({ type: "d", value })),
);
const text: fc.Arbitrary<FieldValue> = fc.oneof(
  shortText.map((value): FieldValue => ({ type: "S", value })),
  fc.uint8Array().map((bytes): FieldValue => ({ type: "x", value: Buffer.from(bytes) })),
);
const amqpMessage = fc.record({
  routingKey: shortText,
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  headers: fc.array(
    fc.tuple(
      headerName.filter((name) => !name.startsWith("x-")),
      fc.oneof(scalar, text, fc.constant<FieldValue>({ type: "V" })),
    ),
    { maxLength: 12 },
  ),
  properties: fc.record<AmqpProperties>(
    {
      contentType: shortText,
      contentEncoding: shortText,
      deliveryMode: fc.nat(255),
      priority: fc.nat(255),
      correlationId: shortText,
      replyTo: shortText,
      expiration: shortText,
      messageId: shortText,
      timestamp: fc.nat(2_000_000_000),
      type: shortText,
      userId: shortText,
      appId: shortText,
      clusterId: shortText,
    },
    { requiredKeys: [] },
  ),
});

/** What a value is after it was text: strings stay, bytes that are UTF-8 are strings, all else is its spelling. */
function afterText(field: FieldValue, forNull: FieldValue): FieldValue {
  if (field.type === "V") return forNull;
  if (field.type === "x") {
    const asText = field.value.toString();
    return Buffer.from(asText).equals(field.value) ? { type: "S", value: asText } : field;
  }
  return field.type === "S" ? field : { type: "S", value: String((field as { value: unknown }).value) };
}

describe("an AMQP message", () => {
  const cases = [
    { through: throughKafka, name: "Kafka", forNull: { type: "V" } as const },
    { through: throughRedis, name: "Redis", forNull: { type: "S", value: "" } as const },
  ];
  for (const { through, name, forNull } of cases) {
    it(`through ${name} keeps body, key, properties but user-id, and headers as text`, () => {
      fc.assert(
        fc.property(amqpMessage, ({ routingKey, body, headers, properties }) => {
          const table = headers.map(([header, field]) => ({ name: header, field }));
          const record = amqpRecord({
            exchange: "x",
            routingKey,
            body,
            properties: table.length > 0 ? { ...properties, headers: table } : properties,
          });
          const shown = shownAmqp(new AmqpView().show(through(record)));
          assert.deepEqual(shown.body, body);
          assert.equal(Buffer.from(shown.routingKey, "latin1").toString(), routingKey);
          const { headers: shownTable = [], ...shownProperties } = shown.properties;
          // Nobody has checked a user-id that came by Kafka or Redis: it is a header of that name.
          const { userId, ...others } = properties;
          assert.deepEqual({ timestamp: 1_700_000_000, ...others }, shownProperties);
          const user = { name: "amqp.user-id", field: { type: "S", value: userId } };
          const key = { name: "x-key", field: { type: "S", value: routingKey } };
          assert.deepEqual(shownTable, [
            ...(routingKey === "" ? [] : [key]),
            ...headers.map(([header, field]) => ({ name: header, field: afterText(field, forNull) })),
            ...(userId === undefined ? [] : [user]),
          ]);
        }),
      );
    });
  }
});

describe("the canonical message", () => {
  it("encoded for each protocol is what that protocol's view shows", () => {
    const records = fc.oneof(
      kafkaMessage.map(storedKafka),
      bodyFields.map(storedFields),
      amqpMessage.map(({ routingKey, body, headers, properties }) =>
        amqpRecord({
          exchange: "x",
          routingKey,
          body,
          properties: { ...properties, headers: headers.map(([name, field]) => ({ name, field })) },
        }),
      ),
    );
    fc.assert(
      fc.property(records, (record) => {
        const message = readCanonical(record);
        const writer = new ByteWriter();
        if (record.envelope !== envelope.redis) {
          encodeRedisEntry(message, writer);
          assert.deepEqual(writer.copy(), redisBytes(record));
        }
        if (record.envelope !== envelope.kafka) {
          const batch = new ByteWriter();
          const builder = new KafkaBatchBuilder();
          builder.begin(batch, { baseOffset: 0, baseTimestamp: arrivalMs, partitionLeaderEpoch: 0 });
          encodeKafkaRecord(message, record.offset, builder);
          builder.finish();
          assert.deepEqual(batch.copy(), kafkaBytes(record));
        }
        writer.reset();
        encodeAmqpRecord(message, "x", "r", writer);
        const again = readCanonical(storedRecord(envelope.amqp, writer.view()));
        assert.deepEqual(again.body, message.body);
        assert.deepEqual(again.key ?? "r", message.key ?? again.key);
        assert.deepEqual(again.headers, message.headers);
      }),
    );
  });
});
