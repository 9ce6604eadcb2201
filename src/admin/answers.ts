/** The forms of HTTP answers that routes give. */
import type { HttpText } from "../base/http.ts";

export function json(status: number, value: unknown): HttpText {
  return { status, type: "application/json", body: `${JSON.stringify(value)}\n` };
}

/** RabbitMQ's reason is a text, or an Erlang tuple as a list. */
export type Reason = string | readonly unknown[];

export function refuse(status: number, error: string, reason: Reason): HttpText {
  return json(status, { error, reason });
}

/** It is done, and there is nothing to tell (201, 204). */
export function done(status: 201 | 204): HttpText {
  return { status, type: "application/json", body: "" };
}

/** RabbitMQ's word, and what it is that is not there. */
export function notFound(reason: string): HttpText {
  return refuse(404, "Object Not Found", reason);
}

/** Ends a request with an answer that refuses it. */
export class Refusal extends Error {
  readonly answer: HttpText;

  constructor(status: number, error: string, reason: Reason) {
    super(typeof reason === "string" ? reason : JSON.stringify(reason));
    this.answer = refuse(status, error, reason);
  }

  /** RabbitMQ's word, and what it is that is not there. */
  static notFound(reason: string): Refusal {
    return new Refusal(404, "Object Not Found", reason);
  }
}
