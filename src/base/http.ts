/** What an HTTP listener is asked and answers. Not here: sockets (net/http.ts), routes (admin/). */

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type HttpBody = { readonly text: string } | { readonly fault: "too long" | "cut off" };

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  /** Headers of those names. */
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** The peer's address. */
  readonly remoteHost: string;
  /** The body as text, or why there is none: it is longer than `httpBodyBytesMax`, or the connection ended before it. */
  readonly body: () => Promise<HttpBody>;
}

/** A longer body is not read. */
export const httpBodyBytesMax = 64 << 10;

/** Longer headers of a request, all together, are refused. */
export const httpHeaderBytesMax = 8192;

/** Must not reject. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;
