/**
 * Takes a value from the file that is too large to be sent as one payload from memory: one that is a single string is sent as it is read,
 * a collection in pieces under a temporary key, which gets its name in the end. Without a target the value is passed.
 *
 * Not here: streams (large-stream.ts). Invariants: memory is bounded by the largest element; the temporary key expires by itself should
 * this program end before the value is complete.
 */
import { ByteWriter } from "../../../src/base/bytes.ts";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import { formatDouble } from "../../../src/protocols/redis/wire/numbers.ts";
import {
  elementsOf,
  type ElementVisitor,
  type Windowed,
} from "../../../src/protocols/redis/wire/rdb/value-elements.ts";
import { streamFormOf } from "../../../src/protocols/redis/wire/rdb/stream-form.ts";
import { rdbType } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { ReplyWriter } from "../../../src/protocols/redis/wire/reply-writer.ts";
import type { DumpFile } from "./dump-file.ts";
import { importLargeStream, passLargeStream } from "./large-stream.ts";
import { footerBytes, type KeyFacts, type KeyImport } from "./key-import.ts";
import { TemporaryKey } from "./temporary-key.ts";

const partBytes = 64 << 10;
const batchBytes = 64 << 10;
const batchElements = 1024;

/** Takes the value before which the file's reader stands. */
export async function takeLarge(file: DumpFile, facts: KeyFacts, into: KeyImport | null): Promise<void> {
  const form = streamFormOf(facts.type);
  if (form !== undefined)
    return into === null
      ? await passLargeStream(file, form)
      : await importLargeStream(file, form, new TemporaryKey(into, facts));
  const names = commands[facts.type];
  if (names === undefined) return await takeString(file, facts, into);
  const batch = into === null ? null : new ElementBatch(new TemporaryKey(into, facts), names);
  const elements = elementsOf(file.reader, facts.type, batch ?? nobody);
  await drive(file, elements, async () => await batch?.temporary.into.connection.room());
  if (batch === null) return;
  batch.flush();
  await batch.temporary.rename(batch.sizeCommand, batch.elements);
}

/** Goes through a value, with as much of the file as it asks for. */
async function drive(file: DumpFile, work: Windowed<void>, paused: () => Promise<void>): Promise<void> {
  for (;;) {
    let step;
    try {
      step = work.next();
    } catch (error) {
      throw file.damage(error);
    }
    if (step.done === true) return;
    if (step.value > 0) await file.more(step.value);
    else await paused();
  }
}

const nobody: ElementVisitor = { first() {}, second() {}, score() {}, time() {}, ended: () => false };

/** A string, or a value that is packed in one. */
async function takeString(file: DumpFile, facts: KeyFacts, into: KeyImport | null): Promise<void> {
  const { reader } = file;
  const head = await file.whole(() => {
    const from = reader.position;
    // The earliest expiry of a field.
    if (facts.type === rdbType.hashListpackTimed) reader.skip(8);
    const behind = reader.stringHead();
    const size = reader.position - from;
    reader.position = from;
    return { size, behind };
  });
  const connection = into?.connection;
  const total = head.size + head.behind;
  const sum = new Crc64().update(Buffer.from([facts.type]));
  const out = into?.beginRestore(facts, 1 + total + footerBytes);
  for (let left = total; left > 0;) {
    if (reader.remaining === 0) await file.more(1);
    const size = Math.min(left, reader.remaining, partBytes);
    const at = reader.skip(size);
    left -= size;
    if (out === undefined) continue;
    sum.update(reader.buffer, at, at + size);
    out.bytes(reader.buffer, at, at + size);
    await connection!.drained();
  }
  into?.endRestore(facts, sum);
}

/** What adds elements, and what tells their number. */
type CommandNames = readonly [add: string, size: string];

/** Of the types that have elements; the others are one string. */
const commands: Readonly<Partial<Record<number, CommandNames>>> = {
  [rdbType.list]: ["RPUSH", "LLEN"],
  [rdbType.listQuicklist]: ["RPUSH", "LLEN"],
  [rdbType.listQuicklist2]: ["RPUSH", "LLEN"],
  [rdbType.set]: ["SADD", "SCARD"],
  [rdbType.zsetText]: ["ZADD", "ZCARD"],
  [rdbType.zset]: ["ZADD", "ZCARD"],
  [rdbType.hash]: ["HSET", "HLEN"],
  // Some of the fields may have expired by the end.
  [rdbType.hashTimed]: ["HSET", ""],
  [rdbType.hashTimedEarly]: ["HSET", ""],
};

/** Gathers elements into commands. */
class ElementBatch implements ElementVisitor {
  readonly temporary: TemporaryKey;
  readonly #command: string;
  /** Tells the number of elements; "" where it need not be the number of those that were sent. */
  readonly sizeCommand: string;
  readonly #words = new ReplyWriter(new ByteWriter(2 * batchBytes));
  #wordCount = 0;
  #inBatch = 0;
  #field = Buffer.alloc(0);
  #times: { readonly field: Buffer; readonly time: number }[] = [];
  #time = 0;
  elements = 0;

  constructor(temporary: TemporaryKey, [command, sizeCommand]: CommandNames) {
    this.temporary = temporary;
    this.#command = command;
    this.sizeCommand = sizeCommand;
  }

  #word(bytes: Uint8Array, start: number, end: number): void {
    this.#words.bulk(bytes, start, end);
    this.#wordCount++;
  }

  first(bytes: Buffer, start: number, end: number): void {
    this.#word(bytes, start, end);
    if (this.#time > 0) this.#field = Buffer.from(bytes.subarray(start, end));
  }

  second(bytes: Buffer, start: number, end: number): void {
    this.#word(bytes, start, end);
  }

  score(score: number): void {
    const text = Buffer.from(formatDouble(score));
    this.#word(text, 0, text.length);
  }

  time(time: number): void {
    this.#time = time;
  }

  ended(): boolean {
    this.elements++;
    this.#inBatch++;
    if (this.#time > 0) this.#times.push({ field: this.#field, time: this.#time });
    if (this.#words.out.length < batchBytes && this.#inBatch < batchElements) return false;
    this.flush();
    return true;
  }

  flush(): void {
    if (this.#inBatch === 0) return;
    const { temporary } = this;
    const { out } = this.#words;
    temporary.add(this.#command, this.#wordCount, out);
    for (const { field, time } of this.#times) temporary.command("HPEXPIREAT", time, "FIELDS", 1, field);
    out.reset();
    this.#wordCount = this.#inBatch = 0;
    this.#times = [];
  }
}
