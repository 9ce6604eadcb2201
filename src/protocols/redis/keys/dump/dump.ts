/** DUMP key: the value as redis would write it, which RESTORE takes, here and in redis. In slices where the value is large. */
import { Crc64 } from "../../../../base/checksum/crc64.ts";
import type { Job } from "../../../../base/turn-work.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import type { PartedReply } from "../../core/parted-reply.ts";
import { answerInSlices } from "../../core/sliced-reply.ts";
import { writeSum, writeVersion } from "../../wire/rdb/payload.ts";
import { findEntry, keysOf, streamAt } from "../key-access.ts";
import { valueDumpers } from "./value-forms.ts";
import { oneKey, type CommandRow } from "../../core/command-spec.ts";

export const dumpCommand: CommandRow = {
  name: "dump",
  arity: 2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "2.6.0",
  complexity: "O(N*M), N objects of M bytes on average",
  summary: "Serializes a key's value.",
  run: dump,
};

const sumBytes = 8;
const sliceBytes = 64 << 10;
const unitsOfSlice = 200;

function dump(context: CommandContext): void {
  answerInSlices(context, (parts) => writeDump(context, parts));
}

function* writeDump(context: CommandContext, parts: PartedReply): Job<void> {
  const { reply } = context;
  const database = keysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry === 0) {
    if (streamAt(context, 1) !== undefined)
      throw new RedisError("ERR streams cannot be dumped: they are logs of the broker");
    reply.null();
    return;
  }
  const head = parts.openList();
  yield* valueDumpers[database.table.type(entry)]!(context, database, entry, parts);
  writeVersion(reply.out);
  const sum = new Crc64();
  let size = sumBytes;
  for (const part of parts.from(head + 1)) {
    size += part.length;
    for (let at = 0; at < part.length; at += sliceBytes) {
      sum.add(part, at, Math.min(at + sliceBytes, part.length));
      if (at + sliceBytes < part.length) yield unitsOfSlice;
    }
  }
  writeSum(reply.out, sum);
  reply.bulkEnd();
  parts.fill(head, (start) => start.bulkStart(size));
}
