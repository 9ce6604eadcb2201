/**
 * Looks at one stream for the clients that wait for it (blocking/), by its log, or for its coming into being.
 *
 * By it they hear of what every protocol appends, of entries that become stable, and of the stream's end. A Redis command that
 * changes a stream also tells at once (`streamChanged`), so that they are served when it is over rather than at the end of the tick.
 * Invariant: it stands with the queue that has the key's name, or with the virtual host while there is none.
 */
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogWaiter } from "../../../broker/queue/readers.ts";
import type { QueueWaiter, Vhost } from "../../../broker/vhost.ts";
import type { BlockedClients } from "../blocking/blocked-clients.ts";
import type { KeyWatch, WaitingKey } from "../blocking/waiting-key.ts";
import type { CommandContext } from "../core/context.ts";

export class StreamWatch implements KeyWatch, LogWaiter, QueueWaiter {
  readonly #vhost: Vhost;
  readonly #waiting: WaitingKey;
  readonly #blocking: BlockedClients;
  #queue: Queue | undefined = undefined;

  constructor(vhost: Vhost, waiting: WaitingKey, blocking: BlockedClients) {
    this.#vhost = vhost;
    this.#waiting = waiting;
    this.#blocking = blocking;
    this.#stand();
  }

  #stand(): void {
    const { key } = this.#waiting;
    this.#queue = this.#vhost.queues.get(key);
    if (this.#queue === undefined) this.#vhost.awaitQueue(key, this);
    else this.#queue.waiters.add(this);
  }

  queueMade(): void {
    this.#stand();
    // A stream that is given this name may have entries.
    this.#blocking.makeReady(this.#waiting);
  }

  logChanged(queue: Queue): void {
    const blocking = this.#blocking;
    blocking.makeReady(this.#waiting);
    // The tick's end tells of what was appended; a deletion is told in the middle of somebody's command.
    if (queue.isDeleted) this.#stand();
    else blocking.serve();
  }

  close(): void {
    if (this.#queue === undefined) this.#vhost.stopAwaitingQueue(this.#waiting.key, this);
    else this.#queue.waiters.delete(this);
  }
}

/** A Redis command has changed the stream: those who wait for it are served when the command is over. */
export function streamChanged({ server, database }: CommandContext, { waiters, name }: Queue): void {
  if (waiters.size > 0) server.blocking.changed("stream", database, name);
}
