/**
 * Queues that refuse what is beyond their bound, and all ways that lead to them, as a broker in miniature: what every
 * answer may be, exactly.
 *
 *     exchange    key             leads to                      queue   bound                    dead letters go to
 *     ""          a queue's name  that queue                    main    length or bytes, refuses bounds.dead (fanout)
 *     bounds.a    other, else     other, else bounds.b          other   length, refuses          nowhere
 *     bounds.b    nothing         bounds.c, if it is there      dead    perhaps length, refuses  nowhere
 *     bounds.c    main, other     main                         first   no room, or no time      queue second
 *     bounds.c    both            main and other                second  no room, or no time      bounds.last (fanout)
 *     amq.topic   the same        the same
 *     bounds.live any             as amq.topic
 *
 * A policy may bound main more narrowly, and dead where nothing else does; dead then drops the oldest, which go nowhere.
 * bounds.dead and bounds.last lead to what the topology says: back into main, which goes round when a consumer rejects and
 * ends when nobody did; and from second into first, which ends at once (but not for what was rejected before, as in RabbitMQ:
 * so that is not made). Not here: requests (actors/bounds.ts).
 * Invariants: a queue's items stand in the order in which they came; a consumer of main holds `prefetch` of them at most.
 */

export const queueNames = ["main", "other", "dead", "first", "second"] as const;
export type QueueName = (typeof queueNames)[number];

export interface Item {
  readonly number: number;
  /** What it counts for in a bound by bytes: whole, or its body once it is an AMQP message. */
  readonly size: number;
  readonly bodySize: number;
  /** Where it was given up, and why: the newest first. */
  readonly deaths: readonly Death[];
  readonly isHeld: boolean;
}

interface Death {
  readonly queue: QueueName;
  readonly reason: "rejected" | "maxlen" | "expired";
}

export interface BoundsState {
  readonly queues: Readonly<Record<QueueName, readonly Item[]>>;
  /** The exchange bounds.b is there. */
  readonly hasBridge: boolean;
  /** Of main's consumer; 0: there is none. */
  readonly prefetch: number;
  readonly policies: Policies;
  /** The last batch of the idempotent producer that was stored. */
  readonly lastBatch: number;
}

/** What policies and operator policies say of main and dead; of both the lesser counts. */
export interface Policies {
  readonly main: readonly MainBound[];
  /** A length; null: nothing. */
  readonly dead: number | null;
}

export interface MainBound {
  readonly length?: number;
  readonly bytes?: number;
}

export interface Topology {
  /** Of main. */
  readonly bound: { readonly length: number } | { readonly bytes: number };
  readonly otherLength: number;
  readonly deadLength: number | null;
  /** Why first and second keep nothing: no room, or no time. What expires may do so in later ticks. */
  readonly passing: "maxlen" | "expired";
  /** Main dead-letters what it refuses too. */
  readonly deadLettersRefused: boolean;
  readonly dead: readonly QueueName[];
  readonly last: readonly QueueName[];
}

export type Change = (state: BoundsState) => readonly [state: BoundsState, answer: string | number];

export const noItems: BoundsState = {
  queues: { main: [], other: [], dead: [], first: [], second: [] },
  hasBridge: true,
  prefetch: 0,
  policies: { main: [], dead: null },
  lastBatch: 0,
};

export const taken = "taken";
export const refused = "refused";

export class Bounds {
  readonly topology: Topology;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  // What clients ask for

  /** A queue that is full refuses it for itself alone. */
  publish(exchange: string, key: string, item: Item): Change {
    return (state) => this.#publishEach(state, this.#route(state, exchange, key), item);
  }

  /** As `publish`, by somebody who does not learn what became of it. */
  publishUntold(exchange: string, key: string, item: Item): Change {
    return (state) => [this.#publishEach(state, this.#route(state, exchange, key), item)[0], taken];
  }

  /** All of it, or nothing: what is refused is dead-lettered, unless it is a transaction. */
  publishWhole(publishes: readonly Publish[], isTransaction = false): Change {
    return (state) => {
      const ways = publishes.flatMap(({ exchange, key, item }) =>
        this.#route(state, exchange, key).map((queue) => [queue, item] as const),
      );
      const full = queueNames.filter((name) => {
        const items = ways.filter(([queue]) => queue === name).map(([, item]) => item);
        return items.length > 0 && !this.#hasRoom(state, name, items);
      });
      if (full.length === 0)
        return [ways.reduce((next, [queue, item]) => this.#append(next, queue, item), state), taken];
      if (isTransaction) return [state, refused];
      const dead = ways.filter(([queue]) => full.includes(queue));
      return [this.#deadLetterRefused(state, dead), refused];
    };
  }

  /** The same batch again is not stored again. */
  publishOnce(batch: number, publishes: readonly Publish[]): Change {
    const publish = this.publishWhole(publishes);
    return (state) => {
      if (state.lastBatch === batch) return [state, taken];
      const [next, answer] = publish(state);
      return [answer === taken ? { ...next, lastBatch: batch } : next, answer];
    };
  }

  consume(prefetch: number): Change {
    return (state) => [deliver({ ...state, prefetch }), taken];
  }

  settle(number: number, outcome: "acknowledge" | "requeue" | "reject"): Change {
    return (state) => {
      const item = state.queues.main.find((each) => each.number === number && each.isHeld);
      // It was not held in this state, so that this cannot have been answered.
      if (item === undefined) return [state, "unknown"];
      if (outcome === "requeue") {
        const main = state.queues.main.map((each) => (each === item ? { ...item, isHeld: false } : each));
        return [deliver(withItems(state, "main", main)), taken];
      }
      const rest = deliver(withoutItem(state, "main", item));
      return [outcome === "reject" ? this.#deadLetter(rest, "main", item, "rejected") : rest, taken];
    };
  }

  /** Takes the first item of a queue that nobody consumes. */
  get(name: QueueName): Change {
    return (state) => {
      const item = state.queues[name][0];
      return item === undefined ? [state, "empty"] : [withoutItem(state, name, item), item.number];
    };
  }

  /** An item goes by its place (XDEL). */
  remove(number: number): Change {
    return (state) => {
      const item = state.queues.main.find((each) => each.number === number);
      return item === undefined ? [state, 0] : [withoutItem(state, "main", item), 1];
    };
  }

  /** Its oldest items go (XTRIM). */
  trim(length: number): Change {
    return (state) => {
      const { main } = state.queues;
      const from = Math.max(main.length - length, 0);
      return [withItems(state, "main", main.slice(from)), from];
    };
  }

  count(name: QueueName): Change {
    return (state) => [state, ready(state, name).length];
  }

  /** All that is in it, held or not. */
  look(name: QueueName): Change {
    return (state) => [state, state.queues[name].map(({ number }) => number).join(" ")];
  }

  /** Policies in the place of those that there were. */
  policies(policies: Policies): Change {
    return (state) => [this.#deadBounded({ ...state, policies }), taken];
  }

  bridge(hasBridge: boolean): Change {
    return (state) => [{ ...state, hasBridge }, taken];
  }

  // What the broker does by itself

  /** The states that this one can become when first and second give up what they have. */
  movedOn(state: BoundsState): BoundsState[] {
    return (["first", "second"] as const).flatMap((name) => {
      const item = state.queues[name][0];
      return item === undefined
        ? []
        : [this.#deadLetter(withoutItem(state, name, item), name, item, this.topology.passing)];
    });
  }

  #route({ hasBridge }: BoundsState, exchange: string, key: string): readonly QueueName[] {
    switch (exchange) {
      case "":
        return [key as QueueName];
      case "bounds.a":
        if (key === "other") return ["other"];
        return hasBridge ? byKey(key) : [];
      case "bounds.b":
        return hasBridge ? byKey(key) : [];
      case "bounds.dead":
        return this.topology.dead;
      case "bounds.last":
        return this.topology.last;
      default:
        return byKey(key);
    }
  }

  #hasRoom(state: BoundsState, name: QueueName, items: readonly Item[]): boolean {
    const { bound, otherLength, deadLength } = this.topology;
    const there = ready(state, name);
    if (name === "main") {
      const size = sizeOf(there) + sizeOf(items);
      const isWithin = ({ length = Infinity, bytes = Infinity }: MainBound): boolean =>
        there.length + items.length <= length && size <= bytes;
      return isWithin(bound) && state.policies.main.every(isWithin);
    }
    const lengths = { other: otherLength, dead: deadLength };
    const length = name === "first" || name === "second" ? null : lengths[name];
    return length === null || there.length + items.length <= length;
  }

  #append(state: BoundsState, name: QueueName, item: Item): BoundsState {
    const next = withItems(state, name, [...state.queues[name], { ...item, isHeld: false }]);
    return name === "main" ? deliver(next) : this.#deadBounded(next);
  }

  #deadBounded(state: BoundsState): BoundsState {
    const { dead } = state.policies;
    // The argument says that it refuses, and the lesser of both is still more than what is there.
    if (dead === null || this.topology.deadLength !== null) return state;
    const items = state.queues.dead;
    return items.length <= dead ? state : withItems(state, "dead", items.slice(items.length - dead));
  }

  #publishEach(state: BoundsState, queues: readonly QueueName[], item: Item): readonly [BoundsState, string] {
    let next = state;
    const full: [QueueName, Item][] = [];
    for (const name of queues) {
      if (this.#hasRoom(next, name, [item])) next = this.#append(next, name, item);
      else full.push([name, item]);
    }
    return full.length === 0 ? [next, taken] : [this.#deadLetterRefused(next, full), refused];
  }

  #deadLetterRefused(state: BoundsState, ways: readonly (readonly [QueueName, Item])[]): BoundsState {
    if (!this.topology.deadLettersRefused) return state;
    return ways.reduce(
      (next, [queue, item]) => (queue === "main" ? this.#deadLetter(next, "main", item, "maxlen") : next),
      state,
    );
  }

  /** It is left out of queues where it was since it was last rejected, as its history tells. */
  #deadLetter(state: BoundsState, queue: QueueName, item: Item, reason: Death["reason"]): BoundsState {
    const deaths = withDeath(item.deaths, { queue, reason });
    const targets = { main: this.topology.dead, first: ["second"] as const, second: this.topology.last };
    const queues = queue === "other" || queue === "dead" ? [] : targets[queue];
    const letter: Item = { ...item, size: item.bodySize, deaths };
    return this.#publishEach(
      state,
      queues.filter((target) => !isCycle(target, reason, deaths)),
      letter,
    )[0];
  }
}

export interface Publish {
  readonly exchange: string;
  readonly key: string;
  readonly item: Item;
}

function byKey(key: string): readonly QueueName[] {
  if (key === "both") return ["main", "other"];
  return key === "none" ? [] : ["main"];
}

/** The newest first, but RabbitMQ turns two and more round before it adds one. */
function withDeath(deaths: readonly Death[], death: Death): readonly Death[] {
  const before = deaths.length < 2 ? deaths : deaths.toReversed();
  return [death, ...before.filter(({ queue, reason }) => queue !== death.queue || reason !== death.reason)];
}

function isCycle(target: QueueName, reason: Death["reason"], deaths: readonly Death[]): boolean {
  const at = deaths.findIndex((death) => death.queue === target);
  return (
    at >= 0 && reason !== "rejected" && deaths.slice(0, at + 1).every((death) => death.reason !== "rejected")
  );
}

function ready(state: BoundsState, name: QueueName): readonly Item[] {
  return state.queues[name].filter(({ isHeld }) => !isHeld);
}

function sizeOf(items: readonly Item[]): number {
  return items.reduce((sum, { size }) => sum + size, 0);
}

function withItems(state: BoundsState, name: QueueName, items: readonly Item[]): BoundsState {
  return { ...state, queues: { ...state.queues, [name]: items } };
}

function withoutItem(state: BoundsState, name: QueueName, item: Item): BoundsState {
  return withItems(
    state,
    name,
    state.queues[name].filter((each) => each !== item),
  );
}

/** The consumer takes what it can hold, in order. */
function deliver(state: BoundsState): BoundsState {
  let room = state.prefetch - state.queues.main.filter(({ isHeld }) => isHeld).length;
  const main = state.queues.main.map((item) =>
    item.isHeld || room-- <= 0 ? item : { ...item, isHeld: true },
  );
  return withItems(state, "main", main);
}

/** Main's consumer is gone: what it held is to be had again. */
export function released(state: BoundsState): BoundsState {
  const main = state.queues.main.map((item) => ({ ...item, isHeld: false }));
  return { ...withItems(state, "main", main), prefetch: 0 };
}
