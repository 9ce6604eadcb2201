/**
 * Gives the entries of a group to consumers that the broker pushes to: whose turn it is. Redis's consumers ask for entries (XREADGROUP), and
 * share the group with these.
 *
 * Not here: the protocol's delivery (protocols/amqp/channel/group-consumer.ts), who they are in the group (group-members.ts).
 */
import type { LogReader } from "../../storage/index.ts";
import { QueueConsumers, type TakesTurns } from "../queue/consumers.ts";
import type { GroupCursor } from "./group-cursor.ts";

export interface GroupMember extends TakesTurns {
  /** Writes the entry at which `cursor.peek` has just stopped, and gives it to itself. Where it throws it has not. */
  deliver(cursor: GroupCursor): void;
}

/** What decompressing may still cost (queue/inflation-budget.ts). */
interface Budget {
  isSpentFor(record: LogReader): boolean;
}

export class GroupFeed {
  readonly members = new QueueConsumers<GroupMember>();
  readonly #cursor: GroupCursor;

  constructor(cursor: GroupCursor) {
    this.#cursor = cursor;
  }

  /**
   * At the end of a tick: as much as the members have room for. "later": the budget is spent, so it is to go on in a later turn; "later, served"
   * where something was given.
   */
  serve(budget: Budget): "done" | "later" | "later, served" {
    const cursor = this.#cursor;
    const { members } = this;
    for (let isServed = false; ; isServed = true) {
      const member = members.next();
      if (member === null || !cursor.peek()) return "done";
      if (budget.isSpentFor(cursor.record)) return isServed ? "later, served" : "later";
      member.deliver(cursor);
      members.served();
    }
  }
}
