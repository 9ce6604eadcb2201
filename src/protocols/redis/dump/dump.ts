/** DUMP key: what is under it as redis 7.0 serializes it. Large values in slices, each part as it is when it is met. */
import type { Job } from "../../../base/turn-work.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { type KeyRef, keyAt } from "../keys/key-ref.ts";
import { Payload } from "./payload.ts";
import { writeStream } from "./stream-writer.ts";
import { valueDumpers } from "./value-forms.ts";

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

function dump(context: CommandContext): void {
  answerInSlices(context, (parts) => writeDump(context, parts));
}

function* writeDump(context: CommandContext, parts: PartedReply): Job<void> {
  const key = keyAt(context, 1);
  if (!key.exists) {
    context.reply.null();
    return;
  }
  const payload = new Payload(parts);
  yield* serialize(payload, key);
  yield* payload.reply(context);
}

/** Writes what is under a key, which is there and stays as it is meanwhile; `payload` is to be closed. */
export function* serialize(payload: Payload, key: KeyRef): Job<void> {
  const { context, stream, database, entry, typeName } = key;
  if (stream !== undefined) yield* writeStream(payload, stream);
  else {
    const dumper = valueDumpers[database.table.type(entry)];
    if (dumper === undefined)
      throw new RedisError(`ERR a value of type ${typeName} cannot be serialized yet`);
    yield* dumper(payload, context, database, entry);
  }
  payload.settle();
}
