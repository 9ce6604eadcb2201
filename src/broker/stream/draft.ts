/**
 * A stream that is being made of records that are there already (COPY, RESTORE), over several turns: it has a log and groups, and no
 * name, so nobody sees it before `vhost.adoptStream`.
 *
 * Not here: where the records come from (copy.ts). Invariants: records come in the order of their ids; a draft ends by being
 * adopted or by `drop`; after a stop between the two its log has no definition, so what is left of it is cleaned away.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { type Envelope, envelope } from "../../message/envelope.ts";
import type { Log } from "../../storage/index.ts";
import type { Broker } from "../broker.ts";
import type { GroupCursor } from "../groups/group-cursor.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { deleteGroups, type GroupHolder, makeGroup } from "../groups/stream-groups.ts";

/** An entry without fields, of which only the id matters. */
const emptyEntry = Buffer.from("*0\r\n");
const nextId = new EntryId();

export class StreamDraft implements GroupHolder {
  readonly log: Log;
  readonly groups = new Map<string, GroupCursor>();
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.log = broker.storage.createLog(true);
  }

  /**
   * What a job that fills the draft yields for so many units: the rest of the turn while the disk is behind. Throws UNAVAILABLE once the
   * disk is full.
   */
  paced(units: number): number {
    const { storage, flow, turnBounds } = this.#broker;
    storage.assertWritable();
    return flow.isBehind ? Math.max(units, turnBounds.turnWorkUnits) : units;
  }

  /** Appends one record under that id. */
  append(of: Envelope, bytes: Uint8Array, start: number, end: number, id: EntryId): void {
    const { store } = this.log;
    if (assertsAreOn) {
      store.seal();
      assertInvariant(id.compare(this.log.lastId) > 0, "records come in the order of their ids");
    }
    const at = store.reserveFollowing(this.log, of, end - start, id);
    copyBytes(store.tail, at, bytes, start, end);
  }

  /** The place of an entry that is deleted and still pending in a group; returns its offset. */
  appendDeleted(id: EntryId): number {
    this.append(envelope.redis, emptyEntry, 0, emptyEntry.length, id);
    this.log.store.seal();
    const offset = this.log.nextOffset - 1;
    this.log.remove(offset);
    return offset;
  }

  /** Makes a group that has got all up to an id; those of its pending entries are for `assign`. */
  addGroup(
    name: string,
    lastId: EntryId,
    entriesRead: number,
    retryPolicy: RetryPolicy | null = null,
  ): GroupCursor {
    const { log } = this;
    const cursor = makeGroup(this.#broker.storage, this, name, retryPolicy);
    log.store.seal();
    const offset = nextId.copyFrom(lastId).increment() ? log.offsetOfEntryId(nextId) : log.stableEnd;
    cursor.setGroupPosition(offset, lastId, entriesRead);
    return cursor;
  }

  /** Where the entry with that id is; -1 for none. */
  offsetOf(id: EntryId): number {
    const { log } = this;
    log.store.seal();
    const offset = log.offsetOfEntryId(id);
    return offset < log.stableEnd && log.entryIdOf(offset).equals(id) ? offset : -1;
  }

  /** Nobody will have it. */
  drop(): void {
    const { storage, work } = this.#broker;
    if (this.groups.size > 0) work.run(deleteGroups(storage, this), () => {});
    storage.deleteLog(this.log);
  }
}
