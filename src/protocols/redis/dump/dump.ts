/** DUMP key: what is under it as redis 7.0 serializes it. Large values in slices, each part as it is when it is met. */
import type { Job } from "../../../base/turn-work.ts";
import { valueType } from "../../../keyspace/value-type.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { hashesOf } from "../hash/hash-key.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { keyAt, type KeyRef } from "../keys/key-ref.ts";
import { Payload } from "./payload.ts";
import { rdbType, writeLength, writeString } from "./rdb.ts";
import { writeStream } from "./stream-writer.ts";

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
  const key = keyAt(context, 1);
  if (!key.exists) return context.reply.null();
  answerInSlices(context, (parts) => writeDump(context, parts, key));
}

function* writeDump(context: CommandContext, parts: PartedReply, key: KeyRef): Job<void> {
  const payload = new Payload(parts);
  const { stream, database, entry } = key;
  if (stream !== undefined) yield* writeStream(payload, stream);
  else if (database.table.type(entry) === valueType.hash) yield* writeHash(context, payload, key);
  else {
    const { table } = database;
    table.locate(entry);
    payload.out.uint8(rdbType.string);
    writeString(payload.out, table.bytes, table.start, table.end);
  }
  payload.settle();
  yield* payload.reply(context);
}

/** `hash = length fields, { string field, string value }` */
function* writeHash(context: CommandContext, payload: Payload, { database, entry }: KeyRef): Job<void> {
  const { content } = database;
  payload.out.uint8(rdbType.hash);
  if (content.isLarge(entry)) {
    yield* writeLargeHash(payload, new ElementWalk(content, entry));
    return;
  }
  const hashes = hashesOf(context);
  writeLength(payload.out, hashes.count(content, entry));
  hashes.begin(content, entry);
  while (hashes.next()) {
    writeString(payload.out, hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
    writeString(payload.out, hashes.bytes, hashes.start, hashes.end);
  }
}

function* writeLargeHash(payload: Payload, walk: ElementWalk): Job<void> {
  const place = payload.open();
  const { table } = walk;
  let count = 0;
  yield* walk.go(Infinity, (ref) => {
    table.locateKey(ref);
    writeString(payload.out, table.bytes, table.start, table.end);
    table.locate(ref);
    writeString(payload.out, table.bytes, table.start, table.end);
    payload.settle();
    count++;
  });
  payload.fill(place, (out) => writeLength(out, count));
}
