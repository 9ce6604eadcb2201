/** Planted faults in replays: a part of mutants.ts. */
import type { Mutant } from "../mutants/mutant.ts";

const file = "src/broker/operations/replay/replay.ts";

export const mutantsOfReplays: readonly Mutant[] = [
  {
    name: "how far a replay came is not written with what it copied",
    file: "src/broker/operations/progress.ts",
    find: "    if (this.#running.isRunning) this.#operations.save(this.#counted);",
    replace: "",
  },
  {
    name: "a replay leaves out the last message of its range",
    file,
    find: "  return offset < to ? offset : -1;",
    replace: "  return offset < to - 1 ? offset : -1;",
  },
  {
    name: "a replay that reaches its limit has passed the next message",
    file,
    find: "    if (counts.matched >= limit) return;",
    replace:
      "    if (counts.matched >= limit) {\n      counts.next_offset = offset + 1;\n      return;\n    }",
  },
];
