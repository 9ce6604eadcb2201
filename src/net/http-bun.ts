/**
 * HTTP on Bun's own server. It refuses headers above 16 KiB by itself; how many connections there are is bounded by
 * the process's descriptors alone, each for `idleMsMax`.
 */
import type { HttpHandler } from "../base/http.ts";
import { headersOf, type HttpListener, idleMsMax } from "./http.ts";

export async function listenHttpBun(
  address: string,
  port: number,
  handler: HttpHandler,
): Promise<HttpListener> {
  const server = Bun.serve({
    hostname: address,
    port,
    idleTimeout: idleMsMax / 1000,
    development: false,
    // Outside of development Bun shares a port with whoever else does: two brokers would each get half of the requests.
    reusePort: false,
    fetch(request, own) {
      const answer = handler({
        method: request.method,
        url: targetOf(request.url),
        authorization: request.headers.get("authorization") ?? undefined,
        remoteHost: own.requestIP(request)?.address ?? "",
      });
      const hasBody = request.headers.has("content-length") || request.headers.has("transfer-encoding");
      return new Response(answer.body, {
        status: answer.status,
        headers: { ...headersOf(answer.type, hasBody), ...answer.headers },
      });
    },
  });
  return { port: server.port!, close: () => server.stop(true) };
}

/** Path and query. Of HTTP/1.0 without a Host, or with one that makes no URL, Bun gives no more than that. */
function targetOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, "");
}
