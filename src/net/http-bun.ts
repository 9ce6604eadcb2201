/**
 * HTTP on Bun's own server. It refuses headers above 16 KiB by itself; how many connections there are is bounded by
 * the process's descriptors alone, each for `idleMsMax`.
 */
import { httpBodyBytesMax, type HttpHandler } from "../base/http.ts";
import { headersOf, type HttpListener, type HttpTls, idleMsMax } from "./http.ts";

export async function listenHttpBun(
  address: string,
  port: number,
  handler: HttpHandler,
  tls: HttpTls | null,
): Promise<HttpListener> {
  const server = serve(address, port, handler, tls);
  if (tls === null) return { port: server.port!, close: () => server.stop(true) };
  const own = server.port!;
  let current = server;
  const earlier = new Set<BunServer>();
  // Bun's HTTP server keeps the certificate that it began with. So another one takes its port, in the same turn: in some
  // tenths of a millisecond a connection can be refused.
  const unwatch = tls.identity.onChange(() => {
    const old = current;
    earlier.add(old);
    // Its open connections end by themselves, after what they ask or `idleMsMax`.
    void old.stop().then(() => earlier.delete(old));
    current = serve(address, own, handler, tls);
  });
  return {
    port: own,
    async close() {
      unwatch();
      await Promise.all([current, ...earlier].map((each) => each.stop(true)));
    },
  };
}

type BunServer = ReturnType<typeof serve>;

function serve(address: string, port: number, handler: HttpHandler, tls: HttpTls | null) {
  return Bun.serve({
    hostname: address,
    port,
    ...(tls === null ? {} : { tls: tls.identity.current.options }),
    idleTimeout: idleMsMax / 1000,
    development: false,
    // Outside of development Bun shares a port with whoever else does: two brokers would each get half of the requests.
    reusePort: false,
    maxRequestBodySize: httpBodyBytesMax,
    async fetch(request, own) {
      const answer = await handler({
        method: request.method,
        url: targetOf(request.url),
        authorization: request.headers.get("authorization") ?? undefined,
        host: request.headers.get("host") ?? undefined,
        origin: request.headers.get("origin") ?? undefined,
        remoteHost: own.requestIP(request)?.address ?? "",
        body: () => request.text().catch(() => null),
      });
      const hasBody = request.headers.has("content-length") || request.headers.has("transfer-encoding");
      const hasUnreadBody = hasBody && !request.bodyUsed;
      return new Response(answer.body, {
        status: answer.status,
        headers: { ...headersOf(answer.type, hasUnreadBody), ...answer.headers },
      });
    },
  });
}

/** Path and query. Of HTTP/1.0 without a Host, or with one that makes no URL, Bun gives no more than that. */
function targetOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, "");
}
