/**
 * The connections of every protocol: found, listed and closed for an operator.
 *
 * Not here: the connections themselves, which their servers hold (net/listen.ts), and their descriptions
 * (base/connection-facts.ts). Nothing is stored or counted here, so it costs nothing until somebody asks. Invariant: a list looks
 * at a bounded number of connections in one turn (base/turn-work.ts), and at no more connections than there were when it began.
 */
import type { ConnectionFacts, ConnectionState, OpenConnection } from "../base/connection-facts.ts";
import type { Logger } from "../base/logger.ts";
import type { Job } from "../base/turn-work.ts";

/** A server and its connections, by id. Ids grow. */
export interface ConnectionSource {
  readonly connections: ReadonlyMap<number, OpenConnection>;
}

/** A field that is absent is not compared. */
export interface ConnectionFilter {
  readonly protocol?: string;
  readonly user?: string;
  readonly vhost?: string;
  readonly remoteHost?: string;
  readonly state?: ConnectionState;
}

const unitsOfLook = 0.5;
const unitsOfFacts = 8;
const unitsOfPiece = 250;

export class Connections {
  readonly #logger: Logger;
  /** Whether this connection is one of the publishers that have to wait. */
  readonly #isBlocked: (connection: OpenConnection) => boolean;
  readonly #sources = new Set<ConnectionSource>();

  constructor(logger: Logger, isBlocked: (connection: OpenConnection) => boolean) {
    this.#logger = logger;
    this.#isBlocked = isBlocked;
  }

  add(source: ConnectionSource): void {
    this.#sources.add(source);
  }

  get count(): number {
    let count = 0;
    for (const { connections } of this.#sources) count += connections.size;
    return count;
  }

  *all(): Generator<OpenConnection, void> {
    for (const { connections } of this.#sources) yield* connections.values();
  }

  find(id: number): ConnectionFacts | undefined {
    const connection = this.#find(id);
    return connection === undefined ? undefined : this.#facts(connection);
  }

  #find(id: number): OpenConnection | undefined {
    for (const { connections } of this.#sources) {
      const found = connections.get(id);
      // A closed session: the socket only lingers until the peer ends too.
      if (found !== undefined) return found.isClosed ? undefined : found;
    }
    return undefined;
  }

  /** Closes a connection with its protocol's own message; false if there is none of that id. */
  close(id: number, reason: string): boolean {
    const connection = this.#find(id);
    if (connection === undefined) return false;
    const { protocol, remote } = connection;
    this.#logger.info("a connection was closed by an operator", {
      protocol,
      remote: `${remote.host}:${remote.port}`,
      reason,
    });
    connection.closeFor(reason);
    return true;
  }

  /** The connections that match, in the order in which they came within each protocol. */
  *list(filter: ConnectionFilter = {}): Job<ConnectionFacts[]> {
    const found: ConnectionFacts[] = [];
    let units = 0;
    for (const { connections } of this.#sources) {
      // Connections that come meanwhile are appended to the map; without this bound the loop might not end.
      let left = connections.size;
      for (const connection of connections.values()) {
        if (left-- === 0) break;
        units += unitsOfLook;
        if (!connection.isClosed && mayFit(connection, filter)) {
          units += unitsOfFacts;
          const facts = this.#facts(connection);
          if (fits(facts, filter)) found.push(facts);
        }
        if (units < unitsOfPiece) continue;
        yield units;
        units = 0;
      }
    }
    return found;
  }

  #facts(connection: OpenConnection): ConnectionFacts {
    const facts = connection.describe();
    return facts.state !== "closing" && this.#isBlocked(connection) ? { ...facts, state: "blocked" } : facts;
  }
}

/** A first comparison, with fields that need no description. */
function mayFit({ protocol, remote }: OpenConnection, filter: ConnectionFilter): boolean {
  if (filter.protocol !== undefined && filter.protocol !== protocol) return false;
  return filter.remoteHost === undefined || filter.remoteHost === remote.host;
}

function fits(facts: ConnectionFacts, { user, vhost, state }: ConnectionFilter): boolean {
  if (user !== undefined && user !== facts.user) return false;
  if (vhost !== undefined && vhost !== facts.vhost) return false;
  return state === undefined || state === facts.state;
}
