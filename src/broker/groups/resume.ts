/** What goes on for a group that comes to be with what it has pending: at the start-up, or as a copy. */
import type { Broker } from "../broker.ts";
import type { Queue } from "../queue/queue.ts";
import { resumeRetries } from "./give-up.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { isShareOwner } from "./share/share-owner.ts";
import { SharePartition } from "./share/share-partition.ts";

/** What waits for its next delivery comes at its time, and what members of a share group held is given back. */
export function resumeGroup(queue: Queue, cursor: GroupCursor): void {
  resumeRetries(queue, cursor);
  for (const name of cursor.owners.keys()) {
    if (!isShareOwner(name)) continue;
    SharePartition.of(cursor).giveBackLeft();
    return;
  }
}

/** Start-up, once `broker.enterStream` is set: the same for all groups. */
export function resumeAllGroups({ vhosts }: Broker): void {
  for (const { queues } of vhosts.values()) {
    for (const queue of queues.values())
      for (const cursor of queue.groups.values()) resumeGroup(queue, cursor);
  }
}
