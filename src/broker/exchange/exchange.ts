/** An exchange: a name, a type and its bindings. Its router does the routing. */
import { noLayers, type PolicyLayers } from "../policy/policy.ts";
import type { Queue } from "../queue/queue.ts";
import type { Random } from "../../base/random.ts";
import type { ExchangeOptions, ExchangeType } from "./definition.ts";
import { type ExchangeTypeRow, rowOf } from "./exchange-types.ts";
import type { BindingArguments, Router } from "./routing/router.ts";
import { type RouteBudget, RouteCache } from "./route-cache.ts";
import type { Station } from "./stations/station.ts";

export type Destination = Queue | Exchange;

export interface Binding {
  readonly source: Exchange;
  readonly destination: Destination;
  readonly key: string;
  readonly args: BindingArguments;
  /** Survives a restart, since source and destination are both durable. */
  readonly isDurable: boolean;
  /** Of an exchange whose bindings have an order: which of them was first. */
  readonly ordinal: number;
}

/** What exchanges need of the broker. */
export interface ExchangeSurroundings {
  readonly budget: RouteBudget;
  readonly random: Random;
}

export class Exchange {
  readonly kind = "exchange";
  readonly name: string;
  readonly type: ExchangeType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly args: BindingArguments;
  /** What its type says. */
  readonly row: ExchangeTypeRow;
  /** Of the settings of policies, `alternate-exchange` is for exchanges. */
  layers: PolicyLayers = noLayers;
  readonly router: Router<Destination>;
  /** Keeps messages, where the type does; made when it is needed first. */
  station: Station | null = null;
  /** Bindings that leave this exchange, by identity. */
  readonly bindings = new Map<string, Binding>();
  /** The highest that a binding has had. */
  lastOrdinal = 0;
  /** Cached routes, by key. Valid while the virtual host's `routingVersion` is `routesVersion`. */
  readonly routes: RouteCache;
  routesVersion = 0;
  isDeleted = false;
  // Counted since the start, for rates.ts.
  published = 0;
  /** Copies that went to queues. */
  routed = 0;
  unroutable = 0;
  returned = 0;

  constructor(options: ExchangeOptions, { budget, random }: ExchangeSurroundings) {
    this.routes = new RouteCache(budget);
    this.name = options.name;
    this.type = options.type;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.internal = options.internal;
    this.args = options.args;
    this.row = rowOf(options);
    this.router = this.row.makeRouter<Destination>(options.args, random);
  }

  /** Replaces the policies; false: they are the same. Whoever calls it has routes found again. */
  applyLayers(layers: PolicyLayers): boolean {
    if (JSON.stringify(layers) === JSON.stringify(this.layers)) return false;
    this.layers = layers;
    return true;
  }

  /** The exchange for messages that match no binding (`alternate-exchange`); an argument counts before a policy. */
  get alternate(): string | undefined {
    const name = this.args["alternate-exchange"] ?? this.layers.policy?.["alternate-exchange"];
    return typeof name === "string" ? Buffer.from(name).latin1Slice() : undefined;
  }
}

/** Equal for two bindings that are the same. */
export function bindingIdentity(destination: Destination, key: string, args: BindingArguments): string {
  return JSON.stringify([destination.kind === "exchange" ? "e" : "q", destination.name, key, args]);
}
