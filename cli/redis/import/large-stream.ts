/**
 * A stream that is too large for one payload: its entries are added one by one, then its groups, consumers and what is pending.
 *
 * What is pending and no entry any more gets an entry for the time being, in its place: so the file is read twice, first to what
 * follows the entries. Last id, counts, groups and pending entries are exact; when a consumer was seen is not, no command sets it.
 */
import { finishNow } from "../../../src/base/turn-work.ts";
import { EntryId } from "../../../src/message/entry-id.ts";
import type { StreamForm } from "../../../src/protocols/redis/wire/rdb/stream-form.ts";
import { StreamNodeReader } from "../../../src/protocols/redis/wire/rdb/stream-node.ts";
import {
  readMasterId,
  readStreamGroups,
  readStreamMeta,
  type StreamGroup,
  type StreamMeta,
} from "../../../src/protocols/redis/wire/rdb/stream-parts.ts";
import { passStreamEnd } from "../../../src/protocols/redis/wire/rdb/pass-value.ts";
import { BadData } from "../../../src/protocols/redis/wire/rdb/types.ts";
import type { DumpFile } from "./dump-file.ts";
import type { TemporaryKey } from "./temporary-key.ts";

/** What follows the entries. */
interface StreamEnd {
  readonly meta: StreamMeta;
  readonly groups: readonly StreamGroup[];
}

async function passNodes(file: DumpFile): Promise<void> {
  const { reader } = file;
  for (let left = await file.whole(() => reader.length()); left > 0; left--)
    await file.whole(() => reader.passString() + reader.passString());
}

/** Passes a stream of any size. */
export async function passLargeStream(file: DumpFile, form: StreamForm): Promise<void> {
  await passNodes(file);
  await passEnd(file, form);
}

/** Passes what follows the entries, which has to be in memory as a whole; gives where it begins. */
async function passEnd(file: DumpFile, form: StreamForm): Promise<number> {
  const { reader } = file;
  return await file.whole(() => {
    const from = reader.position;
    passStreamEnd(reader, form);
    return from;
  });
}

async function readEnd(file: DumpFile, form: StreamForm): Promise<StreamEnd> {
  const ahead = await file.at(file.position);
  try {
    await passNodes(ahead);
    ahead.reader.position = await passEnd(ahead, form);
    const meta = readStreamMeta(ahead.reader, form);
    return { meta, groups: finishNow(readStreamGroups(ahead.reader, form)) };
  } catch (error) {
    throw ahead.damage(error);
  } finally {
    await ahead.close();
  }
}

export async function importLargeStream(file: DumpFile, form: StreamForm, key: TemporaryKey): Promise<void> {
  const end = await readEnd(file, form);
  const entries = new Entries(key, end);
  const { reader } = file;
  for (let left = await file.whole(() => reader.length()); left > 0; left--) {
    const node = await file.whole(() => {
      const master = readMasterId(reader);
      reader.string();
      return new StreamNodeReader(master, reader.bytes, reader.start, reader.end);
    });
    try {
      while (node.next()) if (!node.isDeleted) entries.add(node.id, node.entry);
    } catch (error) {
      throw file.damage(error);
    }
    await key.into.connection.room();
  }
  entries.addDeletedBelow(null);
  await passEnd(file, form);
  const { length } = end.meta;
  if (entries.count !== length)
    throw file.damage(new BadData(`a stream of ${length} entries has ${entries.count}`));
  await finish(key, end, entries);
}

/** Adds entries, and those for the time being, in the order of their ids. */
class Entries {
  readonly #key: TemporaryKey;
  readonly #pending: readonly EntryId[];
  #pendingAt = 0;
  #last: string = "";
  readonly deleted: string[] = [];
  first: EntryId | null = null;
  count = 0;

  constructor(key: TemporaryKey, { groups }: StreamEnd) {
    this.#key = key;
    this.#pending = groups
      .flatMap(({ pending }) => [...pending.values()].map(({ id }) => id))
      .toSorted((a, b) => a.compare(b));
  }

  add(id: EntryId, entry: StreamNodeReader["entry"]): void {
    this.addDeletedBelow(id);
    const text = (this.#last = id.toString());
    this.first ??= new EntryId().copyFrom(id);
    this.count++;
    this.#key.addEntry(text, entry);
  }

  addDeletedBelow(id: EntryId | null): void {
    for (; this.#pendingAt < this.#pending.length; this.#pendingAt++) {
      const next = this.#pending[this.#pendingAt]!;
      if (id !== null && next.compare(id) >= 0) return;
      const text = next.toString();
      // The entry that was added last, or the same id in another group.
      if (text === this.#last) continue;
      this.#last = text;
      this.deleted.push(text);
      this.#key.command("XADD", text, "deleted", "");
      this.#key.expire();
    }
  }
}

async function finish(key: TemporaryKey, { meta, groups }: StreamEnd, entries: Entries): Promise<void> {
  const { connection } = key.into;
  for (const group of groups) await makeGroup(key, group, meta, entries);
  for (const id of entries.deleted) {
    key.command("XDEL", id);
    await connection.room();
  }
  const counts = ["ENTRIESADDED", meta.entriesAdded, "MAXDELETEDID", meta.maxDeletedId.toString()];
  key.command("XSETID", meta.lastId.toString(), ...counts);
  key.expire();
  await key.rename("XLEN", entries.count);
}

async function makeGroup(
  key: TemporaryKey,
  group: StreamGroup,
  meta: StreamMeta,
  entries: Entries,
): Promise<void> {
  const { connection } = key.into;
  const name = Buffer.from(group.name, "latin1");
  const read = group.entriesRead ?? entriesRead(group, meta, entries.first);
  key.group("CREATE", name, group.lastId.toString(), "MKSTREAM", "ENTRIESREAD", read);
  const consumers = group.consumers.map((consumer) => Buffer.from(consumer.name, "latin1"));
  for (const consumer of consumers) {
    key.group("CREATECONSUMER", name, consumer);
    await connection.room();
  }
  for (const { id, time, count, consumer } of group.pending.values()) {
    const given = ["TIME", time, "RETRYCOUNT", count, "FORCE", "JUSTID"];
    key.command("XCLAIM", name, consumers[consumer]!, 0, id.toString(), ...given);
    await connection.room();
  }
}

/** Entries up to a group's position, where a stream of before redis 7.0 tells: all that it has were added, none deleted. */
function entriesRead({ lastId }: StreamGroup, meta: StreamMeta, first: EntryId | null): number {
  const last = lastId.compare(meta.lastId);
  if (meta.length === 0 || last === 0) return last > 0 ? -1 : meta.length;
  if (last > 0) return -1;
  const order = lastId.compare(first!);
  return order > 0 ? -1 : order === 0 ? 1 : 0;
}
