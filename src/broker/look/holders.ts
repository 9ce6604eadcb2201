/**
 * Who holds the messages that are looked at, by asking all connections. Nothing is stored for it, so it costs nothing until somebody looks.
 *
 * Not here: which messages are held (look.ts).
 */
import type { ConnectionFacts, HolderFacts } from "../../base/connection-facts.ts";
import { type Job, Piece } from "../../base/turn-work.ts";
import type { Connections } from "../connections.ts";

export interface Holder extends HolderFacts {
  readonly connection: ConnectionFacts;
}

const unitsOfConnection = 8;

/** By its number, each owner that is there still. */
export function* findingHolders(
  connections: Connections,
  owners: ReadonlySet<number>,
): Job<ReadonlyMap<number, Holder>> {
  const holders = new Map<number, Holder>();
  const piece = new Piece();
  for (const open of connections.all()) {
    if (holders.size >= owners.size) break;
    const connection = open.describe();
    connection.findHolders?.(owners, (owner, holder) => holders.set(owner, { ...holder, connection }));
    const due = piece.add(unitsOfConnection + connection.channels);
    if (due > 0) yield due;
  }
  return holders;
}
