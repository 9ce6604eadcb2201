/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writeNames } from "../core/write-names.ts";
import { scanKeys } from "./key-scan.ts";
import { parseCursor, parseScanOptions, type ScanOptions } from "./scan-options.ts";

export function scan(context: CommandContext): void {
  const { request } = context;
  const cursor = parseCursor(request.latin1(1));
  const filter = parseScanOptions(request, 2, true);
  answerInSlices(context, () => writeStep(context, cursor, filter));
}

function* writeStep(context: CommandContext, cursor: number, filter: ScanOptions): Job<void> {
  const names: string[] = [];
  const next = yield* scanKeys(context, cursor, filter, names);
  context.reply.array(2);
  context.reply.bulkLatin1(String(next));
  yield* writeNames(context, names);
}
