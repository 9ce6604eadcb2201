/**
 * The bindings by which a message goes from an exchange to its queues, for its trace: what an explanation says of them, where that is
 * quickly said.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Vhost } from "../../vhost.ts";
import { shownName } from "../../names.ts";
import type { Exchange } from "../exchange.ts";
import type { OutgoingMessage } from "../outgoing-message.ts";
import { factsOfProperties, propertiesOfParts } from "../routing/message-headers.ts";
import { explaining } from "./explain.ts";

/** An exchange with more bindings is not looked at, nor is a way on which all of them are longer work. */
const bindingsMax = 64;
const unitsMax = 400;
const shownMax = 20;

/** For the tracer. */
export const matchedBindings = { of: bindingsOf };

/** Each as `source -> destination (key)`; null where it would take long to say. The default exchange has none. */
function bindingsOf(vhost: Vhost, exchange: Exchange, message: OutgoingMessage): string[] | null {
  if (exchange.name === "") return [];
  if (exchange.bindings.size > bindingsMax) return null;
  const parts = message.asAmqp();
  const key = parts.buffer.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd);
  const properties = propertiesOfParts(parts);
  const found = within(
    explaining(
      vhost,
      exchange,
      key,
      factsOfProperties(() => properties),
    ),
    unitsMax,
  );
  if (found === null) return null;
  return found.bindings
    .filter(({ matched }) => matched)
    .slice(0, shownMax)
    .map(
      ({ source, destination, key: bound }) =>
        `${shownName(source)} -> ${shownName(destination.name)} (${shownName(bound)})`,
    );
}

/** The job's result, if it takes no more units than that. */
function within<Result>(job: Job<Result>, units: number): Result | null {
  for (let left = units; left > 0;) {
    const step = job.next();
    if (step.done === true) return step.value;
    left -= step.value;
  }
  job.return(undefined as Result);
  return null;
}
