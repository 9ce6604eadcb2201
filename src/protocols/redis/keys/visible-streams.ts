/**
 * Which streams, queues and keys a Redis client sees in a database. Queues that are exclusive to an AMQP connection are hidden, and
 * those that its user has no right to, as in the other protocols. A string key is shown to every user with Redis rules, as redis
 * does; a user who has only rules of other protocols sees the strings that those rules allow.
 *
 * Each stream that is asked about is a look, also where it is not shown: walks and counts are for jobs (turn-work.ts).
 * Invariants: the cost of `StreamCount` is in proportion to the streams created since it was last asked, not to all streams; it
 * keeps no reference to a deleted stream.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import { type Asker, mayUseChannel, mayUseLog } from "../../../broker/access/rights.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { QueueListener } from "../../../broker/queue/readers.ts";
import type { Vhost } from "../../../broker/vhost.ts";

/** A user who asks, and the virtual host. A command's context is one. */
interface Onlooker {
  readonly caller: Asker & { readonly authorization: Authorization | null };
  readonly vhost: Vhost;
}

/** Null for each that is not shown. */
export function* streamsSeen({ caller, vhost }: Onlooker): Generator<Queue | null> {
  for (const queue of vhost.queues.values()) {
    const isSeen =
      queue.exclusiveOwner === 0 &&
      !vhost.timedDeletions.isDue(queue) &&
      mayUseLog(caller, "describe", vhost, queue.name);
    yield isSeen ? queue : null;
  }
}

/** Whether the caller sees the name of a string key. */
export function seesString({ caller, vhost }: Onlooker, name: string): boolean {
  const { authorization } = caller;
  return authorization!.hasRedisRules || mayUseLog(caller, "describe", vhost, name);
}

/** Whether the caller sees a channel's name. */
export function seesChannel({ caller }: Pick<Onlooker, "caller">, name: string): boolean {
  return (
    caller.authorization!.hasRedisRules ||
    mayUseChannel(caller, "subscribe", name, false) ||
    mayUseChannel(caller, "publish", name, false)
  );
}

/** Counts the streams of a virtual host that are not exclusive to a connection. */
class StreamCount implements QueueListener {
  readonly #counted = new Set<Queue>();
  /** Created since the last count. They are looked at then, since a partition is created before it belongs to its topic. */
  readonly #added = new Set<Queue>();
  readonly #vhost: Vhost;

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
    vhost.queueListeners.add(this);
    for (const queue of vhost.queues.values()) this.queueMade(queue);
  }

  queueMade(queue: Queue): void {
    if (queue.exclusiveOwner === 0) this.#added.add(queue);
  }

  queueDeleted(queue: Queue): void {
    if (!this.#added.delete(queue)) this.#counted.delete(queue);
  }

  /** Of one who sees all. */
  countAll(): number {
    return this.#counted.size + this.#added.size;
  }

  /** Those that have not been asked about are asked about now. */
  *count(isSeen: (queue: Queue) => boolean): Job<number> {
    const piece = new Piece();
    for (const queue of this.#added) {
      this.#added.delete(queue);
      if (isSeen(queue)) this.#counted.add(queue);
      const due = piece.add(unitsOfLook);
      if (due > 0) yield due;
    }
    return this.#counted.size;
  }

  end(): void {
    this.#vhost.queueListeners.delete(this);
  }
}

/** Counts that are kept. Beyond them the oldest is dropped, and counted anew when it is asked for again. */
const countsMax = 64;
/** Whether a user whose rights are limited sees a stream. */
const unitsOfLook = 1;

/** The number of streams that a user sees, for DBSIZE and INFO, without a walk over all of them. */
export class StreamCounts {
  readonly #all = new Map<Vhost, StreamCount>();
  /** For users who do not see all streams, by what the number depends on. */
  readonly #limited = new Map<string, { readonly version: number; readonly count: StreamCount }>();

  all(vhost: Vhost): number {
    let count = this.#all.get(vhost);
    if (count === undefined) this.#all.set(vhost, (count = new StreamCount(vhost)));
    return count.countAll();
  }

  *visible({ caller, vhost }: Onlooker): Job<number> {
    const authorization: Authorization = caller.authorization!;
    if (authorization.allowsAll(vhost.name)) return this.all(vhost);
    const { name, version } = authorization;
    const key = `${name}\n${vhost.name}\n${caller.host}`;
    let found = this.#limited.get(key);
    if (found?.version !== version) {
      this.#drop(key);
      const [oldest] = this.#limited.keys();
      if (this.#limited.size >= countsMax) this.#drop(oldest!);
      this.#limited.set(key, (found = { version, count: new StreamCount(vhost) }));
    }
    return yield* found.count.count((queue) => mayUseLog(caller, "describe", vhost, queue.name));
  }

  #drop(key: string): void {
    this.#limited.get(key)?.count.end();
    this.#limited.delete(key);
  }
}
