/**
 * What an HTTP listener is asked and answers. Not here: sockets (net/http.ts), routes (admin/).
 *
 * An answer is a text, a stream of chunks, or a connection that goes on as another protocol.
 */

export interface HttpText {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Made as fast as the client takes it: the next chunk is asked for when there is room for it. */
export interface HttpStream {
  readonly status: number;
  readonly type: string;
  /** `gone` is aborted when the client is: who waits for something to tell stops waiting. */
  readonly chunks: (gone: AbortSignal) => AsyncIterable<Uint8Array | string>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The connection goes on, over WebSocket, as one of the protocol of that name. */
export interface HttpUpgrade {
  readonly upgradeTo: string;
}

export type HttpAnswer = HttpText | HttpStream | HttpUpgrade;

/** Why there is no whole body: it is longer than its bound, or the connection ended before it. */
export type HttpBodyFault = "too long" | "cut off";

export type HttpBody = { readonly text: string } | { readonly fault: HttpBodyFault };

/** What reading a body in chunks throws. */
export class HttpBodyError extends Error {
  readonly fault: HttpBodyFault;

  constructor(fault: HttpBodyFault) {
    super(`the body is ${fault}`);
    this.fault = fault;
  }
}

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  /** Headers of those names. */
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What RabbitMQ's clients give with a DELETE of a connection: X-Reason. */
  readonly reason?: string | undefined;
  /** The client asks to go on over WebSocket. */
  readonly wantsWebSocket: boolean;
  /** The peer's address. */
  readonly remoteHost: string;
  /** The body as text, of `limits.httpBodyBytesMax` unless the route has a bound of its own. */
  readonly body: (bytesMax?: number) => Promise<HttpBody>;
  /** The body as it comes: the client sends on when a chunk was taken. Throws HttpBodyError. */
  readonly chunks: (bytesMax: number) => AsyncIterable<Buffer>;
}

/** Must not reject. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;
