/** Planted faults in deduplication: a part of mutants.ts. */
import type { Mutant } from "../mutants/mutant.ts";

export const mutantsOfCopies: readonly Mutant[] = [
  {
    name: "ids of accepted messages are not written",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "    addToRun(changes, this.#runAt, block, index, index + 1);\n",
    replace: "    changes.reset();\n",
  },
  {
    name: "ids go with the journal's file that they stand in",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "      if (block.position >= position) return false;\n",
    replace: "      if (block.position >= 0) return false;\n",
  },
  {
    name: "ids are forgotten long before the window is over",
    file: "src/broker/dedup/dedup-window.ts",
    find: "    return Math.abs(now - at) < this.windowMs;",
    replace: "    return Math.abs(now - at) < this.windowMs / 8;",
  },
  {
    name: "ids are remembered long after the window is over",
    file: "src/broker/dedup/dedup-window.ts",
    find: "    return Math.abs(now - at) < this.windowMs;",
    replace: "    return Math.abs(now - at) < this.windowMs * 8;",
  },
  {
    name: "an id that comes again after its window is not remembered again",
    file: "src/broker/dedup/dedup-window.ts",
    find: "    if (this.#stalePlace < 0 || !this.#table.replace(",
    replace: "    if (this.#stalePlace >= 0) return;\n    if (this.#stalePlace < 0 || !this.#table.replace(",
  },
  {
    name: "after a start ids are not in the order of their age",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "      readIds(run, reader, block);",
    replace: "      readIds({ ...run, index: 0 }, reader, block);",
  },
];
