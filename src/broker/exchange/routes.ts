/**
 * Where messages of one virtual host go: a walk from an exchange by its bindings, whose outcome is remembered for each key.
 *
 * Not here: bindings (bindings.ts), which of them a key meets (routing/), the bound of what is remembered (route-cache.ts).
 * Invariants: what is remembered is of the vhost's routing version as it is, so no deleted queue is in it; routes to the
 * same logs share one group.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Log, LogGroup } from "../../storage/index.ts";
import type { Destination, Exchange } from "./exchange.ts";
import { liveExchangeName } from "../live/channels.ts";
import type { Queue } from "../queue/queue.ts";
import { noRoute, noRouteByHeaders, type Route } from "./route.ts";
import type { HeaderLookup } from "./routing/router.ts";
import type { Vhost } from "../vhost.ts";

const noHeaders: HeaderLookup = () => new Map();

/** A message on its way through exchanges. */
interface Walk {
  readonly keys: readonly string[];
  readonly headers: HeaderLookup;
  readonly queues: Set<Queue>;
  readonly seen: Set<Exchange>;
  usesHeaders: boolean;
}

/** What an exchange or queue on the way of a message costs its turn, and a node of topic bindings (turn-work.ts). */
const unitsOfDestination = 0.2;
const unitsOfVisit = 0.1;

export class Routes {
  readonly #vhost: Vhost;
  /** By the ids of their logs. */
  readonly #groups = new Map<string, LogGroup>();
  #groupsVersion = 0;
  /** Logs in all of them. */
  #groupedLogs = 0;

  /** What finding routes has cost so far, where patterns make it dear. */
  visits = 0;

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  /** Groups that are remembered. */
  get groupCount(): number {
    return this.#groups.size;
  }

  /** Where a message goes. `headers` is asked only where a headers exchange is on the way. */
  find(exchange: Exchange, key: string, headers: HeaderLookup = noHeaders): Route {
    const { routes } = exchange;
    const { routingVersion } = this.#vhost;
    if (exchange.routesVersion !== routingVersion) {
      routes.clear();
      exchange.routesVersion = routingVersion;
    }
    const known = routes.get(key);
    if (known !== undefined) {
      if (assertsAreOn)
        assertInvariant(!known.queues.some((queue) => queue.isDeleted), "no route leads to a deleted queue");
      return known;
    }
    const route = this.byKeys(exchange, [key], headers);
    if (!route.usesHeaders) {
      if (routes.size >= limits.routesCachedMax) routes.clear();
      routes.set(key, route);
    }
    return route;
  }

  /** Where a message with several keys goes (CC and BCC): to each queue once. Not remembered. Throws PRECONDITION_FAILED. */
  byKeys(exchange: Exchange, keys: readonly string[], headers: HeaderLookup = noHeaders): Route {
    const walk: Walk = { keys, headers, queues: new Set(), seen: new Set(), usesHeaders: false };
    this.#walk(exchange, walk);
    const { usesHeaders, seen } = walk;
    const reachesLive = seen.has(this.#vhost.exchanges.get(liveExchangeName)!);
    if (walk.queues.size === 0 && !reachesLive) return usesHeaders ? noRouteByHeaders : noRoute;
    return this.#make([...walk.queues], usesHeaders, reachesLive);
  }

  /** The route as its queues are now: without those that are gone, with those made again under their names. */
  now(route: Route): Route {
    const queues = route.queues.flatMap((queue) =>
      queue.isDeleted ? (this.#vhost.queues.get(queue.name) ?? []) : queue,
    );
    if (queues.length === 0 && !route.reachesLive) return route.usesHeaders ? noRouteByHeaders : noRoute;
    return this.#make(queues, route.usesHeaders, route.reachesLive);
  }

  /** Without recursion: a chain of exchanges may be as long as somebody makes it. */
  #walk(first: Exchange, walk: Walk): void {
    const { keys, headers, queues, seen } = walk;
    const visitsBefore = this.visits;
    const visitsMax = visitsBefore + limits.publishVisitsMax;
    const waiting: Exchange[] = [first];
    for (let exchange = waiting.pop(); exchange !== undefined; exchange = waiting.pop()) {
      if (seen.has(exchange)) continue;
      seen.add(exchange);
      const { router } = exchange;
      if (router.usesHeaders) walk.usesHeaders = true;
      const found = new Set<Destination>();
      for (const key of keys) {
        const before = router.visits ?? 0;
        router.route(key, headers, found);
        this.visits += (router.visits ?? 0) - before;
        if (keys.length > 1 && this.visits > visitsMax) {
          // Refused, but done: a client that tries again in the same pipeline pays for each.
          this.#spend(walk, this.visits - visitsBefore);
          throw tooDear();
        }
      }
      if (found.size === 0 && exchange.alternate !== undefined) {
        const alternate = this.#vhost.exchanges.get(exchange.alternate);
        if (alternate !== undefined) waiting.push(alternate);
      }
      for (const destination of found) {
        if (destination.kind === "exchange") waiting.push(destination);
        else queues.add(destination);
      }
    }
    this.#spend(walk, this.visits - visitsBefore);
  }

  /** Charges the turn, in which other messages of the same pipeline may come. */
  #spend({ queues, seen }: Walk, visits: number): void {
    const units = unitsOfDestination * (seen.size + queues.size) + unitsOfVisit * visits;
    this.#vhost.broker.work.spend(Math.ceil(units));
  }

  #make(queues: Queue[], usesHeaders: boolean, reachesLive: boolean): Route {
    const durable = queues.filter((queue) => queue.log.isDurable).map((queue) => queue.log);
    const volatile = queues.filter((queue) => !queue.log.isDurable).map((queue) => queue.log);
    return {
      durable: this.#group(durable),
      volatile: this.#group(volatile),
      queues,
      hasGuards: queues.some((queue) => queue.policy.overflow !== "drop-head"),
      reachesLive,
      usesHeaders,
    };
  }

  /** One group for each set of logs, so that messages with different keys but equal targets share a frame. */
  #group(logs: Log[]): LogGroup | null {
    if (logs.length === 0) return null;
    if (logs.length === 1) return logs[0]!.group;
    logs.sort((a, b) => a.id - b.id);
    const key = logs.map((log) => log.id).join(" ");
    const { routingVersion } = this.#vhost;
    const groups = this.#groups;
    const isFull = groups.size >= limits.routesCachedMax || this.#groupedLogs >= limits.groupedLogsMax;
    if (this.#groupsVersion !== routingVersion || isFull) {
      groups.clear();
      this.#groupedLogs = 0;
      this.#groupsVersion = routingVersion;
    }
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(key, (group = new LogGroup(logs)));
      this.#groupedLogs += logs.length;
    }
    return group;
  }
}

function tooDear(): BrokerError {
  return new BrokerError(
    "PRECONDITION_FAILED",
    "finding the queues for so many keys (CC, BCC) takes too long; send several messages",
  );
}
