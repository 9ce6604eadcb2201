/**
 * Removes the fields of hashes that are due: a few at once where somebody meets such a hash, the others of a large one over
 * several turns.
 *
 * Not here: which fields are due (values/hash.ts), how they are taken out (values/hash-changes.ts). Invariants: of a packed hash
 * nothing that is due is left; of a large one what is left is hidden, and somebody is at work on it. While nothing may go by
 * itself what is due stays (`Keyspace.keepsAll`), and is hidden from who changes nothing (`Keyspace.keepsDue`).
 */
import type { Job } from "../base/turn-work.ts";
import type { Broker } from "../broker/broker.ts";
import type { KeyContent } from "./content.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";
import type { ElementTable } from "./values/element-table.ts";

/** Fields that are removed at once. A packed hash has no more of them. */
const fieldsAtOnce = 128;
/** Looking up a field twice, and its record. */
const unitsOfField = 2;

/** The hash of `entry`, whose fields may expire, without those that are due; 0 where none is left. `removed` counts them. */
export function expireFields(database: Database, keyspace: Keyspace, broker: Broker, entry: number): number {
  const { content, hash } = database;
  const { hashes } = keyspace;
  const now = keyspace.now();
  if (!hashes.hasDue(content, entry, now)) return entry;
  if (keyspace.keepsDue) return content.isLarge(entry) || hashes.count(content, entry) > 0 ? entry : 0;
  hash.removeDue(entry, now, fieldsAtOnce);
  const left = hash.entry;
  if (left === 0 || !content.isLarge(left) || !hashes.hasDue(content, left, now)) return left;
  const table = content.elementsOf(left);
  const expiries = table.expiries!;
  if (!expiries.isBeingSwept) {
    expiries.isBeingSwept = true;
    broker.work.run(sweepTable(keyspace, broker, content, content.idOf(left), table), () => {
      expiries.isBeingSwept = false;
    });
  }
  return left;
}

/** Goes on until nothing of the hash is due, or it is no more what it was, or nothing may go by itself: whoever meets it then begins again. */
function* sweepTable(
  keyspace: Keyspace,
  broker: Broker,
  content: KeyContent,
  id: number,
  table: ElementTable,
): Job<void> {
  // The caller has the entry yet.
  yield 1;
  for (;;) {
    // SWAPDB gives another database the content.
    const database = keyspace.databases.find((one) => one.content === content);
    if (database === undefined || content.values.at(id) !== table || keyspace.keepsAll) return;
    const removed = database.hash.removeDue(content.values.entryOf(id), keyspace.now(), fieldsAtOnce);
    broker.ticker.request();
    if (removed < fieldsAtOnce) return;
    yield removed * unitsOfField;
  }
}
