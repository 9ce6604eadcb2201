/**
 * Makes a WebSocket connection of an HTTP one: the socket stays, what stands on it changes.
 *
 * The new connection has its place among the clients, not among those of HTTP, and belongs to the server of its protocol: so
 * it is counted, bounded, evicted and drained as one that came by that protocol's own port.
 * Loaded with the first upgrade. Invariant: where it answers a refusal, the HTTP connection is as it was.
 */
import type { Timers } from "../../base/clock.ts";
import type { HttpText } from "../../base/http.ts";
import type { NetConnection } from "../connection.ts";
import type { Door } from "../listen.ts";
import { acceptanceOf, chooseName, type Offer, refuse } from "./handshake.ts";
import { WebSocketTransport } from "./transport.ts";

export interface Upgrade {
  readonly connection: NetConnection;
  readonly door: Door;
  readonly timers: Timers;
  readonly offer: Offer;
}

/** Null: it is done. */
export function upgradeConnection({ connection, door, timers, offer }: Upgrade): HttpText | null {
  const { owner, remote } = connection;
  const { webSocket: form } = door.protocol;
  if (owner === null || form === undefined) return refuse(501, "this cannot be spoken over WebSocket");
  const name = chooseName(form, offer.names);
  if (name !== null && typeof name !== "string") return name;
  const guest = door.enter(remote.host, () => connection.destroy());
  if (guest === null) return refuse(503, "as many clients are connected as there may be; try again later");
  // From here on the socket is ours: nothing may fail.
  const { transport: under, unsent } = connection.handOver();
  const answer = Buffer.concat([unsent, acceptanceOf(offer, name)]);
  const transport = new WebSocketTransport(under, form, timers, answer);
  owner.standOn(transport, guest);
  const upgraded = door.accept(transport, guest);
  upgraded.owner = owner;
  transport.start(upgraded);
  return null;
}
