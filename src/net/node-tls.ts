/**
 * TLS on Node's sockets. A plain listener accepts, and hands each socket to a TLS server that listens to nothing: so a
 * connection is counted from its first packet, and a new certificate takes the old one's place without closing the port.
 *
 * Invariant: a session begins after the handshake, and after the client's certificate was found good where one is
 * demanded.
 */
import type net from "node:net";
import tls from "node:tls";
import { limits } from "../base/limits.ts";
import type { Guest } from "./entrance.ts";
import type { Door, Listener } from "./listen.ts";
import { connectNode, listenNode } from "./node.ts";
import type { TlsIdentity, TlsMaterial } from "./tls.ts";

/** What `node:tls` and `node:https` servers take alike. */
export function nodeTlsOptions({ options }: TlsMaterial): tls.TlsOptions {
  return { ...options, minVersion: "TLSv1.2", handshakeTimeout: limits.tlsHandshakeMsMax };
}

/** Why a handshake failed: a certificate that was refused is known to the socket only. */
export function handshakeReason(error: Error & { reason?: string }, socket: tls.TLSSocket): string {
  const refused = socket.authorizationError as Error | string | null | undefined;
  return String(refused ?? error.reason ?? error.message);
}

export async function listenNodeTls(
  host: string,
  port: number,
  door: Door,
  identity: TlsIdentity,
): Promise<Listener> {
  /** By its peer, which is all that a plain socket and the TLS socket over it have in common. */
  const inHandshake = new Map<string, { readonly socket: net.Socket; readonly guest: Guest }>();
  const server = tls.createServer(nodeTlsOptions(identity.current), (socket) => {
    const peer = peerOf(socket);
    const entered = inHandshake.get(peer);
    inHandshake.delete(peer);
    if (entered === undefined) {
      // It is gone already.
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    connectNode(door, socket, entered.guest, true);
  });
  server.on("tlsClientError", (error, socket) => {
    door.handshakeFailed(socket.remoteAddress ?? "gone", handshakeReason(error, socket));
    socket.destroy();
  });
  const listener = await listenNode(host, port, door, {
    // Nothing can be said before the handshake.
    refusal: undefined,
    onEntered(socket, guest) {
      const peer = peerOf(socket);
      // Nobody would hear of it before the handshake's deadline that a peer has ended its side.
      socket.allowHalfOpen = false;
      inHandshake.set(peer, { socket, guest });
      socket.on("close", () => inHandshake.delete(peer));
      server.emit("connection", socket);
    },
  });
  const unwatch = identity.onChange((material) => server.setSecureContext(nodeTlsOptions(material)));
  return {
    port: listener.port,
    close() {
      unwatch();
      listener.close();
      for (const { socket } of inHandshake.values()) socket.destroy();
    },
  };
}

function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
