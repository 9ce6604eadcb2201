/**
 * Produce: append record batches.
 *
 * Kafka 4 advertises it from version 0, although its handler refuses what is below 3: librdkafka turns compression
 * off when it does not see version 0 (KAFKA-18659). From version 13 topics go by id.
 */
import { Api } from "../api.ts";
import { array, int16, int32, int64, records, string, struct, uuid, zeroUuid } from "../schema.ts";

export const Produce = new Api({
  key: 0,
  name: "Produce",
  versions: [0, 13],
  flexibleSince: 9,
  request: {
    transactionalId: string({ since: 3, nullable: 3, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12, default: "" }),
      topicId: uuid({ since: 13, default: zeroUuid }),
      partitionData: array({
        index: int32(),
        records: records(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string({ until: 12, default: "" }),
      topicId: uuid({ since: 13, default: zeroUuid }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ since: 2, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string({ nullable: 8, default: null }),
          },
          { since: 8, default: [] },
        ),
        errorMessage: string({ since: 8, nullable: 8, default: null }),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 10, tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ since: 1, default: 0 }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: 10, default: null }),
      },
      { since: 10, tag: 0 },
    ),
  },
});
