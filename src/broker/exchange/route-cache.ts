/**
 * The routes that one exchange caches, by key, and the memory bound for the routes of all exchanges.
 *
 * Not here: when a route is out of date (routes.ts clears the cache then). Invariant: the estimated bytes of all caches of one
 * budget are at most its bound. If a new route would exceed it, the cache that has had routes for longest is cleared.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { limits } from "../../base/limits.ts";
import type { Route } from "./route.ts";

/** Estimated bytes of a key, its place in the map, and the route without its queues. */
const entryBytes = 200;
/** Estimated bytes of one queue in a route: its places in the list of queues and in the list of logs. */
const queueBytes = 16;

export class RouteBudget {
  readonly bytesMax: number;
  bytes = 0;
  /** Caches with routes; first the one that has had them for longest. */
  readonly caches = new Set<RouteCache>();

  constructor(bytesMax: number = limits.routesCachedBytesMax) {
    this.bytesMax = bytesMax;
  }

  makeRoomFor(bytes: number): void {
    for (const cache of this.caches) {
      if (this.bytes + bytes <= this.bytesMax) return;
      cache.clear();
    }
  }
}

export class RouteCache {
  readonly #routes = new Map<string, Route>();
  readonly #budget: RouteBudget;
  #bytes = 0;

  constructor(budget: RouteBudget) {
    this.#budget = budget;
  }

  get size(): number {
    return this.#routes.size;
  }

  get(key: string): Route | undefined {
    return this.#routes.get(key);
  }

  /** Caches the route of a new key, unless the key is longer than any key of a binding. */
  set(key: string, route: Route): void {
    if (key.length > limits.nameBytesMax) return;
    const bytes = entryBytes + key.length + route.queues.length * queueBytes;
    const budget = this.#budget;
    if (bytes > budget.bytesMax) return;
    budget.makeRoomFor(bytes);
    this.#routes.set(key, route);
    this.#bytes += bytes;
    budget.bytes += bytes;
    budget.caches.add(this);
    if (assertsAreOn)
      assertInvariant(budget.bytes <= budget.bytesMax, "routes are remembered within their budget");
  }

  clear(): void {
    if (this.#routes.size === 0) return;
    this.#routes.clear();
    this.#budget.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#budget.caches.delete(this);
  }
}
