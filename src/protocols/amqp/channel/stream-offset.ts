/**
 * Where a stream consumer starts: its argument `x-stream-offset` as an offset of the log.
 *
 *   first | last | next | offset (number) | timestamp (T) | interval such as 10m (units Y M D h m s)
 *
 * Without it a consumer sees only what comes after it, as in RabbitMQ. `last` is RabbitMQ's last chunk; here, the last
 * record. A time finds the first record as new as it.
 */
import { maxAgeMs } from "../../../broker/policy/policy.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { FieldValue } from "../../../message/amqp/table.ts";
import { AmqpError } from "../core/errors.ts";

export function streamStart(queue: Queue, argument: FieldValue | undefined, now: number): number {
  const { log } = queue;
  switch (argument?.type) {
    case undefined:
      return log.stableEnd;
    case "S":
      return startOfText(queue, String(argument.value), now);
    case "T":
      return offsetOfTime(queue, Number(argument.value) * 1000);
    case "b":
    case "B":
    case "s":
    case "u":
    case "I":
    case "i":
    case "l":
    case "L":
      if (Number(argument.value) >= 0) return Number(argument.value);
      throw invalid(String(argument.value));
    default:
      throw invalid(`of type ${argument?.type}`);
  }
}

function startOfText(queue: Queue, text: string, now: number): number {
  const { log } = queue;
  if (text === "first") return log.firstOffset;
  if (text === "last") return Math.max(log.stableEnd - 1, 0);
  if (text === "next") return log.stableEnd;
  const age = maxAgeMs(text);
  if (age === undefined) throw invalid(text);
  return offsetOfTime(queue, now - age);
}

function offsetOfTime(queue: Queue, time: number): number {
  const offset = queue.log.offsetOfTimestamp(time);
  return offset < 0 ? queue.log.stableEnd : offset;
}

function invalid(text: string): AmqpError {
  return new AmqpError(
    "PRECONDITION_FAILED",
    `invalid arg 'x-stream-offset': ${text}; give first, last, next, an offset, a timestamp or an interval`,
  );
}
