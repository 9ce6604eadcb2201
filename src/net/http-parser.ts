/**
 * Node's HTTP server without its sockets: it parses what a stream is given and writes to it, on both runtimes alike.
 *
 * Not here: when a connection is cut off (http.ts), what is answered (admin/).
 * Invariants: no more of a body is kept than the route's bound, and only if the handler asks for it; of a streamed answer no
 * more than the peer has room for, and one chunk.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import {
  type HttpBody,
  HttpBodyError,
  type HttpHandler,
  type HttpRequest,
  type HttpStream,
  type HttpText,
} from "../base/http.ts";
import { limits } from "../base/limits.ts";
import { type Offer, readOffer, wantsWebSocket } from "./websocket/handshake.ts";

/** The connection, as the parser sees it. */
export interface HttpPeer {
  readonly remoteHost: string;
  /** More bytes may be pushed. */
  wanted(): void;
  /** Calls `done` when there is room for more. */
  write(bytes: Uint8Array, done: () => void): void;
  end(): void;
  destroy(): void;
  /** The head of a request has been read. */
  asked(): void;
  /** From here to `bodyRead` the handler waits for the rest of the body. */
  bodyWanted(): void;
  bodyRead(): void;
  /** This many bytes of a body will be kept; or: this many were taken and are no longer kept. */
  bodyKept(bytesMax: number): void;
  bodyTaken(bytes: number): void;
  /** The answer is a stream. `gone` is called when the peer ends its side, which means, as with proxies, that it has left. */
  streams(gone: () => void): void;
  /** Upgrades the connection to another protocol, or returns the answer to send instead. */
  upgrade(protocol: string, offer: Offer): Promise<HttpText | null>;
  /** The answer to a request is in the output, or will never be. */
  answered(): void;
}

export interface HttpParser {
  open(peer: HttpPeer): Duplex;
}

export function makeHttpParser(handler: HttpHandler): HttpParser {
  const server = createServer(
    {
      maxHeaderSize: limits.httpHeaderBytesMax,
      keepAliveTimeout: keepAliveMs,
      // http.ts bounds the time of a request.
      requestTimeout: 0,
    },
    async (request, response) => {
      const { peer } = request.socket as unknown as PeerStream;
      peer.asked();
      response.once("close", () => peer.answered());
      await answer(handler, peer, request, response);
    },
  );
  // Input that is not HTTP is not logged.
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    const status =
      error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    if (stream.writable) stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    else stream.destroy();
  });
  // CONNECT is for proxies.
  server.on("connect", (_request, stream) => stream.destroy());
  return {
    open(peer) {
      const stream = new PeerStream(peer);
      server.emit("connection", stream);
      return stream;
    },
  };
}

/** The time that clients are told. The connection is kept a little longer, or a request could meet its end. */
const keepAliveMs = 5000;

class PeerStream extends Duplex {
  readonly peer: HttpPeer;

  constructor(peer: HttpPeer) {
    super();
    this.peer = peer;
    // An error of the connection concerns only the peer.
    this.on("error", () => {});
  }

  /** The peer has more unread output than it may. */
  get isFull(): boolean {
    return this.writableLength >= this.writableHighWaterMark;
  }

  /** Resolves when the peer has read it, or is gone. */
  room(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.off("drain", settle);
        this.off("close", settle);
        resolve();
      };
      this.on("drain", settle);
      this.on("close", settle);
    });
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
    // After `end` the connection closes by itself, once the output has left.
    if (!this.writableFinished) this.peer.destroy();
    done(error);
  }
}

/** A request, and the stream for its answer. */
interface Exchange {
  readonly peer: HttpPeer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The body has been read to its end. */
  isRead: boolean;
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
  const exchange = { peer, request, response, isRead: false };
  const given = await handler(requestOf(exchange));
  if ("chunks" in given) return await answerInChunks(exchange, given);
  const answered = "upgradeTo" in given ? await upgrade(exchange, given.upgradeTo) : given;
  if (answered === null) return;
  writeHead(exchange, answered, { "content-length": String(Buffer.byteLength(answered.body)) });
  response.end(request.method === "HEAD" ? undefined : answered.body);
}

function requestOf(exchange: Exchange): HttpRequest {
  const { peer, request } = exchange;
  const { authorization, host, origin, "x-reason": reason } = request.headers;
  return {
    method: request.method ?? "",
    url: request.url ?? "",
    authorization,
    host,
    origin,
    reason: typeof reason === "string" ? reason : undefined,
    wantsWebSocket: wantsWebSocket(request),
    remoteHost: peer.remoteHost,
    body: async (bytesMax = limits.httpBodyBytesMax) => {
      peer.bodyKept(bytesMax);
      return await readBody(readChunks(exchange, bytesMax));
    },
    async *chunks(bytesMax) {
      for await (const chunk of readChunks(exchange, bytesMax)) {
        peer.bodyTaken(chunk.length);
        yield chunk;
      }
    },
  };
}

function writeHead(
  { request, response, isRead }: Exchange,
  { status, type, headers }: Pick<HttpText, "status" | "type" | "headers">,
  more: Record<string, string> = {},
): void {
  const hasBody =
    request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  response.writeHead(status, {
    ...more,
    "content-type": type,
    "cache-control": "no-store",
    ...securityHeaders,
    // After an unread body the next request cannot be found, so the connection ends.
    ...(hasBody && !isRead ? { connection: "close" } : {}),
    ...headers,
  });
}

/** Sends chunks while the peer reads them. If a chunk cannot be made, the answer is cut off, which the client notices. */
async function answerInChunks(exchange: Exchange, given: HttpStream): Promise<void> {
  const { request, response } = exchange;
  const socket = request.socket as unknown as PeerStream;
  writeHead(exchange, given);
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const gone = new AbortController();
  exchange.peer.streams(() => gone.abort());
  gone.signal.addEventListener("abort", () => socket.destroy());
  try {
    for await (const chunk of given.chunks(gone.signal)) {
      response.write(chunk);
      // Node collects the writes of one turn before it passes them to the socket.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      if (socket.isFull && !socket.destroyed) await socket.room();
      if (gone.signal.aborted || socket.destroyed) return;
    }
    response.end();
  } catch {
    // The maker of the chunks has logged the error.
    socket.destroy();
  }
}

async function upgrade({ peer, request }: Exchange, protocol: string): Promise<HttpText | null> {
  const offer = readOffer(request);
  return "key" in offer ? await peer.upgrade(protocol, offer) : offer;
}

/** No answer is a web page: a browser must not run it, frame it, guess its type, or pass on its address. */
const securityHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * Faults that make it doubtful for whom a request is meant, and that a proxy before us may have read differently: no Host or
 * several (RFC 9112 3.2), or a target with its own host. The broker is not a proxy, and no client sends it such a target.
 */
function faultOf({ url = "", rawHeaders, httpVersion }: IncomingMessage): string | null {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === "host") hosts++;
  if (hosts > 1) return "send one Host header";
  if (hosts === 0 && httpVersion !== "1.0") return "send a Host header";
  return url.startsWith("/") ? null : "send the path alone as the request's target";
}

/** Throws HttpBodyError. If the reader stops early, the request stays as it is, and the answer ends the connection. */
async function* readChunks(exchange: Exchange, bytesMax: number): AsyncGenerator<Buffer, void> {
  const { peer, request } = exchange;
  const reader = (request as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  for (let size = 0; ;) {
    peer.bodyWanted();
    let next: IteratorResult<Buffer, unknown>;
    try {
      next = await reader.next();
    } catch {
      throw new HttpBodyError("cut off");
    } finally {
      peer.bodyRead();
    }
    if (next.done === true) break;
    size += next.value.length;
    if (size > bytesMax) throw new HttpBodyError("too long");
    yield next.value;
  }
  exchange.isRead = true;
}

async function readBody(given: AsyncIterable<Buffer>): Promise<HttpBody> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of given) chunks.push(chunk);
  } catch (error) {
    if (error instanceof HttpBodyError) return { fault: error.fault };
    throw error;
  }
  return { text: Buffer.concat(chunks).toString("utf8") };
}
