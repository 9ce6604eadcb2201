/** What an HTTP listener is asked and answers. Not here: sockets (net/http.ts), routes (admin/). */

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  /** The header of that name. */
  readonly authorization: string | undefined;
  /** The peer's address. */
  readonly remoteHost: string;
}

/** Must not throw. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer;
