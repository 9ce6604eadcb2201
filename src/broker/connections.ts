/**
 * What is connected: every protocol's connections, found, listed and closed for whoever looks after the broker.
 *
 * Not here: the connections themselves, which their servers hold (net/listen.ts), and what they say (base/connection-facts.ts).
 * Nothing is kept here and nothing is counted: it costs nothing until somebody asks.
 * Invariant: a list looks at a bounded number of connections in one turn (base/turn-work.ts), and at no more of them than
 * there were when it began.
 */
import type { ConnectionFacts, ConnectionState, OpenConnection } from "../base/connection-facts.ts";
import type { Logger } from "../base/logger.ts";
import type { Job } from "../base/turn-work.ts";

/** A server and its connections, by their ids, which grow. */
export interface ConnectionSource {
  readonly connections: ReadonlyMap<number, OpenConnection>;
}

/** What is absent is not asked. */
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
  /** Publishers are held back, and it is one of them. */
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
      // Its session is over: it lingers for its peer alone.
      if (found !== undefined) return found.isClosed ? undefined : found;
    }
    return undefined;
  }

  /** Ends a connection in its protocol's words; false where there is none of that id. */
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

  /** Those that fit, in the order in which they came within each protocol. */
  *list(filter: ConnectionFilter = {}): Job<ConnectionFacts[]> {
    const found: ConnectionFacts[] = [];
    let units = 0;
    for (const { connections } of this.#sources) {
      // Those that come meanwhile are behind them in the map, and would keep this from ending.
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

/** Told by what needs no description. */
function mayFit({ protocol, remote }: OpenConnection, filter: ConnectionFilter): boolean {
  if (filter.protocol !== undefined && filter.protocol !== protocol) return false;
  return filter.remoteHost === undefined || filter.remoteHost === remote.host;
}

function fits(facts: ConnectionFacts, { user, vhost, state }: ConnectionFilter): boolean {
  if (user !== undefined && user !== facts.user) return false;
  if (vhost !== undefined && vhost !== facts.vhost) return false;
  return state === undefined || state === facts.state;
}
