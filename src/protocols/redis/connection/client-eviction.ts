/**
 * `maxmemory-clients`: while all connections together hold more memory than that, those that hold the most are closed, as redis does.
 *
 * Memory of a connection is unfinished and queued input and the buffer of its output. Connections that have asked for it (CLIENT NO-EVICT)
 * are kept. It is looked at ten times a second, in slices. Not here: the bound on bytes in flight of all protocols (base/bytes-in-flight.ts),
 * which holds whatever this setting is. Invariant: without a bound nothing is looked at.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Connection } from "../../contract.ts";
import type { ClientsMemory } from "../memory/memory-settings.ts";

const lookMs = 100;
const clientsOfPiece = 200;
const unitsOfPiece = 40;

interface Client {
  readonly connection: Connection;
  readonly memoryBytes: number;
  readonly isNoEvict: boolean;
}

interface Clients {
  readonly broker: Broker;
  readonly sessions: ReadonlyMap<number, Client>;
  readonly keyspace: { readonly eviction: { readonly bytesMax: number } };
}

/** Connections by what they hold: sizes below 2^n, from 16 KiB on. */
const smallestShift = 14;
const classes = 32;

export class ClientEviction implements ClientsMemory {
  #amount = 0;
  #isPercent = false;
  /** Connections closed since the start. */
  evicted = 0;
  readonly #clients: Clients;
  #isLooking = false;

  constructor(clients: Clients) {
    this.#clients = clients;
  }

  bound(amount: number, isPercent: boolean): void {
    this.#amount = amount;
    this.#isPercent = isPercent;
    this.boundChanged();
  }

  boundChanged(): void {
    if (this.#bytesMax > 0) this.#lookLater();
  }

  /** 0 for no bound. */
  get #bytesMax(): number {
    const { bytesMax } = this.#clients.keyspace.eviction;
    return this.#isPercent ? Math.floor((bytesMax * this.#amount) / 100) : this.#amount;
  }

  #lookLater(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { broker } = this.#clients;
    broker.timers.after(lookMs, () => {
      this.#isLooking = false;
      if (this.#bytesMax === 0) return;
      broker.work.run(this.#look(), () => this.#lookLater());
    });
  }

  *#look(): Job<void> {
    const { sessions } = this.#clients;
    const bySize: Client[][] = [];
    let total = 0;
    let looked = 0;
    for (const client of sessions.values()) {
      const { memoryBytes } = client;
      total += memoryBytes;
      const sizeClass = Math.min(Math.max(32 - Math.clz32(memoryBytes >>> smallestShift), 0), classes - 1);
      if (!client.isNoEvict) (bySize[sizeClass] ??= []).push(client);
      if (++looked % clientsOfPiece === 0) yield unitsOfPiece;
    }
    for (const clients of bySize.toReversed()) {
      for (const client of clients ?? []) {
        if (total <= this.#bytesMax) return;
        total -= client.memoryBytes;
        this.evicted++;
        client.connection.destroy();
        if (++looked % clientsOfPiece === 0) yield unitsOfPiece;
      }
    }
  }
}
