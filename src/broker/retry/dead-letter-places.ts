/**
 * Where dead letters lie, by what is defined, without looking at messages: those of one queue or stream, and those of a whole virtual host.
 *
 *     queues that were made for the dead letters of one (`x-dead-letters-of`), `NAME.dead` of one with a retry policy, or of its topic
 *     queues and streams that its dead-letter exchange may lead to, by whichever key
 *     streams and topics that the policies of its groups (TROIKA.GROUP ... DEADLETTER) and of its topic (troika.deadletter.topic) name
 *     streams whose name ends with `.dead`
 *
 * Not here: which messages there are its dead letters (they say so themselves), what lies there (operations/letters/groups.ts, look/), where the next one
 * goes (dead-queue.ts, groups/give-up.ts). A place of a policy that is gone is found only by its name. A dead letter that keeps its own routing key on
 * the way through the default exchange may be anywhere, so it is not found. Invariant: a queue of one connection is no place, since nobody else reads it.
 */
import { limits } from "../../base/limits.ts";
import { type Job, Piece } from "../../base/turn-work.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { deadLettersOf } from "../policy/policy.ts";
import type { Queue } from "../queue/queue.ts";
import type { Vhost } from "../vhost.ts";
import { deadQueueName } from "./dead-queue.ts";

const unitsOfStep = 0.5;
const unitsOfPartition = 0.05;

class Places {
  readonly #vhost: Vhost;
  readonly #max: number;
  readonly #piece = new Piece();
  /** What `#named` has been called with. */
  readonly #names = new Set<string>();
  readonly #exchanges = new Set<Exchange>();
  readonly found = new Set<Queue>();

  constructor(vhost: Vhost, max: number) {
    this.#vhost = vhost;
    this.#max = max;
  }

  readonly add = (place: Queue): void => {
    if (place.exclusiveOwner === 0 && this.found.size < this.#max) this.found.add(place);
  };

  *#step(units: number): Job<void> {
    const due = this.#piece.add(units);
    if (due > 0) yield due;
  }

  /** The queue or stream, or all partitions of the topic. */
  *addNamed(name: string): Job<void> {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    const place = this.#vhost.findQueue(name);
    if (place !== undefined) this.add(place);
    else yield* this.#addTopic(name);
  }

  *#addTopic(name: string): Job<void> {
    const partitions = this.#vhost.topics.find(name)?.partitions ?? [];
    partitions.forEach(this.add);
    yield* this.#step(unitsOfStep + partitions.length * unitsOfPartition);
  }

  #addExchange(name: string | undefined): void {
    const exchange = name === undefined ? undefined : this.#vhost.exchanges.get(name);
    if (exchange !== undefined) this.#exchanges.add(exchange);
  }

  /** All that the settings of a queue or stream name. */
  *addOf(queue: Queue): Job<void> {
    const { deadLetterExchange, deadLetterRoutingKey, deadLetterTopic, retryLimit } = queue.policy;
    if (deadLetterExchange === "") yield* this.addNamed(deadLetterRoutingKey ?? queue.name);
    else this.#addExchange(deadLetterExchange);
    if (retryLimit !== undefined) yield* this.addBeside(queue);
    if (deadLetterTopic !== undefined) yield* this.addNamed(deadLetterTopic);
    for (const { retryPolicy } of queue.groups.values()) {
      if (retryPolicy?.deadLetter !== undefined) yield* this.addNamed(retryPolicy.deadLetter);
      yield* this.#step(unitsOfStep);
    }
    yield* this.#step(unitsOfStep);
  }

  /** What goes by the queue's name, and by its topic's, whichever partition it comes from. */
  *addBeside(queue: Queue): Job<void> {
    yield* this.addNamed(deadQueueName(queue.name));
    const topic = this.#vhost.topics.topicOf(queue);
    if (topic !== undefined) yield* this.addNamed(deadQueueName(topic.name));
  }

  /** All that the exchanges lead to, whatever the key; the set of them grows by those that they lead to. */
  *follow(bindingsMax: number): Job<void> {
    let bindings = 0;
    for (const exchange of this.#exchanges) {
      this.#addExchange(exchange.alternate);
      yield* this.#addTopic(exchange.name);
      for (const { destination } of exchange.bindings.values()) {
        if (destination.kind === "exchange") this.#exchanges.add(destination);
        else this.add(destination);
        if (++bindings >= bindingsMax) return;
        yield* this.#step(unitsOfStep);
      }
    }
  }
}

/**
 * Of a queue, stream or partition, which may be gone itself; by their names. Bounded: `limits.deadPlacesMax` places, `limits.deadBindingsMax` bindings on
 * the way.
 */
export function* findingPlacesOf(vhost: Vhost, name: string): Job<readonly Queue[]> {
  const places = new Places(vhost, limits.deadPlacesMax);
  yield* places.addNamed(deadQueueName(name));
  const queue = vhost.findQueue(name);
  if (queue !== undefined) {
    yield* places.addBeside(queue);
    yield* places.addOf(queue);
    yield* places.follow(limits.deadBindingsMax);
  }
  return [...places.found]
    .filter((place) => place.name !== name)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of all queues and streams. */
export function* findingPlaces(vhost: Vhost): Job<readonly Queue[]> {
  const places = new Places(vhost, Infinity);
  for (const queue of vhost.queues.values()) {
    const isNamedSo = queue.kind === "stream" && queue.name.endsWith(deadQueueName(""));
    if (isNamedSo || queue.args[deadLettersOf] !== undefined) places.add(queue);
    yield* places.addOf(queue);
  }
  yield* places.follow(Infinity);
  return [...places.found];
}
