/**
 * scrypt over passwords, off the thread that serves everybody. Who is next is decided in hash-queue.ts.
 *
 * The hash is of the SHA-256 of the password in hexadecimal, so that a client may also give us that alone, as Redis's
 * `#hash` does.
 */
import crypto from "node:crypto";
import type { ComputeHash } from "./hash-queue.ts";

export const hashBytes = 32;

/** The simulator and some tests use a quick one. */
export interface PasswordHash {
  /** Takes some 50 ms of this thread: for setting a password, not for checking guesses. */
  now(digest: string, salt: string): Buffer;
  readonly later: ComputeHash;
}

export function passwordDigest(password: string): string {
  return crypto.createHash("sha256").update(password).digest("hex");
}

export const scryptHash: PasswordHash = {
  now: (digest, salt) => crypto.scryptSync(digest, salt, hashBytes),
  later: (digest, salt, done) =>
    crypto.scrypt(digest, salt, hashBytes, (error, hash) => {
      // Without an error Bun gives undefined, Node null.
      done(error instanceof Error ? null : hash);
    }),
};
