/**
 * Routes that one exchange has found, by key, and the memory that the routes of all exchanges take together.
 *
 * Not here: when a route is out of date (routes.ts clears the cache then). Invariant: the estimated bytes of all caches of one
 * budget are at most its bound: where a route more would pass it, the cache that has had routes for longest forgets them all.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { limits } from "../../base/limits.ts";
import type { Route } from "./route.ts";

/** Of the key's string, its place in the map, and the route itself without its queues. */
const entryBytes = 200;
/** Of a queue in a route: its place in the list, and in the list of its logs. */
const queueBytes = 16;

export class RouteBudget {
  readonly bytesMax: number;
  bytes = 0;
  /** Those that have routes, the one that has had them for longest first. */
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

  /** Remembers the route of a key that is not there, unless the key is longer than any that bindings have. */
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
