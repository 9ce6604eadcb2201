/** Faults of share groups that the simulator must find (mutants.ts). */
import type { Mutant } from "../mutants/mutant.ts";

export const mutantsOfShareGroups: readonly Mutant[] = [
  {
    name: "what members of a share group held before a restart is theirs for ever",
    file: "src/broker/groups/resume.ts",
    find: "    SharePartition.of(cursor).giveBackLeft();\n",
    replace: "",
  },
  {
    name: "a lock on a record ends long before its time",
    file: "src/broker/groups/share/share-partition.ts",
    find: "this.#locks.oldestSince + this.settings.lockMs <= clock.monotonic()",
    replace: "this.#locks.oldestSince + this.settings.lockMs / 8 <= clock.monotonic()",
  },
  {
    name: "what a member releases is settled",
    file: "src/broker/groups/share/share-outcomes.ts",
    find: "  else giveUp(queue, cursor, offset, { reason: usedUp, delayMs: -1 });",
    replace: "  else cursor.settle(offset);",
  },
];
