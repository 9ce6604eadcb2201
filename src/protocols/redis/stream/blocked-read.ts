/**
 * XREAD or XREADGROUP with BLOCK that waits for entries: what it waits for, and what it does when a stream may have some.
 *
 * It gets what the first of its streams has that becomes ready, as in redis, though others may have got entries too. Not here: what is
 * read (read.ts), waiting and being served in turn (blocking/).
 */
import type { GroupCursor } from "../../../broker/groups/group-cursor.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { Wait } from "../blocking/wait.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { lookUp } from "./find.ts";
import { IdleWatch } from "./groups/idle-claims.ts";
import { serve, type StreamRead, type WantedStream } from "./read.ts";

/** Of so many streams the one that is ready is looked for without a table. */
const streamsWithoutTable = 8;

export class BlockedRead implements Wait {
  readonly type = "stream";
  readonly timeoutMs: number;
  readonly share: string | null;
  readonly #read: StreamRead;
  #idle: IdleWatch | null = null;
  readonly #byKey: Map<string, WantedStream> | null;

  constructor(read: StreamRead) {
    this.#read = read;
    this.timeoutMs = read.blockMs;
    // Readers of a group take new entries from each other. For idle ones each that claims looks by its own time.
    this.share = read.group ?? null;
    this.#byKey = read.streams.length > streamsWithoutTable ? tableOf(read.streams) : null;
    read.setBlocked();
  }

  began(context: CommandContext, again: (key: string) => void): void {
    const { group, claimIdleMs } = this.#read;
    if (group === undefined || claimIdleMs < 0) return;
    const cursorOf = (key: string): GroupCursor | undefined => streamOf(context, key)?.groups.get(group);
    this.#idle = new IdleWatch(context, { keys: this.keys, minIdleMs: claimIdleMs, cursorOf, again });
  }

  ended(): void {
    this.#idle?.cancel();
  }

  get keys(): string[] {
    return this.#read.streams.map(({ key }) => key);
  }

  #wanted(key: string): WantedStream {
    return (this.#byKey?.get(key) ?? this.#read.streams.find((wanted) => wanted.key === key))!;
  }

  attempt(context: CommandContext, key: string): boolean {
    const { group } = this.#read;
    const queue = streamOf(context, key);
    // XREAD goes on waiting while there is no stream. A group is gone with its stream.
    if (group === undefined && queue === undefined) return false;
    if (group !== undefined) assertGroup(queue, group);
    return serve(context, this.#read, [this.#wanted(key)]);
  }
}

/** Of a stream that is named twice the first mention counts, as in redis. */
function tableOf(streams: readonly WantedStream[]): Map<string, WantedStream> {
  const table = new Map<string, WantedStream>();
  for (const wanted of streams) if (!table.has(wanted.key)) table.set(wanted.key, wanted);
  return table;
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
