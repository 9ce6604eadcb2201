/**
 * HTTP on Node's server.
 *
 * Invariant: one connection holds at most `headerBytesMax` of unanswered request, for at most `idleMsMax`.
 */
import { createServer, type Server } from "node:http";
import type { HttpHandler } from "../base/http.ts";
import { headersOf, type HttpListener, idleMsMax } from "./http.ts";

const headerBytesMax = 8192;
const connectionsMax = 256;
const keepAliveMs = 5000;

export async function listenHttpNode(
  address: string,
  port: number,
  handler: HttpHandler,
): Promise<HttpListener> {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: idleMsMax,
      requestTimeout: idleMsMax,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: idleMsMax / 2,
    },
    (request, response) => {
      const { status, type, body, headers } = handler({
        method: request.method ?? "",
        url: request.url ?? "",
        authorization: request.headers.authorization,
        remoteHost: request.socket.remoteAddress ?? "",
      });
      const hasBody =
        request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
      response.writeHead(status, {
        "content-length": Buffer.byteLength(body),
        ...headersOf(type, hasBody),
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
    close: () => closeServer(server),
  };
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // Every answer is given at once, so nothing that is half done is lost here.
    server.closeAllConnections();
  });
}
