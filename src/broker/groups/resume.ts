/**
 * A group is there, with what it has pending: after a start, and of a stream that was copied or restored.
 *
 * What waits for its next delivery comes at its time. What consumers held that the broker pushes to, or members of a share group, comes again,
 * since they are not there any more. What Redis's consumers hold stays theirs.
 */
import type { Broker } from "../broker.ts";
import type { Queue } from "../queue/queue.ts";
import { resumeRetries } from "./give-up.ts";
import type { GroupCursor } from "./group-cursor.ts";
import { giveBackOfGone, membersOf } from "./group-members.ts";
import { isShareOwner } from "./share/share-owner.ts";
import { SharePartition } from "./share/share-partition.ts";

export function resumeGroup(queue: Queue, cursor: GroupCursor): void {
  const gone = membersOf(cursor);
  resumeRetries(queue, cursor);
  if (gone.length > 0) queue.vhost.broker.work.run(giveBackOfGone(queue, cursor, gone), () => {});
  for (const name of cursor.owners.keys()) {
    if (!isShareOwner(name)) continue;
    SharePartition.of(cursor).giveBackLeft();
    return;
  }
}

/** Start-up, once `broker.enterStream` is set: the same for all groups. */
export function resumeGroups({ vhosts }: Broker): void {
  for (const { queues } of vhosts.values())
    for (const queue of queues.values())
      for (const cursor of queue.groups.values()) resumeGroup(queue, cursor);
}
