/**
 * Share sessions: which partitions a member of a share group fetches from, so that its requests name changes only.
 *
 *     epoch   0: a new session; n: the next request of the one that is there; -1: its last
 *
 * A session is of one connection and ends with it; then what the member holds is given back. Not here: acquiring (share-fetch.ts).
 * Invariant: `#partitions` is the number of partitions in all sessions.
 */
import { limits } from "../../../base/limits.ts";
import type { SharePartition } from "../../../broker/groups/share/share-partition.ts";
import type { KafkaErrorName } from "../wire/error-codes.ts";

export const sessionEpochs = { last: -1, first: 0 } as const;
const epochMax = 0x7fff_ffff;

export interface SessionPartition {
  readonly topicId: string;
  readonly index: number;
}

/** The connection that a session belongs to. */
export interface SessionHolder {
  readonly shareSessions: Set<ShareSession>;
}

export class ShareSession {
  readonly groupId: string;
  readonly memberId: string;
  readonly holder: SessionHolder;
  /** That of the next request. */
  epoch = 1;
  /** The one that had records last comes last. */
  readonly partitions = new Map<string, SessionPartition>();
  isClosed = false;
  /** Where it may hold records. */
  readonly acquiredFrom = new Set<SharePartition>();
  readonly #sessions: ShareSessions;

  constructor(sessions: ShareSessions, holder: SessionHolder, groupId: string, memberId: string) {
    this.#sessions = sessions;
    this.holder = holder;
    this.groupId = groupId;
    this.memberId = memberId;
  }

  /** False where that would be more than sessions may have. */
  add(topicId: string, index: number): boolean {
    const key = keyOf(topicId, index);
    if (this.partitions.has(key)) return true;
    if (this.partitions.size >= limits.kafkaFetchPartitionsMax || !this.#sessions.count(1)) return false;
    this.partitions.set(key, { topicId, index });
    return true;
  }

  forget(topicId: string, index: number): void {
    if (this.partitions.delete(keyOf(topicId, index))) this.#sessions.count(-1);
  }

  /** Others have their turn before this partition has one again. */
  servedFrom(partition: SessionPartition): void {
    const key = keyOf(partition.topicId, partition.index);
    if (this.partitions.delete(key)) this.partitions.set(key, partition);
  }

  /** Ends it: what the member holds is given back. */
  close(): void {
    this.isClosed = true;
    this.#sessions.closed(this);
    for (const share of this.acquiredFrom) share.leave(this.memberId);
    this.acquiredFrom.clear();
  }
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}:${index}`;
}

function sessionKey(groupId: string, memberId: string): string {
  return JSON.stringify([groupId, memberId]);
}

export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>();
  #partitions = 0;

  get size(): number {
    return this.#sessions.size;
  }

  /** Counts partitions; false, and nothing counted, where there would be too many. */
  count(partitions: number): boolean {
    if (partitions > 0 && this.#partitions + partitions > limits.kafkaShareSessionPartitionsMax) return false;
    this.#partitions += partitions;
    return true;
  }

  /** The session of a request, a new one where it asks for that; or what is wrong. */
  open(
    holder: SessionHolder,
    { groupId, memberId, epoch }: { groupId: string; memberId: string; epoch: number },
  ): ShareSession | KafkaErrorName {
    const key = sessionKey(groupId, memberId);
    const known = this.#sessions.get(key);
    if (epoch !== sessionEpochs.first) {
      if (known === undefined) return "SHARE_SESSION_NOT_FOUND";
      if (epoch === sessionEpochs.last) return known;
      if (epoch !== known.epoch) return "INVALID_SHARE_SESSION_EPOCH";
      known.epoch = epoch === epochMax ? 1 : epoch + 1;
      return known;
    }
    known?.close();
    if (this.#sessions.size >= limits.kafkaShareSessionsMax) return "SHARE_SESSION_LIMIT_REACHED";
    const session = new ShareSession(this, holder, groupId, memberId);
    this.#sessions.set(key, session);
    holder.shareSessions.add(session);
    return session;
  }

  close(groupId: string, memberId: string): void {
    this.#sessions.get(sessionKey(groupId, memberId))?.close();
  }

  closed(session: ShareSession): void {
    const key = sessionKey(session.groupId, session.memberId);
    if (this.#sessions.get(key) !== session) return;
    this.#sessions.delete(key);
    session.holder.shareSessions.delete(session);
    this.count(-session.partitions.size);
    session.partitions.clear();
  }
}
