/**
 * Removes expired keys, and expired fields of hashes, that no client reads. Each call looks at a slice of the table, so that it passes the whole table in about
 * ten seconds, and goes on while it finds many. Bounded: one call looks at a maximum of keys, whatever it finds.
 */
import { sizes } from "../base/sizes.ts";
import type { Database } from "./database.ts";
import { hasExpiringFields } from "./value-type.ts";

const callsForAll = 100;
const keysMax = 20_000;
/** A round in which more than every tenth key was due is followed by another. */
const busyShare = 0.1;

/** Looks on from where the last call has stopped. */
export function sweepDatabase(database: Database): void {
  let looked = 0;
  const { content } = database;
  while ((database.table.volatileCount > 0 || content.hasFieldExpiries) && looked < keysMax) {
    if (content.sweepCursor === 0) content.beginFieldSweep();
    const wanted = Math.min(Math.max(database.size / callsForAll, sizes.sweepKeysMin), keysMax - looked);
    const round = sweepRound(database, content.sweepCursor, wanted);
    content.sweepCursor = round.cursor;
    looked += round.looked;
    if (round.removed < round.looked * busyShare || round.looked === 0) break;
  }
}

interface Round {
  cursor: number;
  looked: number;
  removed: number;
}

function sweepRound(database: Database, cursor: number, wanted: number): Round {
  const found: number[] = [];
  const round = { cursor, looked: 0, removed: 0 };
  const { content } = database;
  do {
    found.length = 0;
    round.cursor = content.table.scan(round.cursor, found);
    for (const entry of found) {
      if (database.expireIfDue(entry)) round.removed++;
      else if (content.hasFieldExpiries && hasExpiringFields(content.table.typeWord(entry))) {
        content.seenFieldExpiries();
        database.freshHash(entry);
      }
    }
    // An empty bucket costs a look as well.
    round.looked += Math.max(found.length, 1);
  } while (round.looked < wanted && round.cursor !== 0);
  return round;
}
