/** SDIFF key [key ...]      SDIFFSTORE destination key [key ...] */
import type { CommandContext } from "../core/context.ts";
import { keyRange, oneKey, type CommandRow } from "../core/command-spec.ts";
import { isShort, subtract, type SetKeys } from "./algebra.ts";
import { showResult, storeResult } from "./results.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const sdiffCommands: readonly CommandRow[] = [
  {
    name: "sdiff",
    arity: -2,
    flags: ["readonly"],
    keys: [keyRange(1, -1, 1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    since: "1.0.0",
    complexity: "O(N), N members of all sets",
    summary: "Gives the members of a set that the others lack.",
    run: sdiff,
  },
  {
    name: "sdiffstore",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "OW", "update"), keyRange(2, -1, 1, "RO", "access")],
    since: "1.0.0",
    complexity: "O(N), N members of all sets",
    summary: "Stores the members of a set that the others lack.",
    run: sdiffstore,
  },
];

function sdiff(context: CommandContext): void {
  const keys: SetKeys = { first: 1, count: context.request.argumentCount - 1 };
  showResult(context, isShort(context, keys, "add"), (build) => subtract(context, keys, build));
}

function sdiffstore(context: CommandContext): void {
  const keys: SetKeys = { first: 2, count: context.request.argumentCount - 2 };
  storeResult(context, keyEvents.sdiffstore, isShort(context, keys, "add"), (build) =>
    subtract(context, keys, build),
  );
}
