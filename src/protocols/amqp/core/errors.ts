/**
 * AMQP's reply codes and how the broker's errors become them, with RabbitMQ's texts.
 *
 * Not here: closing anything (session.ts). A code says what it closes: the channel (soft) or the connection (hard),
 * spec 1.2 "reply codes"; 506 is soft in the spec, and RabbitMQ never sends it: here it ends a connection that holds too
 * much memory.
 */
import { BrokerError, type BrokerErrorCode } from "../../../base/errors.ts";
import { fitShortString } from "../../../message/amqp/text.ts";
import type { MethodArguments } from "../wire/methods.ts";

export const replyCode = {
  NO_ROUTE: 312,
  CONNECTION_FORCED: 320,
  ACCESS_REFUSED: 403,
  NOT_FOUND: 404,
  RESOURCE_LOCKED: 405,
  PRECONDITION_FAILED: 406,
  FRAME_ERROR: 501,
  SYNTAX_ERROR: 502,
  COMMAND_INVALID: 503,
  CHANNEL_ERROR: 504,
  UNEXPECTED_FRAME: 505,
  RESOURCE_ERROR: 506,
  NOT_ALLOWED: 530,
  NOT_IMPLEMENTED: 540,
  INTERNAL_ERROR: 541,
} as const;

export type ReplyName = keyof typeof replyCode;

const softCodes = new Set<number>([403, 404, 405, 406]);

/** A reply that closes a channel or the connection. `message` is the detail after the code's name. */
export class AmqpError extends Error {
  readonly reply: ReplyName;

  constructor(reply: ReplyName, detail: string) {
    super(detail);
    this.name = "AmqpError";
    this.reply = reply;
  }

  get code(): number {
    return replyCode[this.reply];
  }

  /** Whether it closes the whole connection, not just the channel. */
  get isHard(): boolean {
    return !softCodes.has(this.code);
  }

  get text(): string {
    return `${this.reply} - ${this.message}`;
  }
}

const replyOfCode: Record<BrokerErrorCode, ReplyName> = {
  MALFORMED: "FRAME_ERROR",
  NOT_FOUND: "NOT_FOUND",
  ALREADY_EXISTS: "PRECONDITION_FAILED",
  PRECONDITION_FAILED: "PRECONDITION_FAILED",
  IN_USE: "RESOURCE_LOCKED",
  ACCESS_REFUSED: "ACCESS_REFUSED",
  INVALID: "PRECONDITION_FAILED",
  LIMIT: "PRECONDITION_FAILED",
  UNAVAILABLE: "INTERNAL_ERROR",
  TAKEN_OVER: "INTERNAL_ERROR",
  CORRUPT: "INTERNAL_ERROR",
};

/** The reply for the client. An unexpected error is a fault of the broker: 541, as RabbitMQ answers for its own. */
export function amqpErrorOf(error: unknown): AmqpError {
  if (error instanceof AmqpError) return error;
  if (error instanceof BrokerError) return new AmqpError(replyOfCode[error.code], error.message);
  return new AmqpError("INTERNAL_ERROR", "an internal error occurred");
}

/** The arguments of connection.close and channel.close: what went wrong, and in which method (its number; 0 for none). */
export function closeArguments(error: AmqpError, method: number): MethodArguments["connection.close"] {
  return {
    replyCode: error.code,
    replyText: fitShortString(error.text),
    classId: method >>> 16,
    methodId: method & 0xffff,
  };
}
