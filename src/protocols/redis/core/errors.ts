/**
 * The errors of Redis commands, with redis's texts, and how the broker's own errors are told to a Redis client.
 *
 * Handlers throw `RedisError`; the dispatch turns it into one error reply, whatever had been written of another one.
 */
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";

/** An error reply; the message begins with its code word. */
export class RedisError extends Error {
  constructor(text: string) {
    super(text);
    this.name = "RedisError";
  }
}

export const errorTexts = {
  syntax: "ERR syntax error",
  notInteger: "ERR value is not an integer or out of range",
  wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value",
  noSuchKey: "ERR no such key",
  noScript: "ERR This Redis command is not allowed from script",
  noSuchScript: "NOSCRIPT No matching script. Please use EVAL.",
  busy: {
    script: "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    function: "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
  },
  noReplicas: "NOREPLICAS Not enough good replicas to write.",
  outOfMemory: "OOM command not allowed when used memory > 'maxmemory'.",
  noAuth: "NOAUTH Authentication required.",
  wrongPassword: "WRONGPASS invalid username-password pair or user is disabled.",
  invalidStreamId: "ERR Invalid stream ID specified as stream command argument",
} as const;

export function syntaxError(): RedisError {
  return new RedisError(errorTexts.syntax);
}

export function wrongArity(fullName: string): RedisError {
  return new RedisError(`ERR wrong number of arguments for '${fullName}' command`);
}

/** `maxmemory` is reached, and no key can go. */
export function outOfMemory(): RedisError {
  return new RedisError(errorTexts.outOfMemory);
}

/** For a reply above `redisReplyBytesMax`. */
export function replyTooLarge(): RedisError {
  const mebibytes = limits.redisReplyBytesMax >> 20;
  return new RedisError(
    `ERR the reply would be larger than ${mebibytes} MiB; ask for less, by COUNT or by fewer keys`,
  );
}

/** A queue with `x-overflow=reject-publish` is at its bound. */
export function queueFull(name: string): RedisError {
  return new RedisError(`ERR queue '${name}' is full: it rejects publishes until something is consumed`);
}

/** The error text that a client gets for what a handler threw; undefined if it is a bug in this program. */
export function errorReplyText(error: unknown): string | undefined {
  if (error instanceof RedisError) return error.message;
  if (!(error instanceof BrokerError)) return undefined;
  switch (error.code) {
    case "UNAVAILABLE":
      // Redis's code for a failing disk: client libraries keep the connection on it.
      return `MISCONF ${error.message}`;
    case "ACCESS_REFUSED":
      return `NOPERM ${error.message}`;
    case "ALREADY_EXISTS":
      // The name belongs to something else: to a Redis client that is a key of another type.
      return `WRONGTYPE ${error.message}`;
    default:
      return `ERR ${error.message}`;
  }
}
