/**
 * A key that clients wait for, and those who do, in the order in which they came.
 *
 * Each share (see `Wait`) has a line of its own, so that a hundred groups which wait for one stream do not stand in each other's way.
 * Not here: when they are served (blocked-clients.ts). Invariant: no line is empty.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { BlockedClient } from "./blocked-client.ts";
import type { WaitType } from "./wait.ts";

/** Looks at a key whose changes nobody tells otherwise, while somebody waits for it. */
export interface KeyWatch {
  close(): void;
}

export class WaitingKey {
  readonly type: WaitType;
  readonly database: number;
  readonly key: string;
  /** The number of the client that was the first to wait (`BlockedClient.arrival`). */
  readonly since: number;
  watch: KeyWatch | null = null;
  /** It has changed, and its clients have not been looked at since. */
  isReady = false;
  /** By share. */
  readonly lines = new Map<string | null, Set<BlockedClient>>();

  constructor(type: WaitType, database: number, key: string, since: number) {
    this.type = type;
    this.database = database;
    this.key = key;
    this.since = since;
  }

  add(client: BlockedClient): void {
    const { share } = client.wait;
    const line = this.lines.get(share);
    if (line === undefined) this.lines.set(share, new Set([client]));
    else line.add(client);
  }

  /** Says whether nobody waits any more. */
  remove(client: BlockedClient): boolean {
    const { share } = client.wait;
    const line = this.lines.get(share);
    const wasThere = line?.delete(client) ?? false;
    if (assertsAreOn) assertInvariant(wasThere, "a client that waits stands in the line of each of its keys");
    if (line?.size === 0) this.lines.delete(share);
    return this.lines.size === 0;
  }
}
