/**
 * The limits of virtual hosts and users on connections and channels, with RabbitMQ's texts, and the counts that they bound.
 *
 * Not here: where limits are kept (broker/parameters, broker/access/users.ts). Invariant: a connection counts from the moment when it
 * opens its virtual host until it releases what it has, and its channels with it.
 */
import { shownName } from "../../../broker/names.ts";
import { limitOf } from "../../../broker/parameters/vhost-limits.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { AmqpError } from "./errors.ts";
import type { AmqpSession } from "./session.ts";

function userLimit({ authorization }: AmqpSession, name: string): number {
  return limitOf(authorization!.user?.limits ?? {}, name);
}

/** Throws NOT_ALLOWED where the virtual host or the user has as many connections as it may have. */
export function assertConnectionRoom(
  session: AmqpSession,
  { name, connections, connectionsMax }: Vhost,
): void {
  const { userName, authorization } = session;
  if (connections.size >= connectionsMax) {
    throw new AmqpError(
      "NOT_ALLOWED",
      `access to vhost '${shownName(name)}' refused for user '${userName}': connection limit (${connectionsMax}) is reached`,
    );
  }
  const userMax = userLimit(session, "max-connections");
  if (authorization!.connections < userMax) return;
  throw new AmqpError(
    "NOT_ALLOWED",
    `connection refused for user '${userName}': user connection limit (${userMax}) is reached`,
  );
}

/** Counts another channel of the connection; what it returns refuses it. */
export function takeChannel(session: AmqpSession): AmqpError | null {
  const { channels, channelMax, userName } = session;
  if (channels.size >= channelMax) {
    return new AmqpError(
      "NOT_ALLOWED",
      `number of channels opened (${channels.size}) has reached the negotiated channel_max (${channelMax})`,
    );
  }
  const userMax = userLimit(session, "max-channels");
  if (session.authorization!.channels < userMax) {
    session.authorization!.channels++;
    return null;
  }
  return new AmqpError(
    "NOT_ALLOWED",
    `number of channels opened for user '${userName}' has reached the maximum allowed user limit of (${userMax})`,
  );
}

/** It has opened its virtual host. */
export function count(session: AmqpSession): void {
  session.authorization!.connections++;
  session.vhost.connections.add(session);
}

/** It releases everything; a second time nothing is left. */
export function discount(session: AmqpSession): void {
  // It may not have opened one.
  const vhost = session.vhost as Vhost | undefined;
  if (vhost?.connections.delete(session) === true) session.authorization!.connections--;
  if (session.channels.size > 0) session.authorization!.channels -= session.channels.size;
}
