/**
 * Node's HTTP server without its sockets: it parses what a stream is given and writes to it, on both runtimes alike.
 *
 * Not here: when a connection is cut off (http.ts), what is answered (admin/).
 * Invariant: no more of a body is kept than `httpBodyBytesMax`, and only if the handler asks for it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { httpBodyBytesMax, httpHeaderBytesMax, type HttpHandler, type HttpBody } from "../base/http.ts";

/** A connection, as the parser sees it. */
export interface HttpPeer {
  readonly remoteHost: string;
  /** More bytes may be pushed. */
  wanted(): void;
  /** Calls `done` when there is room for more. */
  write(bytes: Uint8Array, done: () => void): void;
  end(): void;
  destroy(): void;
  /** A request's head is there. */
  asked(): void;
  /** From here to `bodyRead` its handler waits for what the peer has still to send. */
  bodyWanted(): void;
  bodyRead(): void;
  /** The answer to one is in the output, or will never be. */
  answered(): void;
}

export interface HttpParser {
  open(peer: HttpPeer): Duplex;
}

export function makeHttpParser(handler: HttpHandler): HttpParser {
  const server = createServer(
    { maxHeaderSize: httpHeaderBytesMax, keepAliveTimeout: keepAliveMs },
    async (request, response) => {
      const { peer } = request.socket as unknown as PeerStream;
      peer.asked();
      response.once("close", () => peer.answered());
      await answer(handler, peer, request, response);
    },
  );
  // Bytes that are no HTTP are no event for the operator.
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    const status =
      error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    if (stream.writable) stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    else stream.destroy();
  });
  // Proxies are asked to CONNECT.
  server.on("connect", (_request, stream) => stream.destroy());
  return {
    open(peer) {
      const stream = new PeerStream(peer);
      server.emit("connection", stream);
      return stream;
    },
  };
}

/** What clients are told; the connection is kept a little longer, or a request could meet its end. */
const keepAliveMs = 5000;

class PeerStream extends Duplex {
  readonly peer: HttpPeer;

  constructor(peer: HttpPeer) {
    super();
    this.peer = peer;
    // A broken connection is the peer's own affair.
    this.on("error", () => {});
  }

  override _read(): void {
    this.peer.wanted();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.peer.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.peer.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // After `end` the connection closes by itself, once what was written has left.
    if (!this.writableFinished) this.peer.destroy();
    done(error);
  }
}

async function answer(
  handler: HttpHandler,
  peer: HttpPeer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fault = faultOf(request);
  if (fault !== null) {
    response.writeHead(400, { ...securityHeaders, "content-type": "text/plain", connection: "close" });
    response.end(`${fault}\n`);
    return;
  }
  let isRead = false;
  const { authorization, host, origin } = request.headers;
  const { status, type, body, headers } = await handler({
    method: request.method ?? "",
    url: request.url ?? "",
    authorization,
    host,
    origin,
    remoteHost: peer.remoteHost,
    body: async () => {
      peer.bodyWanted();
      const read = await readBody(request);
      peer.bodyRead();
      isRead = "text" in read;
      return read;
    },
  });
  const hasBody =
    request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  response.writeHead(status, {
    "content-length": Buffer.byteLength(body),
    "content-type": type,
    "cache-control": "no-store",
    ...securityHeaders,
    // What follows an unread body cannot be told from a request, so the connection ends with it.
    ...(hasBody && !isRead ? { connection: "close" } : {}),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** No answer is a page: a browser that is given one shall run, frame, guess at and pass on nothing of it. */
const securityHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * What makes it doubtful whom a request is meant for, which a proxy before us may have read otherwise: no Host or several
 * (RFC 9112 3.2), or a target with a host of its own. We are no proxy, and no client of ours sends such a target.
 */
function faultOf({ url = "", rawHeaders, httpVersion }: IncomingMessage): string | null {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === "host") hosts++;
  if (hosts > 1) return "send one Host header";
  if (hosts === 0 && httpVersion !== "1.0") return "send a Host header";
  return url.startsWith("/") ? null : "send the path alone as the request's target";
}

async function readBody(request: IncomingMessage): Promise<HttpBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > httpBodyBytesMax) return { fault: "too long" };
      chunks.push(chunk);
    }
  } catch {
    return { fault: "cut off" };
  }
  return { text: Buffer.concat(chunks).toString("utf8") };
}
