/**
 * What to give for the settings that are our own, by policy or, with `x-` before the name, by argument: the words of the error for a wrong
 * value, which nobody finds in RabbitMQ's documentation.
 *
 * Not here: the checks (definition-rules.ts; protocols/amqp/commands/queue-arguments.ts). Invariant: each setting of ours that has a check
 * has its words here (test/unit/broker/own-values.test.ts).
 */
import { limits } from "../../base/limits.ts";

const whole = (least: number): string => `give a whole number, ${least} or more`;
const fraction = "give a number from 0 to 1";
const truth = "give true or false, not a text";

const ownValues: Readonly<Record<string, string>> = {
  "history-ms": whole(0),
  "history-bytes": whole(0),
  "retry-limit": whole(1),
  "retry-backoff-ms": whole(0),
  "retry-factor": "give a number from 1 to 1000",
  "retry-max-ms": whole(0),
  "retry-jitter": fraction,
  "retry-keeps-order": truth,
  "delay-allowed": truth,
  "dedup-window-ms": `give a whole number from 0 to ${limits.dedupWindowMsMax}`,
  "dedup-by": "give message-id, key or header:NAME",
  "trace-sample": fraction,
};

/** Undefined: it is no setting of ours. */
export function adviceForValue(name: string): string | undefined {
  return Object.hasOwn(ownValues, name) ? ownValues[name] : undefined;
}
