/**
 * Where dead letters lie in a virtual host, by what is defined, without looking at messages:
 *
 *     queues that were made for the dead letters of one (`x-dead-letters-of`)
 *     queues and streams that a dead-letter exchange of a queue may lead to, by whichever key
 *     streams of the dead letters of groups (TROIKA.GROUP ... DEADLETTER), topics of those of a topic (troika.deadletter.topic), and streams
 *     whose name ends with `.dead`
 *
 * Not here: what lies there (groups.ts). A queue that is no dead-letter place any more, since the policy that made it one is gone, is not found.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Destination, Exchange } from "../../exchange/exchange.ts";
import { deadLettersOf } from "../../policy/policy.ts";
import type { Queue } from "../../queue/queue.ts";
import { deadQueueName } from "../../retry/dead-queue.ts";
import type { Vhost } from "../../vhost.ts";

const unitsOfQueue = 0.5;
const unitsOfBinding = 0.5;

export function* findingPlaces(vhost: Vhost): Job<readonly Queue[]> {
  const places = new Set<Queue>();
  const exchanges = new Set<Exchange>();
  const piece = new Piece();
  const add = (name: string): void => {
    const found = vhost.findQueue(name);
    if (found !== undefined && found.exclusiveOwner === 0) places.add(found);
  };
  for (const queue of vhost.queues.values()) {
    const { deadLetterExchange, deadLetterRoutingKey, deadLetterTopic, retryLimit } = queue.policy;
    if (queue.args[deadLettersOf] !== undefined) add(queue.name);
    if (deadLetterExchange === "") add(deadLetterRoutingKey ?? queue.name);
    else if (deadLetterExchange !== undefined) {
      const exchange = vhost.exchanges.get(deadLetterExchange);
      if (exchange !== undefined) exchanges.add(exchange);
    }
    if (queue.kind === "stream") {
      if (queue.name.endsWith(deadQueueName(""))) add(queue.name);
      for (const { retryPolicy } of queue.groups.values())
        if (retryPolicy?.deadLetter !== undefined) add(retryPolicy.deadLetter);
      if (retryLimit !== undefined) add(deadQueueName(queue.name));
      if (deadLetterTopic !== undefined)
        for (const { name } of vhost.topics.find(deadLetterTopic)?.partitions ?? []) add(name);
    }
    const due = piece.add(unitsOfQueue + queue.groups.size * unitsOfQueue);
    if (due > 0) yield due;
  }
  // The set grows by the exchanges that these lead to.
  for (const exchange of exchanges) {
    const alternate = exchange.alternate === undefined ? undefined : vhost.exchanges.get(exchange.alternate);
    if (alternate !== undefined) exchanges.add(alternate);
    for (const { name } of vhost.topics.find(exchange.name)?.partitions ?? []) add(name);
    for (const { destination } of exchange.bindings.values()) {
      addDestination(destination, exchanges, add);
      const due = piece.add(unitsOfBinding);
      if (due > 0) yield due;
    }
  }
  return [...places];
}

function addDestination(
  destination: Destination,
  exchanges: Set<Exchange>,
  add: (name: string) => void,
): void {
  if (destination.kind === "exchange") exchanges.add(destination);
  else add(destination.name);
}
