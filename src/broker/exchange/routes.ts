/**
 * Finds the queues for a message: follows bindings from an exchange, and caches the result for each key.
 *
 * Not here: bindings (bindings.ts), which bindings match a key (routing/), the bound on cached routes (route-cache.ts).
 * Invariants: cached routes are those of the current routing version, so no deleted queue is in them; routes to the same logs
 * share one group.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { type Log, LogGroup } from "../../storage/index.ts";
import type { Destination, Exchange } from "./exchange.ts";
import { liveExchangeName } from "../live/channels.ts";
import { isGuarded } from "../policy/policy.ts";
import type { Queue } from "../queue/queue.ts";
import { noRoute, noRouteOfMessage, type Route } from "./route.ts";
import { type MessageFacts, noFacts } from "./routing/router.ts";
import type { Station } from "./stations/station.ts";
import type { Vhost } from "../vhost.ts";

/** A message on its way through exchanges. */
interface Walk {
  readonly keys: readonly string[];
  readonly message: MessageFacts;
  readonly queues: Set<Queue>;
  readonly seen: Set<Exchange>;
  isPerMessage: boolean;
  readonly stations: Station[];
  /** One of these keeps it alone. */
  isHeld: boolean;
}

/** What an exchange or queue on the way costs the turn, and a node of topic bindings (turn-work.ts). */
const unitsOfDestination = 0.2;
const unitsOfVisit = 0.1;

/** What a route is beside its queues. */
interface Ways {
  readonly isPerMessage: boolean;
  readonly reachesLive: boolean;
  readonly stations: readonly Station[];
  readonly isHeld: boolean;
}

export class Routes {
  readonly #vhost: Vhost;
  /** By the ids of their logs. */
  readonly #groups = new Map<string, LogGroup>();
  #groupsVersion = 0;
  /** How many logs are in all groups. */
  #groupedLogs = 0;

  /** The cost of routing so far, counted where patterns make it expensive. */
  visits = 0;

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  /** How many groups are cached. */
  get groupCount(): number {
    return this.#groups.size;
  }

  /** The cached route of all messages with that key. */
  known(exchange: Exchange, key: string): Route | undefined {
    const { routes } = exchange;
    const { routingVersion } = this.#vhost;
    if (exchange.routesVersion !== routingVersion) {
      routes.clear();
      exchange.routesVersion = routingVersion;
    }
    const known = routes.get(key);
    if (assertsAreOn && known !== undefined)
      assertInvariant(!known.queues.some((queue) => queue.isDeleted), "no route leads to a deleted queue");
    return known;
  }

  /** The route of a message. What is known of it is asked for only if an exchange on the way looks at it. */
  find(exchange: Exchange, key: string, message: MessageFacts = noFacts): Route {
    const known = this.known(exchange, key);
    if (known !== undefined) return known;
    const { routes } = exchange;
    const route = this.byKeys(exchange, [key], message);
    if (!route.isPerMessage) {
      if (routes.size >= limits.routesCachedMax) routes.clear();
      routes.set(key, route);
    }
    return route;
  }

  /** The route of a message with several keys (CC and BCC): each queue once. Not cached. Throws PRECONDITION_FAILED. */
  byKeys(exchange: Exchange, keys: readonly string[], message: MessageFacts = noFacts): Route {
    const walk: Walk = {
      keys,
      message,
      queues: new Set(),
      seen: new Set(),
      isPerMessage: false,
      stations: [],
      isHeld: false,
    };
    this.#walk(exchange, walk);
    const reachesLive = walk.seen.has(this.#vhost.exchanges.get(liveExchangeName)!);
    return this.#make([...walk.queues], { ...walk, reachesLive });
  }

  /**
   * The route of a message that no client waits for; never throws. Keys that no binding can have are left out. If routing by several
   * keys takes too long, the message goes by its own key alone.
   */
  quick(exchange: Exchange, all: readonly string[], message: MessageFacts): Route {
    const keys = all.filter((key) => key.length <= limits.nameBytesMax);
    const [first = ""] = keys;
    if (keys.length <= 1) return this.find(exchange, first, message);
    try {
      return this.byKeys(exchange, keys, message);
    } catch (error) {
      if (error instanceof BrokerError) return this.find(exchange, first, message);
      throw error;
    }
  }

  /** The route from a destination on. */
  from(destination: Destination, key: string, message: MessageFacts): Route {
    if (destination.kind === "exchange") return this.find(destination, key, message);
    return this.#make([destination], {
      isPerMessage: false,
      reachesLive: false,
      stations: [],
      isHeld: false,
    });
  }

  /** The route with its current queues: without deleted ones, and with those that were made again under the same name. */
  now(route: Route): Route {
    const queues = route.queues.flatMap((queue) =>
      queue.isDeleted ? (this.#vhost.queues.get(queue.name) ?? []) : queue,
    );
    return this.#make(queues, { ...route, stations: route.stations ?? [] });
  }

  /** A loop, not a recursion: clients can make chains of exchanges of any length. */
  #walk(first: Exchange, walk: Walk): void {
    const { keys, message, queues, seen, stations } = walk;
    const visitsBefore = this.visits;
    const visitsMax = visitsBefore + limits.publishVisitsMax;
    const waiting: Exchange[] = [first];
    for (let exchange = waiting.pop(); exchange !== undefined; exchange = waiting.pop()) {
      if (seen.has(exchange)) continue;
      seen.add(exchange);
      const { router } = exchange;
      if (router.isPerMessage) walk.isPerMessage = true;
      const station = this.#vhost.stationOf(exchange);
      if (station !== null) {
        const sight = station.sees(message);
        if (sight !== "pass") stations.push(station);
        if (station.looksAtMessages) walk.isPerMessage = true;
        if (sight === "take") {
          walk.isHeld = true;
          continue;
        }
      }
      const found = new Set<Destination>();
      router.routeKeys?.(keys, message, found);
      for (const key of router.routeKeys === undefined ? keys : []) {
        const before = router.visits ?? 0;
        router.route(key, message, found);
        this.visits += (router.visits ?? 0) - before;
        if (keys.length > 1 && this.visits > visitsMax) {
          // The work is charged even if the message is refused: a client that tries again in the same pipeline pays for each try.
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

  /** Charges the turn: more messages of the same pipeline may come in it. */
  #spend({ queues, seen }: Walk, visits: number): void {
    const units = unitsOfDestination * (seen.size + queues.size) + unitsOfVisit * visits;
    this.#vhost.broker.work.spend(Math.ceil(units));
  }

  #make(queues: Queue[], { isPerMessage, reachesLive, stations, isHeld }: Ways): Route {
    if (queues.length === 0 && !reachesLive && stations.length === 0)
      return isPerMessage ? noRouteOfMessage : noRoute;
    const durable = queues.filter((queue) => queue.log.isDurable).map((queue) => queue.log);
    const volatile = queues.filter((queue) => !queue.log.isDurable).map((queue) => queue.log);
    return {
      durable: this.#group(durable),
      volatile: this.#group(volatile),
      queues,
      hasGuards: queues.some(({ policy }) => isGuarded(policy)),
      isTraced: queues.some(({ trace }) => trace !== null && trace.samples),
      reachesLive,
      isPerMessage,
      isHeld,
      isTaken: isHeld || queues.length > 0,
      stations: stations.length === 0 ? null : stations,
    };
  }

  /** One group for each set of logs, so that messages with different keys and the same targets share a frame. */
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
