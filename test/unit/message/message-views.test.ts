/** One vector or more for each row of docs/interop.md's table of the message, in each direction. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { timestampMsMax } from "../../../src/message/convert/parts.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import { entryId, partMax } from "../../support/entry-ids.ts";
import type { FieldTable } from "../../../src/message/amqp/table.ts";
import { AmqpView, headerBytesMax } from "../../../src/message/convert/as-amqp.ts";
import { KafkaView } from "../../../src/message/convert/as-kafka.ts";
import { RedisView } from "../../../src/message/convert/as-redis.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import type { StoredRecord } from "../../../src/message/record.ts";
import {
  amqpRecord,
  arrivalMs,
  kafkaRecord,
  redisRecord,
  type ShownAmqp,
  shownAmqp,
  shownBatch,
  shownFields,
  type ShownKafka,
} from "./message-support.ts";

function inAmqp(record: StoredRecord): ShownAmqp {
  return shownAmqp(new AmqpView().show(record));
}

function inRedis(record: StoredRecord): [string, string][] {
  return shownFields(new RedisView().entry(record));
}

function inKafka(record: StoredRecord): ShownKafka {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: arrivalMs, partitionLeaderEpoch: 0 });
  new KafkaView().append(builder, record);
  builder.finish();
  return shownBatch(writer.copy())[0]!;
}

const binary = Buffer.from([0xff, 0x00, 0xfe]);
const binaryText = binary.latin1Slice();

describe("in its own protocol a record is shown where it lies", () => {
  it("AMQP", () => {
    const record = amqpRecord({ exchange: "x", routingKey: "a", body: "b" });
    const parts = new AmqpView().show(record);
    assert.equal(parts.buffer, record.buffer);
    assert.deepEqual([parts.routeStart, parts.bodyEnd], [record.start, record.end]);
  });

  it("Redis", () => {
    const record = redisRecord([["a", "1"]]);
    assert.equal(new RedisView().entry(record), record);
  });

  it("Kafka: key, value, headers and timestamp as they are", () => {
    const headers = [
      ["amqp.type", "t"],
      ["h", null],
      ["header.h", binary],
    ] as const;
    const shown = inKafka(kafkaRecord({ key: "", value: null, headers, timestamp: 77 }, { offset: 9 }));
    const expected = [
      ["amqp.type", "t"],
      ["h", null],
      ["header.h", binaryText],
    ];
    assert.deepEqual(shown, { offset: 9, timestamp: 77, key: "", value: null, headers: expected });
  });
});

describe("body", () => {
  it("of AMQP is Kafka's value and Redis' field body", () => {
    const record = amqpRecord({ body: binary });
    assert.equal(inKafka(record).value, binaryText);
    assert.deepEqual(inRedis(record), [["body", binaryText]]);
  });

  it("of Kafka is AMQP's body and Redis' field body", () => {
    const record = kafkaRecord({ value: binary });
    assert.deepEqual(inAmqp(record).body, binary);
    assert.deepEqual(inRedis(record), [["body", binaryText]]);
  });

  it("of a Redis entry is the first of body, data, payload, value, message; the others are headers", () => {
    const names = ["body", "data", "payload", "value", "message"];
    for (const [index, name] of names.entries()) {
      const fields = names.slice(index).map((other): [string, string] => [other, `of ${other}`]);
      const record = redisRecord(fields.toReversed());
      assert.equal(inAmqp(record).body.toString(), `of ${name}`);
      assert.equal(inKafka(record).value, `of ${name}`);
      assert.deepEqual(
        inKafka(record).headers,
        fields
          .slice(1)
          .toReversed()
          .map(([other, value]) => [other, value]),
      );
    }
  });

  it("of an entry with none of these fields is one JSON object", () => {
    const record = redisRecord([
      ["name", "alice"],
      ["key", "k1"],
      ["age", "30"],
      ["name", "bob"],
      ["picture", binary],
      ['quo"te', "a\nb"],
      ["traceparent", "00-1"],
      ["amqp.type", "person"],
    ]);
    const json = '{"name":["alice","bob"],"key":"k1","age":"30","picture":"/wD+","quo\\"te":"a\\nb"}';
    const amqp = inAmqp(record);
    assert.equal(amqp.body.toString(), json);
    assert.equal(amqp.properties.contentType, "application/json");
    assert.equal(amqp.properties.type, "person");
    assert.equal(amqp.routingKey, "k1");
    const kafka = inKafka(record);
    assert.equal(kafka.value, json);
    assert.equal(kafka.key, "k1");
    assert.deepEqual(kafka.headers, [
      ["traceparent", "00-1"],
      ["amqp.type", "person"],
      ["amqp.content-type", "application/json"],
    ]);
  });

  it("null in Kafka is an empty body with header x-tombstone in AMQP, and comes back", () => {
    const shown = inAmqp(kafkaRecord({ key: "k", value: null }));
    assert.equal(shown.body.length, 0);
    assert.deepEqual(shown.properties.headers, [
      { name: "x-key", field: { type: "S", value: "k" } },
      { name: "x-tombstone", field: { type: "t", value: true } },
    ]);
    const { properties } = shown;
    assert.deepEqual(inKafka(amqpRecord({ routingKey: "q", properties })), {
      offset: 5,
      timestamp: Math.floor(arrivalMs / 1000) * 1000,
      key: "k",
      value: null,
      headers: [],
    });
  });

  it("null in Kafka is field x-tombstone in Redis, and comes back", () => {
    const fields = inRedis(kafkaRecord({ key: "k", value: null }));
    assert.deepEqual(fields, [
      ["body", ""],
      ["x-tombstone", "true"],
      ["key", "k"],
    ]);
    assert.equal(inKafka(redisRecord(fields)).value, null);
  });

  it("that is empty is not a tombstone", () => {
    assert.equal(inKafka(amqpRecord({})).value, "");
    assert.equal(inKafka(redisRecord([["body", ""]])).value, "");
    assert.equal(inAmqp(kafkaRecord({ value: "" })).properties.headers, undefined);
    assert.deepEqual(inRedis(kafkaRecord({ value: "" })), [["body", ""]]);
  });
});

describe("key", () => {
  it("of AMQP is header x-key, else the routing key; an empty routing key is none", () => {
    const withKey = (field: FieldTable[number]["field"]): StoredRecord =>
      amqpRecord({ exchange: "x", routingKey: "r", properties: { headers: [{ name: "x-key", field }] } });
    const kafka = inKafka(withKey({ type: "S", value: "k" }));
    assert.equal(kafka.key, "k");
    assert.deepEqual(kafka.headers, [["amqp.routing-key", "r"]]);
    assert.deepEqual(inRedis(withKey({ type: "x", value: binary })), [
      ["body", ""],
      ["key", binaryText],
      ["routing_key", "r"],
    ]);
    assert.equal(inKafka(withKey({ type: "l", value: 42 })).key, "42");
    assert.deepEqual(inKafka(withKey({ type: "S", value: "r" })).headers, []);
    assert.equal(inKafka(amqpRecord({ routingKey: "a.b" })).key, "a.b");
    assert.equal(inKafka(amqpRecord({})).key, null);
  });

  it("of Kafka and Redis is routing key and header x-key; only the header where it cannot be a routing key", () => {
    const records = (key: string | Buffer): StoredRecord[] => [
      kafkaRecord({ key, value: "" }),
      redisRecord([
        ["body", ""],
        ["key", key],
      ]),
    ];
    for (const record of records("schlüssel")) {
      const shown = inAmqp(record);
      assert.equal(Buffer.from(shown.routingKey, "latin1").toString(), "schlüssel");
      assert.deepEqual(shown.properties.headers, [
        { name: "x-key", field: { type: "S", value: "schlüssel" } },
      ]);
    }
    for (const key of [binary, Buffer.alloc(256, "a"), Buffer.alloc(0)]) {
      for (const record of records(key)) {
        const shown = inAmqp(record);
        assert.equal(shown.routingKey, "");
        const field = shown.properties.headers![0]!.field;
        assert.deepEqual(
          field,
          key === binary ? { type: "x", value: key } : { type: "S", value: key.toString() },
        );
      }
    }
  });

  it("null stays null", () => {
    assert.equal(inAmqp(kafkaRecord({ value: "" })).routingKey, "");
    assert.deepEqual(inRedis(kafkaRecord({ key: null, value: "v" })), [["body", "v"]]);
    assert.equal(inKafka(redisRecord([["body", "v"]])).key, null);
  });

  it("of a Redis entry published with routing_key alone is that", () => {
    const record = redisRecord([
      ["routing_key", "a.b"],
      ["body", "v"],
    ]);
    assert.equal(inAmqp(record).routingKey, "a.b");
    assert.equal(inKafka(record).key, "a.b");
  });

  it("and a routing key that differs travel side by side", () => {
    const fields: [string, string][] = [
      ["body", "v"],
      ["key", "k"],
      ["routing_key", "a.b"],
    ];
    const shown = inAmqp(redisRecord(fields));
    assert.equal(shown.routingKey, "a.b");
    const { properties, routingKey } = shown;
    const back = inRedis(amqpRecord({ exchange: "x", properties, routingKey, body: "v" })).slice(0, 3);
    assert.deepEqual(back, fields);
  });
});

const typedHeaders: FieldTable = [
  { name: "text", field: { type: "S", value: "grüße" } },
  { name: "bytes", field: { type: "x", value: binary } },
  { name: "yes", field: { type: "t", value: true } },
  { name: "byte", field: { type: "b", value: -1 } },
  { name: "int", field: { type: "I", value: -2_000_000_000 } },
  { name: "long", field: { type: "l", value: 9_007_199_254_740_993n } },
  { name: "double", field: { type: "d", value: 1.5 } },
  { name: "decimal", field: { type: "D", scale: 2, value: 314 } },
  { name: "time", field: { type: "T", value: 1_700_000_000 } },
  { name: "nothing", field: { type: "V" } },
  {
    name: "array",
    field: {
      type: "A",
      value: [{ type: "V" }, { type: "d", value: Number.NaN }, { type: "x", value: binary }],
    },
  },
  { name: "table", field: { type: "F", value: [{ name: "a", field: { type: "S", value: '"' } }] } },
];
const typedAsText: [string, string | null][] = [
  ["text", Buffer.from("grüße").latin1Slice()],
  ["bytes", binaryText],
  ["yes", "true"],
  ["byte", "-1"],
  ["int", "-2000000000"],
  ["long", "9007199254740993"],
  ["double", "1.5"],
  ["decimal", "3.14"],
  ["time", "1700000000"],
  ["nothing", null],
  ["array", '[null,null,"/wD+"]'],
  ["table", String.raw`{"a":"\""}`],
];

describe("headers", () => {
  it("of AMQP are Kafka headers: text, numbers as text, tables as JSON", () => {
    const record = amqpRecord({ properties: { headers: typedHeaders } });
    assert.deepEqual(inKafka(record).headers, typedAsText);
  });

  it("of AMQP are one Redis field each", () => {
    const record = amqpRecord({ properties: { headers: typedHeaders } });
    const expected = typedAsText.map(([name, value]) => [name, value ?? ""]);
    assert.deepEqual(inRedis(record), [["body", ""], ...expected]);
  });

  it("of Kafka are AMQP strings, bytes where they are not UTF-8, void where null; repeated names stay", () => {
    const headers = [
      ["a", "grüße"],
      ["a", binary],
      ["n", null],
      ["", ""],
    ] as const;
    assert.deepEqual(inAmqp(kafkaRecord({ value: "", headers })).properties.headers, [
      { name: "a", field: { type: "S", value: "grüße" } },
      { name: "a", field: { type: "x", value: binary } },
      { name: "n", field: { type: "V" } },
      { name: "", field: { type: "S", value: "" } },
    ]);
    assert.deepEqual(inRedis(kafkaRecord({ value: "", headers })), [
      ["body", ""],
      ["a", Buffer.from("grüße").latin1Slice()],
      ["a", binaryText],
      ["n", ""],
      ["", ""],
    ]);
  });

  it("that bear a name with a meaning are escaped, and come back", () => {
    const names = ["key", "body", "routing_key", "x-tombstone", "amqp.type", "header.key", "header.other"];
    const headers = names.map((name): [string, string] => [name, "v"]);
    const fields = inRedis(
      kafkaRecord({ value: "", headers: headers.filter(([name]) => name !== "amqp.type") }),
    );
    assert.deepEqual(
      fields.map(([name]) => name),
      [
        "body",
        "header.key",
        "header.body",
        "header.routing_key",
        "header.x-tombstone",
        "header.header.key",
        "header.other",
      ],
    );
    assert.deepEqual(
      inKafka(redisRecord(fields)).headers,
      headers.filter(([name]) => name !== "amqp.type"),
    );
    const amqpHeaders: FieldTable = [{ name: "amqp.type", field: { type: "S", value: "v" } }];
    const kafka = inKafka(amqpRecord({ properties: { headers: amqpHeaders } }));
    assert.deepEqual(kafka.headers, [["header.amqp.type", "v"]]);
    const back = inAmqp(kafkaRecord({ value: "", headers: [["header.amqp.type", "v"]] }));
    assert.deepEqual(back.properties.headers, amqpHeaders);
    const own = inAmqp(
      kafkaRecord({
        value: "v",
        headers: [
          ["x-key", "v"],
          ["x-tombstone", "true"],
        ],
      }),
    );
    assert.deepEqual(
      own.properties.headers!.map(({ name }) => name),
      ["header.x-key", "header.x-tombstone"],
    );
  });

  it("that AMQP cannot carry are left out: long names, and what does not fit a frame", () => {
    const headers = [
      ["n".repeat(256), "v"],
      ["big", "x".repeat(headerBytesMax)],
      ["fits", "x".repeat(headerBytesMax - 200)],
      ["after", "x".repeat(200)],
      ["small", "v"],
    ] as const;
    const shown = inAmqp(kafkaRecord({ value: "", headers })).properties.headers!;
    assert.deepEqual(
      shown.map(({ name }) => name),
      ["fits", "small"],
    );
    assert.equal(inRedis(kafkaRecord({ value: "", headers })).length, 6);
  });

  it("traceparent travels as it is", () => {
    const headers: FieldTable = [{ name: "traceparent", field: { type: "S", value: "00-1" } }];
    assert.deepEqual(inKafka(amqpRecord({ properties: { headers } })).headers, [["traceparent", "00-1"]]);
    assert.deepEqual(inRedis(amqpRecord({ properties: { headers } }))[1], ["traceparent", "00-1"]);
    const entry = redisRecord([
      ["traceparent", "00-1"],
      ["body", ""],
    ]);
    assert.deepEqual(inAmqp(entry).properties.headers, headers);
  });
});

const properties = {
  contentType: "text/plain",
  contentEncoding: "gzip",
  deliveryMode: 2,
  priority: 0,
  correlationId: "c",
  replyTo: "r",
  expiration: "60000",
  messageId: "m",
  timestamp: 1_600_000_000,
  type: "t",
  userId: "u",
  appId: "a",
  clusterId: "",
};
const propertyFields = [
  ["amqp.content-type", "text/plain"],
  ["amqp.content-encoding", "gzip"],
  ["amqp.correlation-id", "c"],
  ["amqp.reply-to", "r"],
  ["amqp.expiration", "60000"],
  ["amqp.message-id", "m"],
  ["amqp.type", "t"],
  ["amqp.user-id", "u"],
  ["amqp.app-id", "a"],
  ["amqp.cluster-id", ""],
  ["amqp.delivery-mode", "2"],
  ["amqp.priority", "0"],
] as const;
/** As they come back: a user-id that nobody has checked is no property. */
const { userId: _, ...claimable } = properties;
const asClaimed = {
  ...claimable,
  headers: [{ name: "amqp.user-id", field: { type: "S", value: "u" } }],
};
const timestampField = ["amqp.timestamp", "1600000000"] as const;

describe("properties", () => {
  it("of AMQP are headers amqp.<name> in Kafka, and come back", () => {
    const shown = inKafka(amqpRecord({ properties }));
    assert.deepEqual(shown.headers, propertyFields);
    assert.equal(shown.timestamp, 1_600_000_000_000);
    const back = kafkaRecord({ value: "", headers: shown.headers, timestamp: shown.timestamp });
    assert.deepEqual(inAmqp(back).properties, asClaimed);
  });

  it("of AMQP are fields amqp.<name> in Redis, and come back", () => {
    const fields = inRedis(amqpRecord({ properties }));
    assert.deepEqual(fields, [["body", ""], ...propertyFields, timestampField]);
    assert.deepEqual(inAmqp(redisRecord(fields)).properties, asClaimed);
  });

  it("a user-id of Kafka or Redis is no property for anybody, and is no other's in the third protocol", () => {
    const claimed = [["amqp.user-id", "root"]] as const;
    const fromKafka = kafkaRecord({ value: "", headers: claimed });
    const fromRedis = redisRecord([["body", ""], ...claimed]);
    assert.equal(inAmqp(fromKafka).properties.userId, undefined);
    assert.equal(inAmqp(fromRedis).properties.userId, undefined);
    assert.deepEqual(inRedis(fromKafka).slice(1, 2), [["header.amqp.user-id", "root"]]);
    assert.deepEqual(inKafka(fromRedis).headers, [["header.amqp.user-id", "root"]]);
  });

  it("whose text cannot be their value stay headers", () => {
    const headers = [
      ["amqp.priority", "high"],
      ["amqp.delivery-mode", "256"],
      ["amqp.type", "t".repeat(256)],
      ["amqp.unknown", "v"],
    ] as const;
    const shown = inAmqp(kafkaRecord({ value: "", headers })).properties;
    assert.deepEqual(
      shown.headers!.map(({ name }) => name),
      headers.map(([name]) => name),
    );
  });
});

describe("timestamp", () => {
  it("of AMQP is its property; the arrival without one, or where it is no time", () => {
    assert.equal(inKafka(amqpRecord({ properties: { timestamp: 3 } })).timestamp, 3000);
    assert.equal(inKafka(amqpRecord({})).timestamp, arrivalMs);
    const absurd = inKafka(amqpRecord({ properties: { timestamp: 9_000_000_000_000 } }));
    assert.equal(absurd.timestamp, arrivalMs);
    assert.deepEqual(absurd.headers, [["amqp.timestamp", "9000000000000"]]);
  });

  it("of Kafka is the record's, in seconds in AMQP", () => {
    assert.equal(inAmqp(kafkaRecord({ value: "", timestamp: 12_999 })).properties.timestamp, 12);
  });

  it("of Redis is the entry id's milliseconds", () => {
    const record = redisRecord([["body", ""]], { id: new EntryId().set(5000, 7) });
    assert.equal(inAmqp(record).properties.timestamp, 5);
    assert.equal(inKafka(record).timestamp, 5000);
  });

  it("of Redis is the arrival where the id's milliseconds are no time that clients can show", () => {
    const last = new EntryId().set(timestampMsMax, 0);
    assert.equal(inKafka(redisRecord([["body", ""]], { id: last })).timestamp, timestampMsMax);
    for (const ms of [BigInt(timestampMsMax) + 1n, 1n << 53n, 1n << 63n, partMax]) {
      const record = redisRecord([["body", ""]], { id: entryId((ms << 64n) | partMax) });
      assert.equal(inKafka(record).timestamp, arrivalMs);
      assert.equal(inAmqp(record).properties.timestamp, Math.floor(arrivalMs / 1000));
    }
  });
});
