/**
 * TLS on Bun's sockets. The listening socket is a plain one, and each socket that it accepts is upgraded with the
 * certificate of that moment: one that Bun listens with could not be changed without closing the port.
 *
 * Invariant: a session begins after the handshake, and after the client's certificate was found good where one is
 * demanded; so nothing is written before it and no byte of a stranger reaches a session.
 */
import type { Address } from "../base/connection.ts";
import { limits } from "../base/limits.ts";
import { BunTransport } from "./bun.ts";
import type { NetConnection } from "./connection.ts";
import type { Guest } from "./entrance.ts";
import type { Door, Listener } from "./listen.ts";
import type { TlsIdentity } from "./tls.ts";

type Timeout = ReturnType<typeof setTimeout>;

/** Shared by the two faces of a socket: as it came, and decrypted. */
interface SocketState {
  readonly local: Address;
  readonly remoteHost: string;
  readonly guest: Guest;
  readonly deadline: Timeout;
  /** The decrypted face, which alone can end the socket once there is one. Null until then. */
  decrypted: Bun.Socket<SocketState> | null;
  /** Null until the handshake is done, and for good where it fails. */
  connection: NetConnection | null;
}

/** Null: it was not let in. */
type RawSocket = Bun.Socket<SocketState | null>;

/** Bun takes the server's side of an upgrade too; its types know the client's only. */
type ServerUpgrade = Bun.TLSUpgradeOptions<SocketState> & { readonly isServer: true };

export async function listenBunTls(
  host: string,
  port: number,
  door: Door,
  identity: TlsIdentity,
): Promise<Listener> {
  const inHandshake = new Map<SocketState, RawSocket>();
  const endHandshake = (state: SocketState): boolean => {
    clearTimeout(state.deadline);
    return inHandshake.delete(state);
  };
  const drop = (raw: RawSocket, state: SocketState): void => {
    if (endHandshake(state)) (state.decrypted ?? raw).terminate();
  };
  const fail = (raw: RawSocket, state: SocketState, reason: string): void => {
    if (inHandshake.has(state)) door.handshakeFailed(state.remoteHost, reason);
    drop(raw, state);
  };

  const upgrade = (raw: RawSocket, state: SocketState): void => {
    const { options } = identity.current;
    const socket: Bun.SocketHandler<SocketState> = {
      handshake(decrypted, isDone, error) {
        // With a certificate of a wrong authority Bun 1.4.5 says that it is done, and closes the socket afterwards.
        const isGood = isDone && (options.ca === undefined || decrypted.authorized);
        if (!isGood) fail(raw, state, error?.message ?? "the client's certificate is not trusted");
        else if (endHandshake(state)) {
          state.connection = door.accept(new BunTransport(decrypted, state.local, true), state.guest);
        }
      },
      data: (_socket, bytes) => state.connection?.received(bytes),
      drain: () => state.connection?.drained(),
      end: () =>
        state.connection === null ? fail(raw, state, "the client ended it") : state.connection.peerEnded(),
      close: () => state.connection?.closed(),
      error: () => state.connection?.destroy(),
    };
    const wanted: ServerUpgrade = { isServer: true, data: state, tls: options, socket };
    state.decrypted = raw.upgradeTLS(wanted)[1];
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
        const guest = door.enter(remoteHost, () => raw.terminate());
        if (guest === null) {
          raw.terminate();
          return;
        }
        raw.setNoDelay(true);
        const expire = (): void => fail(raw, state, `not done within ${limits.tlsHandshakeMsMax} ms`);
        const deadline = setTimeout(expire, limits.tlsHandshakeMsMax);
        deadline.unref();
        // Asked now: an upgraded socket knows its port no more.
        const local = { host: raw.localAddress ?? host, port: raw.localPort };
        const state: SocketState = { local, remoteHost, guest, deadline, decrypted: null, connection: null };
        guest.drop = () => drop(raw, state);
        raw.data = state;
        inHandshake.set(state, raw);
        try {
          upgrade(raw, state);
        } catch (error) {
          fail(raw, state, (error as Error).message);
        }
      },
      // The bytes as they came; the decrypted face has what they mean.
      data() {},
      close(raw) {
        const state = raw.data;
        if (state === null) return;
        fail(raw, state, "the connection broke");
        state.guest.leave();
      },
      error() {},
    },
  });
  return {
    port: server.port,
    close() {
      server.stop();
      for (const [state, raw] of inHandshake) drop(raw, state);
    },
  };
}
