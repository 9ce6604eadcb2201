/** Every api in every version: what is encoded decodes to the same, byte for byte; what is broken is refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as platformatic from "@platformatic/kafka";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { BrokerError } from "../../../src/base/errors.ts";
import type { Api } from "../../../src/protocols/kafka/wire/api.ts";
import {
  allApis,
  apiVersionRanges,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../../../src/protocols/kafka/wire/codec.ts";
import { readMessage } from "../../../src/protocols/kafka/wire/decode.ts";
import { writeStruct, writeStructInPieces } from "../../../src/protocols/kafka/wire/encode.ts";
import { errorCodes, errorNameOf, isRetriable } from "../../../src/protocols/kafka/wire/error-codes.ts";
import type { Plan } from "../../../src/protocols/kafka/wire/plan.ts";
import { bodyArbitrary } from "../message/kafka-arbitraries.ts";

const runs = { numRuns: 25 };

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}

function eachVersion(check: (api: Api, version: number) => void): void {
  let checked = 0;
  for (const api of allApis) {
    for (let version = api.versionMin; version <= api.versionMax; version++) {
      check(api, version);
      checked++;
    }
  }
  assert.ok(checked > 150, `looked at ${checked} versions only`);
}

function encode(plan: Plan, body: Record<string, unknown>): Buffer {
  const writer = new ByteWriter();
  writeStruct(plan, body, writer);
  return writer.copy();
}

/** Decodes, and says how a refusal looked. */
function tryDecode(plan: Plan, bytes: Buffer): Record<string, unknown> | null {
  try {
    return readMessage(plan, new ByteReader(bytes));
  } catch (error) {
    assert.ok(error instanceof BrokerError && error.code === "MALFORMED", String(error));
    return null;
  }
}

function eachPlan(api: Api, version: number, check: (plan: Plan, fields: Api["request"]) => void): void {
  const plans = api.plans(version);
  check(plans.request, api.request);
  check(plans.response, api.response);
}

describe("Kafka messages", () => {
  test("round trip in every version", () => {
    eachVersion((api, version) =>
      eachPlan(api, version, (plan, fields) => {
        fc.assert(
          fc.property(bodyArbitrary(fields, version), (body) => {
            const bytes = encode(plan, body);
            const reader = new ByteReader(bytes);
            const decoded = readMessage(plan, reader);
            assert.equal(reader.remaining, 0, `${api.name} ${version}`);
            assert.deepEqual(decoded, body, `${api.name} ${version}`);
            assert.deepEqual(encode(plan, decoded), bytes);
            const writer = new ByteWriter();
            for (const units of writeStructInPieces(plan, body, writer)) assert.ok(units > 0);
            assert.deepEqual(writer.copy(), bytes);
            assert.ok(bytes.length >= plan.sizeMin);
          }),
          runs,
        );
      }),
    );
  });

  test("every truncation is refused", () => {
    eachVersion((api, version) =>
      eachPlan(api, version, (plan, fields) => {
        const [body] = fc.sample(bodyArbitrary(fields, version), { numRuns: 1, seed: 7 });
        const bytes = encode(plan, body!);
        for (let size = 0; size < bytes.length; size++) {
          assert.equal(tryDecode(plan, bytes.subarray(0, size)), null, `${api.name} ${version} at ${size}`);
        }
      }),
    );
  });

  test("random bytes are decoded or refused, with no more elements than bytes", () => {
    eachVersion((api, version) =>
      eachPlan(api, version, (plan) => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
            tryDecode(plan, Buffer.from(noise));
          }),
          runs,
        );
      }),
    );
  });

  test("an array's count is held against the bytes that are left", () => {
    const writer = new ByteWriter();
    writer.int32(0x7fff_ffff).bytes(Buffer.alloc(100));
    const plan = allApis.find((api) => api.name === "Metadata")!.plans(1).request;
    assert.equal(tryDecode(plan, writer.copy()), null);
  });

  test("a message has a bound on its array elements", () => {
    const plan = allApis.find((api) => api.name === "Metadata")!.plans(1).request;
    const writer = new ByteWriter();
    writer.int32(300_000).bytes(Buffer.alloc(600_000));
    assert.throws(
      () => readMessage(plan, new ByteReader(writer.view())),
      (error) => error instanceof BrokerError && error.code === "LIMIT",
    );
  });

  test("a long message is written in pieces of bounded size", () => {
    const plan = allApis.find((api) => api.name === "Metadata")!.plans(9).response;
    const partitions = Array.from({ length: 1000 }, (_, partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
    }));
    const topics = Array.from({ length: 20 }, (_, i) => ({ errorCode: 0, name: `t${i}`, partitions }));
    const writer = new ByteWriter();
    let written = 0;
    let pieces = 0;
    for (const _ of writeStructInPieces(plan, { brokers: [], topics }, writer)) {
      assert.ok(writer.length - written < 20_000, `${writer.length - written} bytes in one piece`);
      written = writer.length;
      pieces++;
    }
    assert.ok(pieces > 20, `${pieces} pieces`);
    const atOnce = new ByteWriter();
    writeStruct(plan, { brokers: [], topics }, atOnce);
    assert.deepEqual(writer.copy(), atOnce.copy());
  });

  test("strings and tagged fields have bounds in flexible versions too", () => {
    const plan = allApis.find((api) => api.name === "Metadata")!.plans(9).request;
    const isRefused = (code: string, writer: ByteWriter): void =>
      assert.throws(
        () => readMessage(plan, new ByteReader(writer.copy())),
        (error) => error instanceof BrokerError && error.code === code,
      );
    // One topic whose name has 40,000 bytes.
    isRefused(
      "MALFORMED",
      new ByteWriter()
        .uint8(2)
        .bytes(Buffer.from([0xc1, 0xb8, 0x02]))
        .bytes(Buffer.alloc(40_010)),
    );
    // No topics, three booleans, then 200,000 tagged fields of nothing.
    const tags = Buffer.concat([Buffer.from([1, 0, 0, 0, 0xc0, 0x9a, 0x0c]), Buffer.alloc(400_000)]);
    isRefused("LIMIT", new ByteWriter().bytes(tags));
  });

  test("a null where none may be is refused both ways", () => {
    const plan = allApis.find((api) => api.name === "Heartbeat")!.plans(0).request;
    assert.equal(tryDecode(plan, Buffer.from("ffff00000000ffff", "hex")), null);
    assert.throws(
      () => encode(plan, { groupId: null, generationId: 0, memberId: "" }),
      (error) => error instanceof BrokerError && error.code === "INVALID",
    );
  });

  test("unknown tags are skipped, known ones may come with them", () => {
    const writer = new ByteWriter();
    encodeResponse(
      writer,
      "ApiVersions",
      { version: 3, correlationId: 1 },
      {
        errorCode: 0,
        apiKeys: [],
        finalizedFeaturesEpoch: 5,
      },
    );
    const bytes = writer.copy();
    // One tagged field: count 1, tag 1, size 8, value. Put tag 99 with 2 bytes behind it.
    const tagCountAt = bytes.length - 11;
    assert.equal(bytes[tagCountAt], 1);
    bytes[tagCountAt] = 2;
    const extended = Buffer.concat([bytes, Buffer.from([99, 2, 0xaa, 0xbb])]);
    const { body } = decodeResponse(extended, 4, extended.length, "ApiVersions", 3);
    assert.equal(body.finalizedFeaturesEpoch, 5);
  });

  test("a tagged field that does not fill its size is refused", () => {
    const plan = allApis.find((api) => api.name === "ApiVersions")!.plans(3).response;
    const bytes = hex("0000 01 00000000 01 01 09 000000000000000500");
    assert.equal(tryDecode(plan, bytes), null);
  });

  test("a tagged field larger than 127 bytes has a longer size", () => {
    const nodeEndpoints = Array.from({ length: 40 }, (_, i) => ({
      nodeId: i,
      host: `host-${i}`.repeat(60),
      port: 9092,
      rack: null,
    }));
    const writer = new ByteWriter();
    encodeResponse(writer, "Produce", { version: 10, correlationId: 1 }, { responses: [], nodeEndpoints });
    const bytes = writer.copy();
    const { body } = decodeResponse(bytes, 4, bytes.length, "Produce", 10);
    assert.deepEqual(body.nodeEndpoints, nodeEndpoints);
  });
});

describe("Kafka requests and responses", () => {
  test("a request comes back with its header", () => {
    const writer = new ByteWriter();
    encodeRequest(
      writer,
      "Produce",
      { version: 9, correlationId: 77, clientId: "bücher" },
      {
        acks: -1,
        timeoutMs: 30000,
        topicData: [{ name: "t", partitionData: [{ index: 3, records: Buffer.from("records") }] }],
      },
    );
    const bytes = writer.copy();
    assert.equal(bytes.readInt32BE(0), bytes.length - 4);
    const request = decodeRequest(bytes, 4, bytes.length);
    assert.equal(request.name, "Produce");
    if (request.name !== "Produce") return;
    assert.equal(request.version, 9);
    assert.equal(request.correlationId, 77);
    assert.equal(request.clientId, "bücher");
    const records = request.body.topicData[0]!.partitionData[0]!.records!;
    assert.equal(records.toString(), "records");
    assert.equal(records.buffer, bytes.buffer, "records are a view of the request");
  });

  test("records are written by their source, whose length is believed only once", () => {
    const chunks = [Buffer.from("abc"), Buffer.from("defg")];
    const source = {
      length: 7,
      writeTo(writer: ByteWriter): void {
        for (const chunk of chunks) writer.bytes(chunk);
      },
    };
    const body = (records: typeof source) => ({
      responses: [
        { topic: "t", partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 9, records }] },
      ],
    });
    for (const version of [4, 11, 12, 18]) {
      const writer = new ByteWriter();
      encodeResponse(writer, "Fetch", { version, correlationId: 1 }, body(source));
      const bytes = writer.copy();
      const decoded = decodeResponse(bytes, 4, bytes.length, "Fetch", version);
      assert.equal(decoded.body.responses[0]!.partitions[0]!.records!.toString(), "abcdefg");
      assert.throws(
        () => encodeResponse(writer, "Fetch", { version, correlationId: 1 }, body({ ...source, length: 8 })),
        (error) => error instanceof BrokerError && error.code === "INVALID",
      );
    }
  });

  test("a body that cannot be written leaves nothing behind, and does not compile", () => {
    const writer = new ByteWriter();
    writer.uint8(1);
    const head = { version: 0, correlationId: 1 };
    const results = [{ groupId: "g", errorCode: 0 }, null] as { groupId: string; errorCode: number }[];
    assert.throws(() => encodeResponse(writer, "DeleteGroups", head, { results }));
    assert.equal(writer.length, 1);
    // @ts-expect-error: a field without a default may not be left out.
    encodeResponse(writer, "Heartbeat", head, {});
  });

  test("an ApiVersions request of a version to come is answered in version 0", () => {
    // Header v2 with a tag, and a body that nobody can know.
    const bytes = hex("0012 0063 00000005 000161 00 ffffffffffffffff");
    const request = decodeRequest(bytes, 0, bytes.length);
    assert.deepEqual(request, {
      name: null,
      apiKey: 18,
      version: 99,
      correlationId: 5,
      clientId: null,
      body: null,
    });
    const writer = new ByteWriter();
    encodeResponse(
      writer,
      "ApiVersions",
      { version: 0, correlationId: request.correlationId },
      { errorCode: errorCodes.UNSUPPORTED_VERSION, apiKeys: apiVersionRanges },
    );
    const answer = writer.copy();
    assert.equal(answer.subarray(4, 14).toString("hex"), "00000005002300000025");
    const { body } = decodeResponse(answer, 4, answer.length, "ApiVersions", 0);
    assert.deepEqual(body.apiKeys, apiVersionRanges);
  });

  test("unknown apis are named by their key", () => {
    const bytes = hex("0fff 0000 00000005 ffff");
    const request = decodeRequest(bytes, 0, bytes.length);
    assert.equal(request.name, null);
    assert.equal(request.apiKey, 0xfff);
  });

  test("the ranges are those that Kafka 4 advertises", () => {
    const ranges = Object.fromEntries(
      apiVersionRanges.map((range) => [range.apiKey, [range.minVersion, range.maxVersion]]),
    );
    assert.deepEqual(ranges, {
      0: [0, 13],
      1: [4, 18],
      2: [1, 11],
      3: [0, 13],
      8: [2, 10],
      9: [1, 10],
      10: [0, 6],
      11: [0, 9],
      12: [0, 4],
      13: [0, 5],
      14: [0, 5],
      15: [0, 6],
      16: [0, 5],
      17: [0, 1],
      18: [0, 4],
      19: [2, 7],
      20: [1, 6],
      21: [0, 2],
      22: [0, 5],
      23: [2, 4],
      29: [1, 3],
      30: [1, 3],
      31: [1, 3],
      32: [1, 4],
      33: [0, 2],
      36: [0, 2],
      37: [0, 3],
      42: [0, 2],
      44: [0, 1],
      47: [0, 0],
      60: [0, 2],
      75: [0, 0],
      76: [1, 1],
      77: [1, 1],
      78: [1, 2],
      79: [1, 2],
      90: [0, 1],
    });
  });
});

describe("Kafka error codes", () => {
  test("agree with those that a client knows", () => {
    let compared = 0;
    for (const { id, code, canRetry } of Object.values(platformatic.protocolErrors)) {
      assert.equal(errorCodes[id as keyof typeof errorCodes], code, id);
      assert.equal(isRetriable(code), canRetry, id);
      assert.equal(errorNameOf(code), id);
      compared++;
    }
    assert.ok(compared > 120);
    assert.equal(errorNameOf(9999), "UNKNOWN_SERVER_ERROR");
    assert.equal(errorCodes.NONE, 0);
  });
});
