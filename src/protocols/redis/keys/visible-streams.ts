/**
 * Which streams and queues a Redis client sees in a database: not those of one AMQP connection alone, and none that its
 * user has no right to. Other protocols hide those names as well; string keys are Redis's alone, and are shown as redis
 * shows them to whoever has Redis's rules, while the user of other protocols' rules sees what those give it.
 *
 * Each stream that is asked about is a look, also where it is not shown: walks and counts are for jobs (turn-work.ts).
 * Invariants: `StreamCount` costs as much as there were streams made since it was asked last, not as much as there are; it
 * holds on to none that was deleted.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import { mayUseChannel, mayUseLog } from "../../../broker/access/rights.ts";
import type { Queue, QueueListener } from "../../../broker/queue/queue.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { CommandContext } from "../core/context.ts";
import { Piece } from "../core/sliced-reply.ts";

/** Null for each that is not shown. */
export function* streamsSeen({ session, vhost }: CommandContext): Generator<Queue | null> {
  for (const queue of vhost.queues.values()) {
    const isSeen = queue.exclusiveOwner === 0 && mayUseLog(session, "describe", vhost, queue.name);
    yield isSeen ? queue : null;
  }
}

/** Whether the name of a string key is shown. */
export function seesString({ session, vhost }: CommandContext, name: string): boolean {
  const { authorization } = session;
  return authorization!.hasRedisRules || mayUseLog(session, "describe", vhost, name);
}

/** Whether a channel's name is shown. */
export function seesChannel({ session }: CommandContext, name: string): boolean {
  return (
    session.authorization!.hasRedisRules ||
    mayUseChannel(session, "subscribe", name, false) ||
    mayUseChannel(session, "publish", name, false)
  );
}

/** How many streams of a virtual host are counted, among those that no connection has for itself. */
class StreamCount implements QueueListener {
  readonly #counted = new Set<Queue>();
  /** Not asked about yet: a partition is made before it belongs to its topic. */
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

/** Beyond these the one that was made first is counted anew when it is asked again. */
const countsMax = 64;
/** Whether a user whose rights are limited sees a stream. */
const unitsOfLook = 1;

/** DBSIZE and INFO: the number of streams that somebody sees, without a walk over them. */
export class StreamCounts {
  readonly #all = new Map<Vhost, StreamCount>();
  /** Of users who do not see all, by what the answer depends on. */
  readonly #limited = new Map<string, { readonly version: number; readonly count: StreamCount }>();

  all(vhost: Vhost): number {
    let count = this.#all.get(vhost);
    if (count === undefined) this.#all.set(vhost, (count = new StreamCount(vhost)));
    return count.countAll();
  }

  *visible({ session, vhost }: CommandContext): Job<number> {
    const authorization: Authorization = session.authorization!;
    if (authorization.allowsAll(vhost.name)) return this.all(vhost);
    const { name, version } = authorization;
    const key = `${name}\n${vhost.name}\n${session.host}`;
    let found = this.#limited.get(key);
    if (found?.version !== version) {
      this.#drop(key);
      const [oldest] = this.#limited.keys();
      if (this.#limited.size >= countsMax) this.#drop(oldest!);
      this.#limited.set(key, (found = { version, count: new StreamCount(vhost) }));
    }
    return yield* found.count.count((queue) => mayUseLog(session, "describe", vhost, queue.name));
  }

  #drop(key: string): void {
    this.#limited.get(key)?.count.end();
    this.#limited.delete(key);
  }
}
