/**
 * scrypt over passwords, off the thread that serves everybody, a few at a time.
 *
 * The hash is of the SHA-256 of the password in hexadecimal, so that a client may also give us that alone, as Redis's
 * `#hash` does. Invariant: never more than `runningMax` are computed at once, nor more than `waitingMax` wait.
 */
import crypto from "node:crypto";

export const hashBytes = 32;
const runningMax = 2;
const waitingMax = 256;

/** The simulator and some tests have a quick one of their own. */
export interface PasswordHash {
  /** Takes some 50 ms of this thread: for whoever sets a password, not for who guesses at one. */
  now(digest: string, salt: string): Buffer;
  /** Gives it, now or later; null where too many wait. */
  inTurn(digest: string, salt: string, done: (hash: Buffer | null) => void): void;
}

export function passwordDigest(password: string): string {
  return crypto.createHash("sha256").update(password).digest("hex");
}

export function scryptHash(): PasswordHash {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    now: (digest, salt) => crypto.scryptSync(digest, salt, hashBytes),
    inTurn: (digest, salt, done) => {
      const run = (): void => {
        running++;
        crypto.scrypt(digest, salt, hashBytes, (error, hash) => {
          running--;
          waiting.shift()?.();
          // Without an error Bun gives undefined, Node null.
          done(error instanceof Error ? null : hash);
        });
      };
      if (running < runningMax) run();
      else if (waiting.length < waitingMax) waiting.push(run);
      else done(null);
    },
  };
}
