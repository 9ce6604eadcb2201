/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writeNames } from "../core/write-names.ts";
import type { CommandRow } from "../core/command-spec.ts";
import { scanKeys } from "./key-scan.ts";
import { parseCursor, parseScanOptions, type ScanOptions } from "./scan-options.ts";

export const scanCommand: CommandRow = {
  name: "scan",
  arity: -2,
  flags: ["readonly"],
  tips: ["nondeterministic_output", "request_policy:special"],
  since: "2.8.0",
  complexity: "O(1) a call, O(N) for all of N keys",
  summary: "Walks through the keys of a database.",
  run: scan,
};

function scan(context: CommandContext): void {
  const { request } = context;
  const cursor = parseCursor(request.latin1(1));
  const filter = parseScanOptions(request, 2, "keys");
  answerInSlices(context, () => writeStep(context, cursor, filter));
}

function* writeStep(context: CommandContext, cursor: number, filter: ScanOptions): Job<void> {
  const names: string[] = [];
  const next = yield* scanKeys(context, cursor, filter, names);
  context.reply.array(2);
  context.reply.bulkLatin1(String(next));
  yield* writeNames(context, names);
}
