/**
 * A member of a share group over the project's own codec: one request at a time, nothing acknowledged by itself. For tests that must
 * decide themselves what is said of each record. Kafka's own consumer is shown by clients/java/kafka.
 */
import assert from "node:assert/strict";
import type { RequestInput, ResponseBody } from "../../src/protocols/kafka/wire/codec.ts";
import { recordsOf } from "../../sim/clients/kafka-batch.ts";
import { KafkaWireClient, makeBatch } from "./kafka-wire-client.ts";
import { until } from "./wait.ts";

export const outcomes = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;
const groupResource = 32;

/** Offset, body and count of deliveries. */
export type Acquired = [offset: number, body: string, deliveries: number];

type Batch =
  RequestInput<"ShareAcknowledge">["topics"][number]["partitions"][number]["acknowledgementBatches"][number];

export class ShareMember {
  readonly client: KafkaWireClient;
  readonly #group: string;
  readonly id: string;
  memberEpoch = 0;
  sessionEpoch = 0;
  topicId = "";
  partitions: number[] = [];

  private constructor(client: KafkaWireClient, group: string, id: string) {
    this.client = client;
    this.#group = group;
    this.id = id;
  }

  static async join(port: number, group: string, id: string, topic: string): Promise<ShareMember> {
    const member = new ShareMember(await KafkaWireClient.connect(port), group, id);
    await member.beat([topic]);
    return member;
  }

  async beat(topics: string[] | null = null): Promise<ResponseBody<"ShareGroupHeartbeat">> {
    const answer = await this.client.request("ShareGroupHeartbeat", 1, {
      groupId: this.#group,
      memberId: this.id,
      memberEpoch: this.memberEpoch,
      subscribedTopicNames: topics,
    });
    if (answer.errorCode !== 0) return answer;
    this.memberEpoch = answer.memberEpoch;
    const assigned = answer.assignment?.topicPartitions[0];
    if (assigned !== undefined) {
      this.topicId = assigned.topicId;
      this.partitions = assigned.partitions;
    }
    return answer;
  }

  async leave(): Promise<void> {
    this.memberEpoch = -1;
    assert.equal((await this.beat()).errorCode, 0);
  }

  #topics(batches: readonly Batch[]): RequestInput<"ShareFetch">["topics"] {
    const { topicId } = this;
    if (this.sessionEpoch === 0)
      return [
        {
          topicId,
          partitions: this.partitions.map((partitionIndex) => ({
            partitionIndex,
            acknowledgementBatches: [],
          })),
        },
      ];
    if (batches.length === 0) return [];
    return [
      { topicId, partitions: [{ partitionIndex: this.partitions[0]!, acknowledgementBatches: batches }] },
    ];
  }

  fetchAnswer(
    wish: Partial<RequestInput<"ShareFetch">> = {},
    batches: readonly Batch[] = [],
  ): Promise<ResponseBody<"ShareFetch">> {
    const topics = this.#topics(batches);
    return this.client.request("ShareFetch", 2, {
      groupId: this.#group,
      memberId: this.id,
      shareSessionEpoch: this.sessionEpoch++,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1 << 20,
      maxRecords: 500,
      batchSize: 500,
      topics,
      forgottenTopicsData: [],
      ...wish,
    });
  }

  /** All records that one request gives. */
  async fetch(
    wish: Partial<RequestInput<"ShareFetch">> = {},
    batches: readonly Batch[] = [],
  ): Promise<Acquired[]> {
    const answer = await this.fetchAnswer(wish, batches);
    assert.equal(answer.errorCode, 0);
    return acquiredIn(answer);
  }

  /** Says the same of all of them; resolves with the error of the partition. */
  async say(outcome: number, records: readonly Acquired[], session = this.sessionEpoch++): Promise<number> {
    const answer = await this.client.request("ShareAcknowledge", 2, {
      groupId: this.#group,
      memberId: this.id,
      shareSessionEpoch: session,
      isRenewAck: outcome === outcomes.renew,
      topics: [
        {
          topicId: this.topicId,
          partitions: [
            {
              partitionIndex: this.partitions[0]!,
              acknowledgementBatches: records.map(([offset]) => ({
                firstOffset: offset,
                lastOffset: offset,
                acknowledgeTypes: [outcome],
              })),
            },
          ],
        },
      ],
    });
    return answer.errorCode !== 0 ? answer.errorCode : answer.responses[0]!.partitions[0]!.errorCode;
  }

  close(): void {
    this.client.close();
  }
}

/** Only what was acquired, of the batches that came. */
export function acquiredIn(answer: ResponseBody<"ShareFetch">): Acquired[] {
  const found: Acquired[] = [];
  for (const { partitions } of answer.responses) {
    for (const { records, acquiredRecords } of partitions) {
      for (const [offset, body] of recordsOf(records ?? Buffer.alloc(0))) {
        const range = acquiredRecords.find(
          ({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset,
        );
        if (range !== undefined) found.push([offset, body, range.deliveryCount]);
      }
    }
  }
  return found;
}

export async function fetchedUntil(member: ShareMember, count: number): Promise<Acquired[]> {
  const found: Acquired[] = [];
  await until(async () => {
    found.push(...(await member.fetch({ maxWaitMs: 200 })));
    return found.length >= count;
  }, `${count} records of a share group`);
  return found;
}

export async function setGroup(
  client: KafkaWireClient,
  group: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }));
  const { responses } = await client.request("IncrementalAlterConfigs", 1, {
    resources: [{ resourceType: groupResource, resourceName: group, configs }],
    validateOnly: false,
  });
  assert.deepEqual([responses[0]!.errorCode, responses[0]!.errorMessage], [0, null]);
}

export async function makeTopic(client: KafkaWireClient, name: string, numPartitions = 1): Promise<void> {
  await client.request("CreateTopics", 5, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
    validateOnly: false,
  });
}

/** One batch. */
export async function produce(
  client: KafkaWireClient,
  name: string,
  values: readonly string[],
  index = 0,
): Promise<void> {
  const records = makeBatch({
    values,
    timestamp: Date.now(),
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  });
  const { responses } = await client.request("Produce", 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index, records }] }],
  });
  assert.equal(responses[0]!.partitionResponses[0]!.errorCode, 0);
}
