/**
 * Tells a client by connection.blocked and unblocked that publishers have to wait, or go on again.
 *
 * As in RabbitMQ a connection is told so by what it publishes: some clients send nothing more when they are told, and consumers have to
 * acknowledge, or nothing ever makes room. Not here: when publishers have to wait (broker/publisher-flow.ts). Invariant: each `blocked` is
 * followed by one `unblocked`, before another.
 */
import type { PublisherFlow } from "../../../broker/publisher-flow.ts";
import type { AmqpSession } from "./session.ts";

export class BlockedNotice {
  readonly #session: AmqpSession;
  readonly #flow: PublisherFlow;
  #isTold = false;

  constructor(session: AmqpSession) {
    this.#session = session;
    this.#flow = session.broker.flow;
  }

  /** The session's last frames had a message. */
  published(): void {
    this.#flow.publisherSeen(this.#session.connection);
    if (this.#flow.isBlocked) this.#tell();
  }

  readonly changed = (isBlocked: boolean): void => {
    if (!isBlocked) this.#tellEnd();
    // It waits, or its last frames had the message that there is no room for.
    else if (this.#session.hasPublished || this.#flow.isHeldBack(this.#session.connection)) this.#tell();
  };

  #tell(): void {
    const { state, capabilities } = this.#session;
    if (this.#isTold || state !== "running" || !capabilities.connectionBlocked) return;
    this.#isTold = true;
    this.#session.send(0, "connection.blocked", { reason: this.#flow.blockedReason });
  }

  #tellEnd(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    if (this.#session.state === "running") this.#session.send(0, "connection.unblocked", {});
  }
}
