/**
 * The states of a classic consumer group and what each event does in each of them.
 *
 *     Empty ── join ──> PreparingRebalance ── all joined or time is up ──> CompletingRebalance
 *     CompletingRebalance ── the leader's assignments ──> Stable
 *     CompletingRebalance, Stable ── a member joins, changes or goes ──> PreparingRebalance
 *     PreparingRebalance ── nobody left ──> Empty ── deleted ──> Dead
 *
 * A cell is what to do (lower case) or the error to answer. The compiler demands every cell. What is done is in
 * `group.ts`.
 */
import type { KafkaErrorName } from "../wire/error-codes.ts";

export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

export interface GroupReactions {
  /** Somebody who is no member joins. */
  readonly joinNew: "rebalance" | KafkaErrorName;
  /** A member joins again. `unlessSame`: one who comes with the protocols it had is told what it knows already. */
  readonly joinAgain: "rebalance" | "unlessSame" | "unlessSameFollower" | KafkaErrorName;
  /** `collect`: wait for the leader's assignments. */
  readonly sync: "collect" | "answer" | KafkaErrorName;
  readonly heartbeat: "accept" | KafkaErrorName;
  readonly commit: "accept" | KafkaErrorName;
  /** A member left or was not heard of. */
  readonly memberGone: "rebalance" | "complete" | "nothing";
  readonly delete: "accept" | KafkaErrorName;
}

export const reactions: Readonly<Record<GroupState, GroupReactions>> = {
  Empty: {
    joinNew: "rebalance",
    joinAgain: "UNKNOWN_MEMBER_ID",
    sync: "UNKNOWN_MEMBER_ID",
    heartbeat: "UNKNOWN_MEMBER_ID",
    commit: "accept",
    memberGone: "nothing",
    delete: "accept",
  },
  PreparingRebalance: {
    joinNew: "rebalance",
    joinAgain: "rebalance",
    sync: "REBALANCE_IN_PROGRESS",
    heartbeat: "REBALANCE_IN_PROGRESS",
    commit: "accept",
    memberGone: "complete",
    delete: "NON_EMPTY_GROUP",
  },
  CompletingRebalance: {
    joinNew: "rebalance",
    joinAgain: "unlessSame",
    sync: "collect",
    heartbeat: "accept",
    // The member is about to get another assignment: what it commits may be another's by now.
    commit: "REBALANCE_IN_PROGRESS",
    memberGone: "rebalance",
    delete: "NON_EMPTY_GROUP",
  },
  Stable: {
    joinNew: "rebalance",
    // A leader joins again to have partitions assigned anew: a topic that it watches has changed.
    joinAgain: "unlessSameFollower",
    sync: "answer",
    heartbeat: "accept",
    commit: "accept",
    memberGone: "rebalance",
    delete: "NON_EMPTY_GROUP",
  },
  Dead: {
    joinNew: "COORDINATOR_NOT_AVAILABLE",
    joinAgain: "COORDINATOR_NOT_AVAILABLE",
    sync: "COORDINATOR_NOT_AVAILABLE",
    heartbeat: "COORDINATOR_NOT_AVAILABLE",
    commit: "COORDINATOR_NOT_AVAILABLE",
    memberGone: "nothing",
    delete: "GROUP_ID_NOT_FOUND",
  },
};
