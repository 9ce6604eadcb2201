/** HINCRBY key field increment: 64 bits, exact. */
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { incrementArgument, incremented, replySum, writeSum } from "../string/increment.ts";
import { expiryOfField, findField, findHash, hashesOf, setField } from "./hash-key.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const hincrbyCommand: CommandRow = {
  name: "hincrby",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "2.0.0",
  complexity: "O(1)",
  summary: "Adds to an integer field of a hash.",
  makesValues: true,
  run: hincrby,
};

function hincrby(context: CommandContext): void {
  const by = incrementArgument(context, 3);
  const database = writableKeysOf(context);
  const entry = findHash(context, database);
  const isFound = findField(context, database, entry, 2);
  const { bytes, start, end } = hashesOf(context);
  const sum = isFound ? incremented(bytes, start, end, by, "ERR hash value is not an integer") : by;
  const text = writeSum(sum);
  const expiry = isFound ? expiryOfField(context, database, entry, 2) : 0;
  setField(context, database, entry, 2, text.bytes, 0, text.size, expiry);
  context.notify(keyEvents.hincrby, 1);
  replySum(context, sum);
}
