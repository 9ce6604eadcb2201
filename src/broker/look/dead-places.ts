/**
 * Where the dead letters of a queue or stream lie: in `NAME.dead`, in what its dead-letter exchange leads to, and in the streams and topics that the
 * policies of its groups and its topic name.
 *
 * Which of the messages there are its dead letters, each says itself (`x-death`, `troika.key`). Not here: looking at them (look.ts), where
 * the next one goes (retry/dead-queue.ts). A dead letter that keeps its own routing key on the way through the default exchange may be
 * anywhere, so it is not found. Bounded: `limits.deadPlacesMax` places, `limits.deadBindingsMax` bindings on the way.
 */
import { limits } from "../../base/limits.ts";
import type { Job } from "../../base/turn-work.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { Queue } from "../queue/queue.ts";
import { deadQueueName } from "../retry/dead-queue.ts";
import type { Vhost } from "../vhost.ts";

const bindingsOfPiece = 64;
const unitsOfPiece = 32;

/** By their names. The queue itself may be gone. */
export function* findingDeadPlaces(vhost: Vhost, name: string): Job<readonly Queue[]> {
  const places = new Set<Queue>();
  const add = (place: Queue | undefined): void => {
    if (place !== undefined && place.name !== name && places.size < limits.deadPlacesMax) places.add(place);
  };
  add(vhost.findQueue(deadQueueName(name)));
  const queue = vhost.findQueue(name);
  if (queue !== undefined) {
    for (const { retryPolicy } of queue.groups.values())
      if (retryPolicy?.deadLetter !== undefined) add(vhost.findQueue(retryPolicy.deadLetter));
    // A topic's dead letters go by its own name, whichever partition they come from.
    const topic = vhost.topics.topicOf(queue);
    for (const dead of [topic && deadQueueName(topic.name), queue.policy.deadLetterTopic])
      if (dead !== undefined) vhost.topics.find(dead)?.partitions.forEach(add);
    const { deadLetterExchange: exchangeName, deadLetterRoutingKey: key } = queue.policy;
    if (exchangeName === "" && key !== undefined) add(vhost.findQueue(key));
    const exchange = exchangeName === undefined ? undefined : vhost.exchanges.get(exchangeName);
    if (exchange !== undefined) yield* following(vhost, exchange, add);
  }
  return [...places].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** All that an exchange leads to, whatever the key. */
function* following(vhost: Vhost, first: Exchange, add: (place: Queue) => void): Job<void> {
  const seen = new Set<Exchange>();
  const waiting = [first];
  let bindings = 0;
  for (let exchange = waiting.pop(); exchange !== undefined; exchange = waiting.pop()) {
    if (seen.has(exchange)) continue;
    seen.add(exchange);
    const alternate = exchange.alternate === undefined ? undefined : vhost.exchanges.get(exchange.alternate);
    if (alternate !== undefined) waiting.push(alternate);
    for (const { destination } of exchange.bindings.values()) {
      if (destination.kind === "exchange") waiting.push(destination);
      else add(destination);
      if (++bindings === limits.deadBindingsMax) return;
      if (bindings % bindingsOfPiece === 0) yield unitsOfPiece;
    }
  }
}
