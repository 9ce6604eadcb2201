/**
 * DescribeShareGroupOffsets: from where on share groups still have records, and how many.
 *
 * A group's start in a partition is its first record that is neither settled nor waiting for nothing: the first that is pending, or the next new one.
 */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import { groupLag } from "../../../broker/groups/progress.ts";
import { mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { fromBrokerName, toBrokerName } from "../core/names.ts";
import { leaderEpoch } from "../core/server.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Asked = RequestBody<"DescribeShareGroupOffsets">["groups"][number];
type Group = ResponseInput<"DescribeShareGroupOffsets">["groups"][number];
type Topic = Group["topics"][number];
type Partition = Topic["partitions"][number];

const zeroId = "00000000000000000000000000000000";
const unitsOfPartition = 2;

export const describeShareGroupOffsets: Handler<"DescribeShareGroupOffsets"> = function* (call, request) {
  const groups: Group[] = [];
  let rows = 0;
  for (const asked of request.groups) {
    const group = rows > limits.kafkaAnswerRowsMax ? tooMuch(asked) : yield* describe(call, asked);
    groups.push(group);
    for (const { partitions } of group.topics) rows += 1 + partitions.length;
    yield 1;
  }
  return { groups };
};

function tooMuch({ groupId }: Asked): Group {
  const errorMessage = `More than ${limits.kafkaAnswerRowsMax} partitions in one answer; ask for fewer groups.`;
  return { groupId, topics: [], errorCode: errorCodes.POLICY_VIOLATION, errorMessage };
}

function* describe(call: Call<"DescribeShareGroupOffsets">, { groupId, topics }: Asked): Job<Group> {
  if (!mayUseGroup(call, "describe", groupId))
    return { groupId, topics: [], errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED };
  const { shares } = call.server;
  const described: Topic[] = [];
  if (topics === null) {
    for (const name of shares.kept.topicsOf(toBrokerName(groupId))) {
      const topicName = fromBrokerName(name);
      // What the user may not see is left out, as in Kafka.
      if (mayUseTopic(call, "describe", topicName))
        described.push(yield* describeTopic(call, groupId, topicName, null));
    }
  } else
    for (const { topicName, partitions } of topics)
      described.push(yield* describeTopic(call, groupId, topicName, partitions));
  return { groupId, topics: described, errorCode: errorCodes.NONE };
}

function* describeTopic(
  call: Call<"DescribeShareGroupOffsets">,
  groupId: string,
  topicName: string,
  wanted: readonly number[] | null,
): Job<Topic> {
  const isAllowed = mayUseTopic(call, "describe", topicName);
  const topic = isAllowed ? call.server.topics.find(topicName) : undefined;
  const indexes = wanted ?? Array.from({ length: topic?.partitionCount ?? 0 }, (_, index) => index);
  const partitions: Partition[] = [];
  for (const partitionIndex of indexes) {
    yield unitsOfPartition;
    const cursor = topic?.queue(partitionIndex)?.groups.get(toBrokerName(groupId));
    const bare = { partitionIndex, startOffset: -1, leaderEpoch: 0, errorCode: errorCodes.NONE };
    if (!isAllowed) partitions.push({ ...bare, errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED });
    else if (cursor === undefined) partitions.push(bare);
    else partitions.push({ ...bare, leaderEpoch, startOffset: startOf(cursor), lag: lagOf(cursor) });
  }
  return { topicName, topicId: topic?.id ?? zeroId, partitions };
}

function startOf(cursor: GroupCursor): number {
  const held = cursor.pending.next(0);
  return held < 0 ? cursor.next : Math.min(held, cursor.next);
}

/** Records that the group has still to settle. */
function lagOf({ log, entriesRead, lastId, pending }: GroupCursor): number {
  const news = groupLag(log, entriesRead, lastId);
  return Number.isNaN(news) ? -1 : Math.max(news, 0) + pending.size;
}
