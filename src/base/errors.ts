/**
 * The errors that rooms hand to each other. A protocol turns a code into its own reply (see each protocol's
 * `errors.ts`); nobody matches on message texts.
 *
 * Each code says what its reader should do next:
 * - `MALFORMED`: the bytes break the format; close the connection or answer the protocol's syntax error.
 * - `NOT_FOUND`, `ALREADY_EXISTS`, `PRECONDITION_FAILED`, `IN_USE`, `ACCESS_REFUSED`, `INVALID`: the request
 *   cannot be done as asked; tell the client.
 * - `LIMIT`: a bound in `limits.ts` was met; the client may try a smaller request.
 * - `UNAVAILABLE`: storage cannot take writes now (disk full, failed); the client may try again later.
 * - `TAKEN_OVER`: another broker has the data directory; end the process, promise nothing more.
 * - `CORRUPT`: stored bytes failed their checksum; never served, the operator runs `troikamq check`.
 */
export type BrokerErrorCode =
  | "MALFORMED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PRECONDITION_FAILED"
  | "IN_USE"
  | "ACCESS_REFUSED"
  | "INVALID"
  | "LIMIT"
  | "UNAVAILABLE"
  | "TAKEN_OVER"
  | "CORRUPT";

/** An error with a stable code. The message names the operation and the object, and what to do. */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string) {
    super(message);
    this.name = "BrokerError";
    this.code = code;
  }
}

/** A failure of the program itself at start: printed as one clear line, then exit with `exitCode`. */
export class StartError extends Error {
  readonly exitCode: 1 | 2;

  constructor(exitCode: 1 | 2, message: string) {
    super(message);
    this.name = "StartError";
    this.exitCode = exitCode;
  }
}
