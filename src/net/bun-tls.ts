/**
 * TLS on Bun's sockets. The listening socket is a plain one, and each socket that it accepts is upgraded with the
 * certificate of that moment: one that Bun listens with could not be changed without closing the port.
 *
 * Invariant: a session begins after the handshake, and after the client's certificate was found good where one is
 * demanded; so nothing is written before it and no byte of a stranger reaches a session.
 */
import { limits } from "../base/limits.ts";
import { BunTransport } from "./bun.ts";
import type { NetConnection } from "./connection.ts";
import type { Door, Listener } from "./listen.ts";
import type { TlsIdentity } from "./tls.ts";

type Timeout = ReturnType<typeof setTimeout>;

/** Shared by the two faces of a socket. Null: it was not let in. */
interface SocketState {
  readonly remoteHost: string;
  /** Null until the handshake is done, and for good where it fails. */
  connection: NetConnection | null;
  readonly deadline: Timeout;
}

/** Bun takes the server's side of an upgrade too; its types know the client's only. */
type ServerUpgrade = Bun.TLSUpgradeOptions<SocketState> & { readonly isServer: true };

export async function listenBunTls(
  host: string,
  port: number,
  door: Door,
  identity: TlsIdentity,
): Promise<Listener> {
  const inHandshake = new Set<Bun.Socket<SocketState | null>>();
  const fail = (raw: Bun.Socket<SocketState | null>, reason: string): void => {
    if (!inHandshake.delete(raw)) return;
    clearTimeout(raw.data!.deadline);
    door.handshakeFailed(raw.data!.remoteHost, reason);
    raw.terminate();
  };

  const upgrade = (raw: Bun.Socket<SocketState | null>, state: SocketState): void => {
    const { options } = identity.current;
    const socket: Bun.SocketHandler<SocketState> = {
      handshake(encrypted, isDone, error) {
        // With a certificate of a wrong authority Bun 1.4.5 says that it is done, and closes the socket afterwards.
        if (!isDone || (options.ca !== undefined && !encrypted.authorized)) {
          return fail(raw, error?.message ?? "not authorized");
        }
        if (!inHandshake.delete(raw)) return;
        clearTimeout(state.deadline);
        const local = { host: raw.localAddress ?? host, port: raw.localPort };
        state.connection = door.accept(new BunTransport(encrypted, local, true));
      },
      data: (_socket, bytes) => state.connection?.received(bytes),
      drain: () => state.connection?.drained(),
      end: () => (state.connection === null ? fail(raw, "the client ended it") : state.connection.end()),
      close: () => state.connection?.closed(),
      error: () => state.connection?.destroy(),
    };
    const wanted: ServerUpgrade = { isServer: true, data: state, tls: options, socket };
    raw.upgradeTLS(wanted);
  };

  const server = Bun.listen<SocketState | null>({
    hostname: host,
    port,
    exclusive: true,
    allowHalfOpen: true,
    socket: {
      open(raw) {
        const remoteHost = raw.remoteAddress;
        raw.data = null;
        if (!door.enter(remoteHost)) {
          raw.terminate();
          return;
        }
        raw.setNoDelay(true);
        const deadline = setTimeout(
          () => fail(raw, `not done within ${limits.tlsHandshakeMsMax} ms`),
          limits.tlsHandshakeMsMax,
        );
        deadline.unref();
        raw.data = { remoteHost, connection: null, deadline };
        inHandshake.add(raw);
        try {
          upgrade(raw, raw.data);
        } catch (error) {
          fail(raw, (error as Error).message);
        }
      },
      // The bytes as they came; the upgraded face has what they mean.
      data() {},
      close(raw) {
        if (raw.data === null) return;
        fail(raw, "the connection broke");
        door.leave(raw.data.remoteHost);
      },
      error() {},
    },
  });
  return {
    port: server.port,
    close() {
      server.stop();
      for (const raw of inHandshake) fail(raw, "the broker is stopping");
    },
  };
}
