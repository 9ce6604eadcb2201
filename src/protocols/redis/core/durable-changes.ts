/** `appendfsync always`: replies wait for the disk. */
import type { Connection } from "../../../base/connection.ts";

interface Changed {
  readonly broker: { readonly storage: { readonly pending: number } };
  readonly keyspace: { readonly changes: { readonly length: number } };
}

/** The output from `start` on, which was appended in this tick, waits until all changes so far are on stable storage. */
export function holdChanges({ broker, keyspace }: Changed, connection: Connection, start: number): void {
  // Changes of this turn are written when it ends, in one piece: any position in there is durable with all of it.
  const { pending } = broker.storage;
  connection.holdUntilDurable(keyspace.changes.length > 0 ? pending + 1 : pending, start);
}
