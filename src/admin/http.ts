/**
 * The HTTP listener: connections and their bounds. What is answered is routes.ts's.
 *
 * Invariant: one connection holds at most `headerBytesMax` of unanswered request, for at most
 * `requestMsMax`; a request's body is never read.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import { StartError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { answer } from "./routes.ts";
import type { Answer, Site } from "./routes.ts";

const headerBytesMax = 8192;
const connectionsMax = 256;
const requestMsMax = 10_000;
const keepAliveMs = 5000;
/** How often other ports are tried, when a free port of one address family is not free in the other. */
const freePortAttemptsMax = 10;

export interface HttpOptions extends Site {
  /** A name or an address; `localhost` is both loopback addresses, the second where there is one. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
}

export interface HttpListener {
  readonly port: number;
  readonly close: () => Promise<void>;
}

export async function startHttp(options: HttpOptions): Promise<HttpListener> {
  const { host, logger } = options;
  const servers =
    host === "localhost" ? await listenOnLoopback(options) : [await listen(options, host, options.port)];
  const port = portOf(servers[0]!);
  logger.info("http listens", { host, port });
  return {
    port,
    close: async () => {
      await Promise.all(servers.map(closeServer));
    },
  };
}

async function listenOnLoopback(options: HttpOptions): Promise<Server[]> {
  for (let attempt = 1; ; attempt++) {
    const first = await listen(options, "127.0.0.1", options.port);
    try {
      return [first, await listen(options, "::1", portOf(first))];
    } catch (error) {
      if (isAbsentAddress(error)) return [first];
      await closeServer(first);
      if (options.port !== 0 || attempt === freePortAttemptsMax) throw error;
    }
  }
}

/** A machine without IPv6. */
function isAbsentAddress(error: unknown): boolean {
  return error instanceof ListenError && ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"].includes(error.reason);
}

class ListenError extends StartError {
  readonly reason: string;

  constructor(address: string, port: number, reason: string) {
    const what = reason === "EADDRINUSE" ? "is in use" : `cannot be listened on (${reason})`;
    super(1, `HTTP port ${port} of ${address} ${what}; choose another with --http-port`);
    this.reason = reason;
  }
}

async function listen(options: HttpOptions, address: string, port: number): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: requestMsMax,
      requestTimeout: requestMsMax,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: requestMsMax / 2,
    },
    (request, response) => {
      const { status, type, body, headers } = answerOrFail(options, request.method ?? "", request.url ?? "");
      response.writeHead(status, {
        "content-type": type,
        "content-length": Buffer.byteLength(body),
        "cache-control": "no-store",
        // What follows an unread body cannot be told from a request.
        ...(hasBody(request.headers) ? { connection: "close" } : {}),
        ...headers,
      });
      response.end(request.method === "HEAD" ? undefined : body);
    },
  );
  server.maxConnections = connectionsMax;
  // A peer that breaks HTTP, or its own connection, is no event for the operator.
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new ListenError(address, port, error.code ?? error.message));
    });
    server.listen(port, address, resolve);
  });
  return server;
}

/** A fault in what is looked at must not end the broker that it looks at. */
function answerOrFail(options: HttpOptions, method: string, url: string): Answer {
  try {
    return answer(options, method, url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    options.logger.error("http answer failed", { method, url, reason });
    return {
      status: 500,
      type: "application/json",
      body: `${JSON.stringify({ error: "internal", reason })}\n`,
    };
  }
}

function hasBody(headers: Record<string, unknown>): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // Every answer is given at once, so nothing that is half done is lost here.
    server.closeAllConnections();
  });
}
