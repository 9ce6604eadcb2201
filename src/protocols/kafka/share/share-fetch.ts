/**
 * ShareFetch: acknowledges what a member has had, then acquires more for it, at once if there is something, otherwise when there is or the
 * time is up. MinBytes is taken as 1: any record is enough.
 *
 * Not here: locks and outcomes (broker/groups/share/), what a session is (share-sessions.ts). Invariant: records are acquired in the turn in
 * which their answer is written.
 */
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Timer } from "../../../base/clock.ts";
import { type AcquiredRange, SharePartition } from "../../../broker/groups/share/share-partition.ts";
import { enterStreamGroup } from "../../../broker/groups/share/share-start.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogWaiter } from "../../../broker/queue/readers.ts";
import { mayUseGroup, mayUsePartition } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { toBrokerName } from "../core/names.ts";
import { leaderEpoch, nodeId } from "../core/server.ts";
import { beginAnswer } from "../fetch/records.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";
import { acknowledge, type AcknowledgeResult } from "./acknowledgements.ts";
import { AcquiredRecords } from "./acquired-records.ts";
import { sessionEpochs, type SessionPartition, type ShareSession } from "./share-sessions.ts";

type Request = RequestBody<"ShareFetch">;
type Answer = ResponseInput<"ShareFetch">;
type PartitionInput = Answer["responses"][number]["partitions"][number];

const answerBytesMax = 2 << 20;
/** Records that one answer has at most, but for the rest of a batch. */
const answerRecordsMax = 4000;
const partitionHeadBytes = 96;
const rangeBytes = 20;
/** From version 1 on they may not be null. */
const noRecords = Buffer.alloc(0);
const acquireModes = { wholeBatches: 0, strict: 1 } as const;

function refusal(error: KafkaErrorName, errorMessage: string | null = null): Answer {
  return { errorCode: errorCodes[error], errorMessage, responses: [] };
}

export const shareFetch: Handler<"ShareFetch"> = (call, request) => {
  const { groupId, memberId, shareSessionEpoch: epoch } = request;
  const fault = faultIn(request);
  if (fault !== null || groupId === null || memberId === null) return refusal("INVALID_REQUEST", fault);
  if (!mayUseGroup(call, "join", groupId)) return refusal("GROUP_AUTHORIZATION_FAILED");
  const { shares, broker } = call.server;
  if (!shares.exists(groupId)) return refusal("GROUP_ID_NOT_FOUND", `Group ${groupId} not found.`);
  const session = shares.sessions.open(call.caller, { groupId, memberId, epoch });
  if (typeof session === "string") return refusal(session);
  if (epoch !== sessionEpochs.last && !changeSession(session, request)) {
    session.close();
    return refusal("SHARE_SESSION_LIMIT_REACHED");
  }
  let isGone = false;
  call.onGone = () => (isGone = true);
  broker.work.run(acknowledge(call, session, request), (outcome) => {
    if (isGone) return;
    if ("error" in outcome) {
      broker.logger.error("acknowledging records failed; closed the connection", {
        error: outcome.error as Error,
      });
      return call.caller.end();
    }
    fetchAfter(call, request, session, outcome.result);
  });
  return "later";
};

function faultIn({
  groupId,
  memberId,
  shareSessionEpoch: epoch,
  topics,
  ...request
}: Request): string | null {
  if (groupId === null || groupId === "") return "the group has no name";
  if (memberId === null || memberId === "") return "the member has no id";
  const isAcknowledging = topics.some(({ partitions }) =>
    partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0),
  );
  if (epoch === sessionEpochs.first && isAcknowledging) return "a new session has nothing to acknowledge";
  const asksForMore =
    request.maxBytes > 0 || request.maxRecords > 0 || request.minBytes > 0 || request.maxWaitMs > 0;
  return request.isRenewAck && asksForMore ? "a request that renews locks acquires nothing" : null;
}

/** False where a session may not have so many partitions. */
function changeSession(session: ShareSession, { topics, forgottenTopicsData }: Request): boolean {
  for (const { topicId, partitions } of topics)
    for (const { partitionIndex } of partitions) if (!session.add(topicId, partitionIndex)) return false;
  for (const { topicId, partitions } of forgottenTopicsData)
    for (const index of partitions) session.forget(topicId, index);
  return true;
}

/** What was acknowledged, and what has been acquired so far. */
class ShareAnswer {
  readonly #call: Call<"ShareFetch">;
  readonly #session: ShareSession;
  readonly #request: Request;
  readonly #partitions = new Map<string, Map<number, PartitionInput>>();
  #bytes = 0;
  #records = 0;
  #rows = 0;
  /** There is something to tell. */
  isWanted = false;

  constructor(
    call: Call<"ShareFetch">,
    request: Request,
    session: ShareSession,
    results: readonly AcknowledgeResult[],
  ) {
    this.#call = call;
    this.#request = request;
    this.#session = session;
    for (const { topicId, index, errorCode } of results)
      this.#put(topicId, { ...emptyPartition(index), acknowledgeErrorCode: errorCode });
  }

  #put(topicId: string, partition: PartitionInput): void {
    let topic = this.#partitions.get(topicId);
    if (topic === undefined) this.#partitions.set(topicId, (topic = new Map()));
    const acknowledgeErrorCode = topic.get(partition.partitionIndex)?.acknowledgeErrorCode;
    topic.set(
      partition.partitionIndex,
      acknowledgeErrorCode === undefined ? partition : { ...partition, acknowledgeErrorCode },
    );
    this.#rows++;
    this.isWanted = true;
  }

  get #recordsLeft(): number {
    return Math.min(this.#request.maxRecords, answerRecordsMax) - this.#records;
  }

  /** From all partitions of the session, as long as there is room. */
  acquire(): this {
    beginAnswer();
    // What came earlier in this turn is to be had.
    this.#call.server.broker.storage.seal();
    const served: SessionPartition[] = [];
    for (const partition of this.#session.partitions.values()) {
      if (this.#recordsLeft <= 0) break;
      if (this.#acquireFrom(partition)) served.push(partition);
    }
    // Others come first the next time.
    for (const partition of served) this.#session.servedFrom(partition);
    return this;
  }

  /** From one that may have some now. */
  acquireLater(partition: SessionPartition): void {
    beginAnswer();
    if (this.#acquireFrom(partition)) this.#session.servedFrom(partition);
  }

  /** Whether it has acquired some. */
  #acquireFrom(partition: SessionPartition): boolean {
    const { groupId, isClosed } = this.#session;
    // Others may have ended the session, or deleted the group, while this request waited.
    if (isClosed || !this.#call.server.shares.exists(groupId)) return false;
    const { topicId, index } = partition;
    const found = findQueue(this.#call, groupId, partition);
    if (typeof found === "string") {
      this.#put(topicId, { ...emptyPartition(index), errorCode: errorCodes[found] });
      return false;
    }
    const bytesLeft = Math.min(this.#request.maxBytes, answerBytesMax) - this.#bytes;
    if (bytesLeft <= 0) return false;
    const records = new AcquiredRecords(bytesLeft, this.#bytes === 0);
    try {
      const acquiredRecords = this.#acquire(found, records);
      if (acquiredRecords.length === 0) return false;
      this.#rows += acquiredRecords.length;
      this.#put(topicId, { ...emptyPartition(index), records, acquiredRecords });
      return true;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      const { broker } = this.#call.server;
      broker.logger.error("a share group met records that cannot be read", { queue: found.name, error });
      this.#put(topicId, { ...emptyPartition(index), errorCode: faultOf(error).errorCode });
      return false;
    }
  }

  #acquire(queue: Queue, records: AcquiredRecords): AcquiredRange[] {
    const { groupId, memberId, acquiredFrom } = this.#session;
    const share = SharePartition.of(enterStreamGroup(queue, toBrokerName(groupId)));
    const wish = {
      records: this.#recordsLeft,
      isStrict: this.#request.shareAcquireMode === acquireModes.strict,
    };
    try {
      // Also where reading fails: the member has become a consumer of the group, and leaves it with its session.
      acquiredFrom.add(share);
      const ranges = share.acquire(memberId, wish, records);
      for (const { firstOffset, lastOffset } of ranges) this.#records += lastOffset - firstOffset + 1;
      return ranges;
    } finally {
      this.#bytes += records.finish().length;
    }
  }

  send(): void {
    const call = this.#call;
    call.caller.messagesOut += this.#records;
    call.connection.output.ensure(this.#bytes + (this.#rows + 1) * (partitionHeadBytes + rangeBytes));
    const { lockMs } = call.server.vhost.shareGroups.settingsOf(toBrokerName(this.#session.groupId));
    call.answer({
      errorCode: errorCodes.NONE,
      acquisitionLockTimeoutMs: lockMs,
      responses: [...this.#partitions].map(([topicId, partitions]) => ({
        topicId,
        partitions: [...partitions.values()],
      })),
    });
  }
}

function emptyPartition(partitionIndex: number): PartitionInput {
  return {
    partitionIndex,
    errorCode: errorCodes.NONE,
    acknowledgeErrorCode: errorCodes.NONE,
    currentLeader: { leaderId: nodeId, leaderEpoch },
    records: noRecords,
    acquiredRecords: [],
  };
}

/**
 * The stream of a partition. A queue of AMQP's, or an exchange, has none; nor has a topic to which no member of the group has subscribed: the
 * group would stay there when it is deleted.
 */
function findQueue(
  call: Call<"ShareFetch">,
  groupId: string,
  { topicId, index }: SessionPartition,
): Queue | KafkaErrorName {
  const topic = call.server.topics.findById(topicId);
  if (topic === undefined) return "UNKNOWN_TOPIC_ID";
  if (!mayUsePartition(call, "take", topic, topic.name, index)) return "TOPIC_AUTHORIZATION_FAILED";
  const queue = topic.queue(index);
  const isIn = call.server.shares.kept.topicsOf(toBrokerName(groupId)).has(toBrokerName(topic.name));
  return isIn && queue?.kind === "stream" ? queue : "UNKNOWN_TOPIC_OR_PARTITION";
}

function fetchAfter(
  call: Call<"ShareFetch">,
  request: Request,
  session: ShareSession,
  results: readonly AcknowledgeResult[],
): void {
  if (results.length > 0) call.holdUntilSettled();
  const answer = new ShareAnswer(call, request, session, results);
  if (request.shareSessionEpoch === sessionEpochs.last) {
    session.close();
    return answer.send();
  }
  if (request.maxRecords > 0 && request.maxBytes > 0) answer.acquire();
  if (answer.isWanted || request.maxWaitMs <= 0) answer.send();
  else LongPoll.begin(call, request, session, answer);
}

/** Waits on the streams of a session. Told at the end of a tick, it answers before that tick's output leaves. */
class LongPoll implements LogWaiter {
  readonly #answer: ShareAnswer;
  readonly #timer: Timer;
  readonly #partitions = new Map<Queue, SessionPartition>();

  static begin(...parts: ConstructorParameters<typeof LongPoll>): void {
    void new LongPoll(...parts);
  }

  constructor(call: Call<"ShareFetch">, request: Request, session: ShareSession, answer: ShareAnswer) {
    this.#answer = answer;
    for (const partition of session.partitions.values()) {
      const queue = findQueue(call, session.groupId, partition);
      if (typeof queue === "string") continue;
      this.#partitions.set(queue, partition);
      queue.waiters.add(this);
    }
    call.onGone = () => this.#stop();
    this.#timer = call.server.broker.timers.after(Math.min(request.maxWaitMs, limits.timerMsMax), () =>
      this.#end(),
    );
  }

  logChanged(queue: Queue): void {
    this.#answer.acquireLater(this.#partitions.get(queue)!);
    if (this.#answer.isWanted) this.#end();
  }

  #end(): void {
    this.#stop();
    this.#answer.send();
  }

  #stop(): void {
    this.#timer.cancel();
    for (const queue of this.#partitions.keys()) queue.waiters.delete(this);
  }
}
