/**
 * The HTTP listener, on the server that each runtime brings: loading Node's under Bun would take some 4 MB and 10 ms or
 * more.
 *
 * Not here: what is answered (admin/).
 * Invariant: no more of a body is read than `httpBodyBytesMax`, and only if it is asked for; a connection that asks nothing is closed after `idleMsMax`.
 */
import { StartError } from "../base/errors.ts";
import type { HttpHandler } from "../base/http.ts";
import type { TlsIdentity } from "./tls.ts";

export const idleMsMax = 10_000;
/** How often other ports are tried, when a free port of one address family is not free in the other. */
const freePortAttemptsMax = 10;

export interface HttpOptions {
  /** A name or an address; `localhost` is both loopback addresses, the second where there is one. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handler: HttpHandler;
  readonly tls?: HttpTls | null;
}

export interface HttpTls {
  readonly identity: TlsIdentity;
  /** Told where the runtime tells it: Bun's HTTP server does not. */
  readonly onHandshakeFailed: (remoteHost: string, reason: string) => void;
}

export interface HttpListener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Of one address. @throws an error with a `code`, such as `EADDRINUSE` */
type ListenHttp = (
  address: string,
  port: number,
  handler: HttpHandler,
  tls: HttpTls | null,
) => Promise<HttpListener>;

export async function listenHttp({ host, port, handler, tls = null }: HttpOptions): Promise<HttpListener> {
  const listenOn: ListenHttp =
    typeof Bun === "undefined"
      ? (await import("./http-node.ts")).listenHttpNode
      : (await import("./http-bun.ts")).listenHttpBun;
  const listen = (address: string, at: number) =>
    listenOn(address, at, handler, tls).catch((error: NodeJS.ErrnoException) => {
      throw new ListenError(address, at, error.code ?? error.message, tls !== null);
    });
  if (host !== "localhost") return await listen(host, port);
  for (let attempt = 1; ; attempt++) {
    const first = await listen("127.0.0.1", port);
    try {
      const second = await listen("::1", first.port);
      return {
        port: first.port,
        close: async () => void (await Promise.all([first.close(), second.close()])),
      };
    } catch (error) {
      if (isAbsentAddress(error)) return first;
      await first.close();
      if (port !== 0 || attempt === freePortAttemptsMax) throw error;
    }
  }
}

/** A machine without IPv6. */
function isAbsentAddress(error: unknown): boolean {
  return error instanceof ListenError && ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"].includes(error.reason);
}

class ListenError extends StartError {
  readonly reason: string;

  constructor(address: string, port: number, reason: string, isTls: boolean) {
    const what = reason === "EADDRINUSE" ? "is in use" : `cannot be listened on (${reason})`;
    super(
      1,
      isTls
        ? `HTTPS port ${port} of ${address} ${what}; choose another with --http-tls-port`
        : `HTTP port ${port} of ${address} ${what}; choose another with --http-port`,
    );
    this.reason = reason;
  }
}

/** No answer is a page: a browser that is given one shall run, frame, guess at and pass on nothing of it. */
const securityHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** Of every answer. What follows an unread body cannot be told from a request, so the connection ends with it. */
export function headersOf(type: string, hasUnreadBody: boolean): Record<string, string> {
  return {
    "content-type": type,
    "cache-control": "no-store",
    ...securityHeaders,
    ...(hasUnreadBody ? { connection: "close" } : {}),
  };
}
