/** Faults in what is remembered of messages, so that their copies are known. */
import type { RoomMutant } from "../mutant.ts";

export const copiesMutants: readonly RoomMutant[] = [
  {
    name: "an id that stands behind a forgotten one is not found any more",
    file: "src/broker/dedup/id-table.ts",
    find: "      if (((at - home) & mask) < ((at - hole) & mask)) continue;\n",
    replace: "      if (((at - home) & mask) < mask) continue;\n",
  },
  {
    name: "a page of ids that is split forgets half of them",
    file: "src/broker/dedup/id-table.ts",
    find: "at < this.#directory.length; at += 1 << depth, half ^= 1)",
    replace: "at < this.#directory.length; at += 1 << depth, half = 0)",
  },
  {
    name: "pages of ids that are nearly empty are kept",
    file: "src/broker/dedup/id-table.ts",
    find: "    if (page.count * sparsePart < page.size) this.#shrink(page, a);\n",
    replace: "",
  },
  {
    name: "of an id that came again after its window the old one takes the new one along",
    file: "src/broker/dedup/id-table.ts",
    find: "      if (found === place) return at;",
    replace: "      if (found === place || slots[at * 2] === a) return at;",
    isSimulated: true,
  },
  {
    name: "a window that was emptied is there again after a restart",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "      writeEmptied(this.changes, window);\n",
    replace: "",
  },
  {
    name: "the destination with the fewest ids forgets for that with the most",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "window.bytes > largest.bytes))",
    replace: "window.bytes < largest.bytes))",
  },
  {
    name: "ids that are too old are written again",
    file: "src/broker/dedup/dedup-windows.ts",
    find: "if (this.#stored.delete(block)) this.#storedIds -= block.count;",
    replace: "this.#storedIds -= 0;",
  },
  {
    name: "an id is remembered of a message that a full queue refuses",
    file: "src/broker/dedup/queue-copies.ts",
    find: "    return this.#window.isCopy(id, this.#now);",
    replace:
      "    const isCopy = this.#window.isCopy(id, this.#now);\n    if (!isCopy) this.#window.accept(-1, this.#now);\n    return isCopy;",
    also: ["clients/interop/interop-dedup"],
  },
];
