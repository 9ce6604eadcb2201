/** The forms of HTTP answers that routes give. */
import type { HttpText } from "../base/http.ts";

export const jsonType = "application/json";

export function json(status: number, value: unknown): HttpText {
  return { status, type: jsonType, body: `${JSON.stringify(value)}\n` };
}

export function refuse(status: number, error: string, reason: unknown): HttpText {
  return json(status, { error, reason });
}

/** It is done, and there is nothing to tell (201, 204). */
export function done(status: 201 | 204): HttpText {
  return { status, type: jsonType, body: "" };
}

/** RabbitMQ's words. */
export function notFound(reason = "Not Found"): HttpText {
  return refuse(404, "Object Not Found", reason);
}

/** Ends a request with an answer that refuses it. */
export class Refusal extends Error {
  readonly answer: HttpText;
  readonly #body: object;

  /**
   * `reason` is a text, or what RabbitMQ shows in its place: an Erlang tuple as a list. `more` are fields of our own, beside RabbitMQ's.
   */
  constructor(status: number, error: string, reason: unknown, more: Readonly<Record<string, string>> = {}) {
    super(typeof reason === "string" ? reason : JSON.stringify(reason));
    this.#body = { error, reason, ...more };
    this.answer = json(status, this.#body);
  }

  /** The same of an entry of a document. */
  ofEntry(entry: string, advice: string): Refusal {
    const { error, reason } = this.#body as { readonly error: string; readonly reason: unknown };
    const refusal = new Refusal(this.answer.status, error, reason, { entry, advice });
    refusal.message = `${entry}: ${this.message}; ${advice}`;
    return refusal;
  }

  /** RabbitMQ's words. */
  static notFound(reason = "Not Found"): Refusal {
    return new Refusal(404, "Object Not Found", reason);
  }
}
