/**
 * XREAD or XREADGROUP with BLOCK that waits for entries: what it waits for, and what it does when a stream may have some.
 *
 * It gets what the first of its streams has that becomes ready, as in redis, though others may have got entries too. Not here: what is
 * read (read.ts), waiting and being served in turn (blocking/).
 */
import type { Queue } from "../../../broker/queue/queue.ts";
import type { Wait } from "../blocking/wait.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { lookUp } from "./find.ts";
import { serve, type StreamRead, type WantedStream } from "./read.ts";

export class BlockedRead implements Wait {
  readonly type = "stream";
  readonly timeoutMs: number;
  readonly share: string | null;
  readonly #read: StreamRead;
  readonly #streams = new Map<string, WantedStream>();

  constructor(read: StreamRead) {
    this.#read = read;
    this.timeoutMs = read.blockMs;
    // Readers of a group take entries from each other.
    this.share = read.group ?? null;
    for (const wanted of read.streams)
      if (!this.#streams.has(wanted.key)) this.#streams.set(wanted.key, wanted);
    read.setBlocked();
  }

  get keys(): Iterable<string> {
    return this.#streams.keys();
  }

  attempt(context: CommandContext, key: string): boolean {
    const { group } = this.#read;
    const queue = streamOf(context, key);
    // XREAD goes on waiting while there is no stream. A group is gone with its stream.
    if (group === undefined && queue === undefined) return false;
    if (group !== undefined) assertGroup(queue, group);
    return serve(context, this.#read, [this.#streams.get(key)!]);
  }
}

/** Undefined as well where the key holds something else, or is a queue of one AMQP connection alone. */
function streamOf(context: CommandContext, key: string): Queue | undefined {
  try {
    return lookUp(context, key);
  } catch (error) {
    if (error instanceof RedisError) return undefined;
    throw error;
  }
}

function assertGroup(queue: Queue | undefined, group: string): void {
  if (queue === undefined) throw new RedisError("UNBLOCKED the stream key no longer exists");
  if (!queue.groups.has(group))
    throw new RedisError("NOGROUP the consumer group this client was blocked on no longer exists");
}
