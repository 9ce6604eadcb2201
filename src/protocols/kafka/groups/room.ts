/**
 * What a group keeps of its members until they go, counted and bounded: what they say of themselves when they join, and
 * what they are assigned. The broker never looks into it, so nothing but its size can be wrong.
 *
 * Invariant: `bytes` is the sum over the members of the group, and part of the host's, which is the sum over all groups.
 */
import { assertInvariant } from "../../../base/assert.ts";
import { limits } from "../../../base/limits.ts";
import type { GroupMember, JoinDetails } from "./member.ts";
import { bytesOf } from "./member.ts";
import type { KafkaErrorName } from "../wire/error-codes.ts";

export interface RoomHost {
  /** What all groups keep of their members. */
  memberBytes: number;
}

export class GroupRoom {
  readonly #host: RoomHost;
  bytes = 0;

  constructor(host: RoomHost) {
    this.#host = host;
  }

  joined(member: GroupMember): void {
    this.#count(member.bytes);
  }

  left(member: GroupMember): void {
    this.#count(-member.bytes);
  }

  /** Changes what is kept of a member. */
  keep(member: GroupMember, details: JoinDetails, assignment: Buffer): void {
    const before = member.bytes;
    member.details = details;
    member.assignment = assignment;
    this.#count(member.bytes - before);
  }

  #count(bytes: number): void {
    this.bytes += bytes;
    this.#host.memberBytes += bytes;
    assertInvariant(
      this.bytes >= 0 && this.bytes <= this.#host.memberBytes,
      "a group's part of what is kept of members is no more than all groups'",
    );
  }

  /** Why there is no room for a member with these details, in place of those that it had; `count`: members then. */
  faultOf(details: JoinDetails, present: GroupMember | undefined, count: number): KafkaErrorName | null {
    const bytes = bytesOf(details);
    if (bytes > limits.kafkaMemberBytesMax) return "MESSAGE_TOO_LARGE";
    if (count > limits.kafkaGroupMembersMax) return "GROUP_MAX_SIZE_REACHED";
    const more = bytes - (present?.bytes ?? 0);
    if (this.bytes + more > limits.kafkaGroupBytesMax) return "GROUP_MAX_SIZE_REACHED";
    // Clients try again, as while a coordinator moves.
    return this.#host.memberBytes + more > limits.kafkaGroupsBytesMax ? "COORDINATOR_NOT_AVAILABLE" : null;
  }

  /** Whether the members may be given that, beside what they brought. */
  fits(assignments: readonly { assignment: Buffer }[]): boolean {
    let bytes = this.bytes;
    for (const { assignment } of assignments) {
      if (assignment.length > limits.kafkaMemberBytesMax) return false;
      bytes += assignment.length;
    }
    return bytes <= 2 * limits.kafkaGroupBytesMax;
  }
}
