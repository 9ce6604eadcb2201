/**
 * Tells connections that publishers have to wait, and that they go on: `connection.blocked` and `connection.unblocked`.
 *
 * As in RabbitMQ a connection is told so by what it publishes, and not because others do: some clients send nothing more when they are
 * told, and consumers have to acknowledge, or nothing ever makes room. Not here: who is not read from (broker/publisher-flow.ts).
 * Invariant: what a connection is told alternates, and begins with blocked.
 */
import type { AmqpSession } from "./session.ts";

/** Call this after messages of the connection were taken. */
export function publisherSeen(session: AmqpSession): void {
  const { flow } = session.broker;
  flow.publisherSeen(session.connection);
  if (flow.isBlocked) tellBlocked(session);
}

/** `hasPublished`: the connection's last frames had a message, which may be what there is no room for. */
export function flowChanged(session: AmqpSession, isBlocked: boolean, hasPublished: boolean): void {
  if (!isBlocked) tellUnblocked(session);
  else if (hasPublished || session.broker.flow.isHeldBack(session.connection)) tellBlocked(session);
}

function tellBlocked(session: AmqpSession): void {
  if (session.isToldBlocked || session.state !== "running" || !session.capabilities.connectionBlocked) return;
  session.isToldBlocked = true;
  session.send(0, "connection.blocked", { reason: session.broker.flow.blockedReason });
}

function tellUnblocked(session: AmqpSession): void {
  if (!session.isToldBlocked) return;
  session.isToldBlocked = false;
  if (session.state === "running") session.send(0, "connection.unblocked", {});
}
