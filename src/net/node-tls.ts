/**
 * TLS on Node's sockets. A plain listener accepts, and hands each socket to a TLS server that listens to nothing: so a
 * connection is counted from its first packet, and a new certificate takes the old one's place without closing the port.
 *
 * Invariant: a session begins after the handshake, and after the client's certificate was found good where one is
 * demanded.
 */
import type net from "node:net";
import tls from "node:tls";
import { type Handshake, Handshakes } from "./handshakes.ts";
import type { Door, Listener } from "./listen.ts";
import { connectNode, listenNode } from "./node.ts";
import type { TlsIdentity, TlsMaterial } from "./tls.ts";

/** The deadline of a handshake is ours (handshakes.ts), which is before Node's own. */
function nodeTlsOptions({ options }: TlsMaterial): tls.TlsOptions {
  return { ...options, minVersion: "TLSv1.2" };
}

/** Why a handshake failed: a certificate that was refused is known to the socket only. */
function handshakeReason(error: Error & { reason?: string }, socket: tls.TLSSocket): string {
  const refused = socket.authorizationError as Error | string | null | undefined;
  return String(refused ?? error.reason ?? error.message);
}

export async function listenNodeTls(
  host: string,
  port: number,
  door: Door,
  identity: TlsIdentity,
): Promise<Listener> {
  const handshakes = new Handshakes(door);
  /** By the peer's address, which is all that a plain socket and the TLS socket over it have in common. */
  const byPeer = new Map<string, Handshake>();
  const server = tls.createServer(nodeTlsOptions(identity.current), (socket) => {
    const handshake = byPeer.get(peerOf(socket));
    if (handshake?.end() !== true) {
      // It is closed already.
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    connectNode(handshake.arrival, socket, true);
  });
  server.on("tlsClientError", (error, socket) => {
    byPeer.get(peerOf(socket))?.fail(handshakeReason(error, socket));
    socket.destroy();
  });
  const listener = await listenNode(host, port, door, {
    // No message can be sent before the handshake.
    refusal: undefined,
    onEntered(socket, arrival) {
      const peer = peerOf(socket);
      const remoteHost = socket.remoteAddress ?? "gone";
      // Otherwise, if a peer ended its side, that would be noticed only at the handshake's deadline.
      socket.allowHalfOpen = false;
      const handshake = handshakes.begin(arrival, remoteHost, () => socket.destroy());
      byPeer.set(peer, handshake);
      socket.on("close", () => {
        handshake.fail("the connection broke");
        byPeer.delete(peer);
      });
      server.emit("connection", socket);
    },
  });
  const unwatch = identity.onChange((material) => server.setSecureContext(nodeTlsOptions(material)));
  return {
    port: listener.port,
    close() {
      unwatch();
      listener.close();
      handshakes.dropAll();
    },
  };
}

function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
