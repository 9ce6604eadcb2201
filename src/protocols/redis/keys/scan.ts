/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
import { compileGlob } from "../../../base/patterns/glob.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { type ScanFilter, scanKeys } from "./key-scan.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { writeNames } from "../core/write-names.ts";
import type { CommandRow } from "../core/command-spec.ts";

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

const unsigned64Max = 2n ** 64n - 1n;

function scan(context: CommandContext): void {
  const { request } = context;
  const cursor = parseCursor(request.latin1(1));
  const filter: ScanFilter = { glob: null, type: null, count: 10 };
  for (let index = 2; index < request.argumentCount; index += 2) {
    if (index + 1 === request.argumentCount) throw syntaxError();
    if (request.is(index, "COUNT")) {
      filter.count = request.integer(index + 1);
      if (Number.isNaN(filter.count)) throw new RedisError(errorTexts.notInteger);
      if (filter.count < 1) throw syntaxError();
    } else if (request.is(index, "MATCH")) filter.glob = compileGlob(request.copy(index + 1));
    else if (request.is(index, "TYPE")) filter.type = request.latin1(index + 1).toLowerCase();
    else throw syntaxError();
  }
  answerInSlices(context, () => writeStep(context, cursor, filter));
}

function* writeStep(context: CommandContext, cursor: number, filter: ScanFilter): Job<void> {
  const names: string[] = [];
  const next = yield* scanKeys(context, cursor, filter, names);
  context.reply.array(2);
  context.reply.bulkLatin1(String(next));
  yield* writeNames(context, names);
}

/** As C's strtoul: any number of 64 bits, a negative one wraps. Those that are none of our cursors end the scan. */
function parseCursor(text: string): number {
  const match = /^([+-]?)(\d{1,20})$/.exec(text);
  const value = match === null ? unsigned64Max + 1n : BigInt(match[2]!);
  if (value > unsigned64Max) throw new RedisError("ERR invalid cursor");
  return Number(match![1] === "-" ? BigInt.asUintN(64, -value) : value);
}
