/** What is wrong with the arguments of a queue that JSON describes, in the words of queue.declare: for definitions that are imported. */
import { AmqpError } from "../core/errors.ts";
import { checkQueueArguments } from "../commands/queue-arguments.ts";
import { argumentsOf } from "./json-form.ts";

export interface DescribedQueue {
  /** As it is shown, with the virtual host: `queue 'q' in vhost '/'`. */
  readonly what: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Null: a queue can be declared with them. */
export function queueFault({ what, arguments: given }: DescribedQueue): string | null {
  try {
    checkQueueArguments(
      {
        ticket: 0,
        queue: "",
        passive: false,
        durable: true,
        exclusive: false,
        autoDelete: false,
        noWait: false,
        arguments: argumentsOf(given),
      },
      what,
    );
    return null;
  } catch (error) {
    if (error instanceof AmqpError) return error.message;
    throw error;
  }
}
