/**
 * Which streams and queues a Redis client sees in a database: not those of one AMQP connection alone, and none that its
 * user has no right to. Other protocols hide those names as well; string keys are Redis's alone, and are shown as redis
 * shows them to whoever has Redis's rules, while the user of other protocols' rules sees what those give it.
 *
 * Invariants: `StreamCount` costs as much as there were streams made since it was asked last, not as much as there are; it
 * holds on to none that was deleted.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import { type Asker, mayUseChannel, mayUseLog } from "../../../broker/access/rights.ts";
import type { Queue, QueueListener } from "../../../broker/queue/queue.ts";
import type { Vhost } from "../../../broker/vhost.ts";

/** Who asks, and where: a command's context is one. */
interface Onlooker {
  readonly caller: Asker & { readonly authorization: Authorization | null };
  readonly vhost: Vhost;
}

export function* visibleStreams({ caller, vhost }: Onlooker): Generator<Queue> {
  for (const queue of vhost.queues.values()) {
    if (queue.exclusiveOwner === 0 && mayUseLog(caller, "describe", vhost, queue.name)) yield queue;
  }
}

/** Whether the name of a string key is shown. */
export function seesString({ caller, vhost }: Onlooker, name: string): boolean {
  const { authorization } = caller;
  return authorization!.hasRedisRules || mayUseLog(caller, "describe", vhost, name);
}

/** Whether a channel's name is shown. */
export function seesChannel({ caller }: Pick<Onlooker, "caller">, name: string): boolean {
  return (
    caller.authorization!.hasRedisRules ||
    mayUseChannel(caller, "subscribe", name, false) ||
    mayUseChannel(caller, "publish", name, false)
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

  count(isSeen: (queue: Queue) => boolean): number {
    for (const queue of this.#added) if (isSeen(queue)) this.#counted.add(queue);
    this.#added.clear();
    return this.#counted.size;
  }

  end(): void {
    this.#vhost.queueListeners.delete(this);
  }
}

/** Beyond these the one that was made first is counted anew when it is asked again. */
const countsMax = 64;
const everyStream = (): boolean => true;

/** DBSIZE and INFO: the number of streams that somebody sees, without a walk over them. */
export class StreamCounts {
  readonly #all = new Map<Vhost, StreamCount>();
  /** Of users who do not see all, by what the answer depends on. */
  readonly #limited = new Map<string, { readonly version: number; readonly count: StreamCount }>();

  all(vhost: Vhost): number {
    let count = this.#all.get(vhost);
    if (count === undefined) this.#all.set(vhost, (count = new StreamCount(vhost)));
    return count.count(everyStream);
  }

  visible({ caller, vhost }: Onlooker): number {
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
    return found.count.count((queue) => mayUseLog(caller, "describe", vhost, queue.name));
  }

  #drop(key: string): void {
    this.#limited.get(key)?.count.end();
    this.#limited.delete(key);
  }
}
