/**
 * HTTP on Node's server.
 *
 * Invariant: one connection holds at most `headerBytesMax` of unanswered request, for at most `idleMsMax`.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from "node:http";
import { httpBodyBytesMax, type HttpHandler } from "../base/http.ts";
import { headersOf, type HttpListener, type HttpTls, idleMsMax } from "./http.ts";

const headerBytesMax = 8192;
const connectionsMax = 256;
const keepAliveMs = 5000;

export async function listenHttpNode(
  address: string,
  port: number,
  handler: HttpHandler,
  tls: HttpTls | null,
): Promise<HttpListener> {
  const create = tls === null ? plainServer : (await import("./https-node.ts")).secureServer(tls);
  const { server, unwatch } = create(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: idleMsMax,
      requestTimeout: idleMsMax,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: idleMsMax / 2,
    },
    async (request, response) => {
      let isRead = false;
      const { status, type, body, headers } = await handler({
        method: request.method ?? "",
        url: request.url ?? "",
        authorization: request.headers.authorization,
        host: request.headers.host,
        origin: request.headers.origin,
        remoteHost: request.socket.remoteAddress ?? "",
        body: async () => {
          const text = await readBody(request);
          isRead = text !== null;
          return text;
        },
      });
      const hasBody =
        request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
      response.writeHead(status, {
        "content-length": Buffer.byteLength(body),
        ...headersOf(type, hasBody && !isRead),
        ...headers,
      });
      response.end(request.method === "HEAD" ? undefined : body);
    },
  );
  server.maxConnections = connectionsMax;
  // A peer that breaks HTTP, or its own connection, is no event for the operator.
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    close: () => {
      unwatch();
      return closeServer(server);
    },
  };
}

/** Makes the server; `unwatch` ends its looking out for a new certificate. */
export type CreateServer = (
  options: ServerOptions,
  listener: RequestListener,
) => { readonly server: Server; readonly unwatch: () => void };

const plainServer: CreateServer = (options, listener) => ({
  server: createServer(options, listener),
  unwatch() {},
});

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > httpBodyBytesMax) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // Every answer is given at once, so nothing that is half done is lost here.
    server.closeAllConnections();
  });
}
