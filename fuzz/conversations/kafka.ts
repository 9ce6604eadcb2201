/** What a Kafka client may say: every api in every version, what real clients said, and what does something. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { codecs, compress } from "../../src/message/compression.ts";
import {
  allApis,
  encodeRequest,
  type ApiName,
  type RequestInput,
} from "../../src/protocols/kafka/wire/codec.ts";
import { bodyArbitrary } from "../../test/unit/kafka-arbitraries.ts";
import { kafkaBatch } from "../../test/unit/message-support.ts";
import { batchFormat } from "../formats/kafka.ts";

/** Every api and version by itself. */
export function everyRequest(samples: number): Buffer[] {
  const requests: Buffer[] = [];
  for (const api of allApis) {
    for (let version = api.versionMin; version <= api.versionMax; version++) {
      const bodies = fc.sample(bodyArbitrary(api.request, version), { seed: 11, numRuns: samples });
      for (const body of bodies) requests.push(asked(api.name as ApiName, version, body as never));
    }
  }
  return requests;
}

export function recordedRequests(): Buffer[] {
  const url = new URL("../../test/vectors/kafka/requests.json", import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { hex: string }[]).map(({ hex }) =>
    Buffer.from(hex, "hex"),
  );
}

/** Batches in every codec, with keys, headers and nulls. */
export function batches(): Buffer[] {
  const messages = [
    {
      key: "k1",
      value: "v1",
      headers: [
        ["h", "x"],
        ["n", null],
      ] as const,
    },
    { key: null, value: null, headers: [] },
    { key: "k2", value: "some longer value ".repeat(8), headers: [["amqp.priority", "5"]] as const },
  ];
  const plain = kafkaBatch(messages);
  return [
    plain,
    kafkaBatch(messages.slice(0, 1)),
    ...Object.values(codecs).map((codec) => compressed(plain, codec)),
  ];
}

function compressed(plain: Buffer, codec: number): Buffer {
  const head = Buffer.from(plain.subarray(0, 61));
  head[22] = codec;
  return batchFormat.seal!(Buffer.concat([head, compress(codec, plain.subarray(61))]));
}

function asked<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Buffer {
  const writer = new ByteWriter();
  encodeRequest(writer, name, { version, correlationId: 9, clientId: "fuzz" }, body);
  return writer.copy();
}

export function apiVersionsRequest(): Buffer {
  return asked("ApiVersions", 0, {});
}

export function kafkaConversations(): Buffer[] {
  const produce = batches().map((records) =>
    asked("Produce", 9, {
      acks: -1,
      timeoutMs: 1000,
      transactionalId: null,
      topicData: [{ name: "t", partitionData: [{ index: 0, records }] }],
    } as never),
  );
  const fetch = asked("Fetch", 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }],
  } as never);
  const create = asked("CreateTopics", 5, {
    topics: [
      {
        name: "t",
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: "retention.ms", value: "1000" }],
      },
    ],
    timeoutMs: 100,
    validateOnly: false,
  } as never);
  const recorded = recordedRequests();
  const talks: Buffer[][] = [[create, ...produce, fetch], [create, produce[0]!, fetch, fetch], recorded];
  for (let at = 0; at < recorded.length; at += 6) talks.push([create, ...recorded.slice(at, at + 6), fetch]);
  const every = everyRequest(1);
  for (let at = 0; at < every.length; at += 5) talks.push([create, ...every.slice(at, at + 5)]);
  return talks.map((requests) => Buffer.concat(requests));
}
