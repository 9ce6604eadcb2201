/** Topics made and removed, on a connection of one's own choice. Not here: anything that is measured. */
import type { KafkaConnection } from "./connection.ts";
import { apis, RequestWriter, type ResponseReader } from "./wire.ts";

const timeoutMs = 30_000;
const readyMsMax = 30_000;
const pollMs = 20;
const settleMs = 500;
const latest = -1;
const noEpoch = -1;
/** Enough for ten thousand partitions in one request. */
const requestBytesMax = 1 << 20;

export interface Topic {
  readonly name: string;
  readonly partitions: number;
}

export async function createTopic(connection: KafkaConnection, topic: Topic): Promise<void> {
  const request = new RequestWriter(requestBytesMax).begin(apis.createTopics);
  request.int32(1).string(topic.name).int32(topic.partitions).int16(1);
  // No assignments, no settings of its own; then the timeout, and that it is meant.
  request.int32(0).int32(0).int32(timeoutMs).int8(0);
  await connection.call(request.end(), (reader) => {
    reader.skip(4);
    expectOne(reader, `CreateTopics ${topic.name}`, true);
  });
  await untilReady(connection, topic);
}

/** Servers remove the files after their answer: that is waited for, so that the next run does not pay for it. */
export async function deleteTopic(connection: KafkaConnection, name: string): Promise<void> {
  const request = new RequestWriter(requestBytesMax).begin(apis.deleteTopics);
  request.int32(1).string(name).int32(timeoutMs);
  await connection.call(request.end(), (reader) => {
    reader.skip(4);
    expectOne(reader, `DeleteTopics ${name}`, false);
  });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
}

function expectOne(reader: ResponseReader, what: string, hasMessage: boolean): void {
  reader.skip(4);
  reader.string();
  const errorCode = reader.int16();
  const message = hasMessage ? reader.string() : "";
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode} ${message}`);
}

/** Kafka answers before its partitions have become leaders: a producer would meet NOT_LEADER_OR_FOLLOWER. */
async function untilReady(connection: KafkaConnection, topic: Topic): Promise<void> {
  const request = new RequestWriter(requestBytesMax).begin(apis.listOffsets);
  request.int32(-1).int8(0).int32(1).string(topic.name).int32(topic.partitions);
  for (let partition = 0; partition < topic.partitions; partition++)
    request.int32(partition).int32(noEpoch).int64(latest);
  const bytes = request.end();
  for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
    if (await connection.call(bytes, areAllReady)) return;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`not all partitions of ${topic.name} were ready within ${readyMsMax} ms`);
}

function areAllReady(reader: ResponseReader): boolean {
  let areReady = true;
  reader.skip(4);
  for (let topics = reader.int32(); topics > 0; topics--) {
    reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions--) {
      reader.skip(4);
      if (reader.int16() !== 0) areReady = false;
      reader.skip(8 + 8 + 4);
    }
  }
  return areReady;
}
