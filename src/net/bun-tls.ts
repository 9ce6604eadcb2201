/**
 * TLS on Bun's sockets. The listening socket is a plain one, and each socket that it accepts is upgraded with the
 * certificate of that moment: one that Bun listens with could not be changed without closing the port.
 *
 * Invariant: a session begins after the handshake, and after the client's certificate was found good where one is
 * demanded; so nothing is written before it and no byte of a stranger reaches a session.
 */
import type { Address } from "../base/connection.ts";
import { Arrival } from "./arrival.ts";
import { BunTransport } from "./bun.ts";
import { type Handshake, Handshakes } from "./handshakes.ts";
import type { Door, Listener } from "./listen.ts";
import type { TlsIdentity, TlsServerOptions } from "./tls.ts";

/** The two objects for one socket: the plain one, and the decrypted one, which alone can end it once it exists. */
interface Faces {
  readonly local: Address;
  readonly handshake: Handshake;
  decrypted: DecryptedSocket | null;
}

/** Null: it was refused. */
type RawSocket = Bun.Socket<Faces | null>;
type DecryptedSocket = Bun.Socket<Faces>;

/** Bun takes the server's side of an upgrade too; its types know the client's only. */
type ServerUpgrade = Bun.TLSUpgradeOptions<Faces> & { readonly isServer: true };

function upgrade(raw: RawSocket, faces: Faces, options: TlsServerOptions): void {
  const { handshake, local } = faces;
  const { arrival } = handshake;
  const socket: Bun.SocketHandler<Faces> = {
    handshake(decrypted, isDone, error) {
      // With a certificate of a wrong authority, Bun 1.4.5 first reports success, and closes the socket afterwards.
      const isGood = isDone && (options.ca === undefined || decrypted.authorized);
      if (!isGood) handshake.fail(error?.message ?? "the client's certificate is not trusted");
      else if (handshake.end()) arrival.connect(new BunTransport(decrypted, local, true));
    },
    data: (_socket, bytes) => arrival.received(bytes),
    drain: () => arrival.drained(),
    end: () => (arrival.isConnected ? arrival.peerEnded() : handshake.fail("the client ended it")),
    close: () => arrival.closed(),
    error: () => arrival.broke(),
  };
  const wanted: ServerUpgrade = { isServer: true, data: faces, tls: options, socket };
  faces.decrypted = raw.upgradeTLS(wanted)[1];
}

export async function listenBunTls(
  host: string,
  port: number,
  door: Door,
  identity: TlsIdentity,
): Promise<Listener> {
  const handshakes = new Handshakes(door);
  const server = Bun.listen<Faces | null>({
    hostname: host,
    port,
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      open(raw) {
        const remoteHost = raw.remoteAddress;
        raw.data = null;
        const arrival = Arrival.enter(door, remoteHost, () => raw.terminate());
        if (arrival === null) {
          raw.terminate();
          return;
        }
        raw.setNoDelay(true);
        // Read now: after the upgrade the socket does not know its port any more.
        const local = { host: raw.localAddress ?? host, port: raw.localPort };
        const drop = (): void => (faces.decrypted ?? raw).terminate();
        const faces: Faces = {
          local,
          handshake: handshakes.begin(arrival, remoteHost, drop),
          decrypted: null,
        };
        raw.data = faces;
        try {
          upgrade(raw, faces, identity.current.options);
        } catch (error) {
          faces.handshake.fail((error as Error).message);
        }
      },
      // Encrypted bytes; the decrypted socket has their content.
      data() {},
      close({ data }) {
        if (data === null) return;
        data.handshake.fail("the connection broke");
        data.handshake.arrival.left();
      },
      error() {},
    },
  });
  return {
    port: server.port,
    close() {
      server.stop();
      handshakes.dropAll();
    },
  };
}
