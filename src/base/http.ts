/** What an HTTP listener is asked and answers. Not here: sockets (net/http.ts), routes (admin/). */

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Must not throw. @param url path and query, as they came */
export type HttpHandler = (method: string, url: string) => HttpAnswer;
