/** Faults in lists: their blocks, their records, and commands on them. */
import type { RoomMutant } from "../mutant.ts";

const kind = "src/keyspace/values/list/list-kind.ts";
const blocks = "src/keyspace/values/list/block-list.ts";
const changes = "src/keyspace/values/list/list-changes.ts";
const edits = "src/keyspace/values/list/block-edits.ts";
const ring = "src/keyspace/values/list/block-ring.ts";

export const listMutants: readonly RoomMutant[] = [
  {
    name: "a replay pushes to a block that it does not know",
    file: kind,
    find: '    if (found === "none" && !isNew) return;\n',
    replace: "",
  },
  {
    name: "a replay keeps blocks behind the last one",
    file: kind,
    find: "    while (ring.length > 0 && ring.numberAt(ring.length - 1) > last) large.removeBlock(ring.length - 1);\n",
    replace: "",
  },
  {
    name: "a replay changes one number after the other",
    file: kind,
    find: "      places.push(place);\n      numbers.push(number);\n",
    replace: "      large!.ring.setNumber(place, number);\n",
  },
  {
    name: "a block that is split off is as young as the split",
    file: blocks,
    find: "    this.ring.setAge(at, age);\n    const begin",
    replace: "    const begin",
  },
  {
    name: "a block that is written again stays old",
    file: blocks,
    find: "      ring.setAge(at, this.age);\n      return at;",
    replace: "      return at;",
  },
  {
    name: "only what is behind a longer element moves",
    file: blocks,
    find: "    const left = Math.min(change, head - begin - headerBytes);",
    replace: "    const left = change;",
  },
  {
    name: "nothing is said of what was dropped at the right end",
    file: changes,
    find: "      .uint32(isLeft ? 0 : taken);",
    replace: "      .uint32(0);",
  },
  {
    name: "elements that are pushed to a new block are written as if it were there",
    file: changes,
    find: "isNewBlock ? side | pushFlags.newBlock : side",
    replace: "side",
  },
  {
    name: "numbers are not spread where there is none between",
    file: edits,
    find: "< 2) this.#renumber(at);",
    replace: "< 0) this.#renumber(at);",
  },
  {
    name: "sums of blocks forget what moved within the ring",
    file: ring,
    find: "    this.#sums[b >> groupShift]! += count;\n",
    replace: "",
  },
  {
    name: "the blocks of a pop of many are never given back",
    file: "src/protocols/redis/list/pop.ts",
    find: "    content.bury(taken);\n",
    replace: "",
  },
  {
    name: "LTRIM changes nothing for those who watch",
    file: "src/protocols/redis/list/ltrim.ts",
    find: "      list.touch();\n",
    replace: "",
    also: ["clients/redis/redis-list-real"],
  },
  {
    name: "an LMOVE within a list of one deletes it",
    file: "src/protocols/redis/list/lmove.ts",
    find: "      if (size > 1) {",
    replace: "      if (size > 0) {",
    also: ["clients/redis/redis-list-real"],
  },
];
