/**
 * Passwords as RabbitMQ keeps them: `base64(salt ‖ hash(salt ‖ password))` with a salt of four bytes, by SHA-256, SHA-512 or, in very old
 * definitions, MD5. Users who come from RabbitMQ log in with them.
 *
 * Such a hash is computed in a microsecond, so whoever steals it guesses quickly: a password that is set here is kept by scrypt instead
 * (password-hash.ts), and is exported under a name of an algorithm that RabbitMQ does not know. Not here: how often a client may try.
 * Invariant: what is compared is compared in constant time.
 */
import crypto from "node:crypto";
import type { ImportedPassword, StoredPassword, User } from "./users.ts";

const saltBytes = 4;

const algorithms: Readonly<Record<string, string>> = {
  rabbit_password_hashing_sha256: "sha256",
  rabbit_password_hashing_sha512: "sha512",
  rabbit_password_hashing_md5: "md5",
};

/** Of our own passwords in definitions; RabbitMQ takes the user and lets it not log in. */
export const scryptAlgorithm = "troikamq_password_hashing_scrypt";
export const usualAlgorithm = "rabbit_password_hashing_sha256";

/** What the first `guest` of every broker has stored: its password is public, and so is RabbitMQ's hash of it. */
export const guestPassword = "guest";
export const guestStored: StoredPassword = {
  salt: "TroikaMQ guest",
  hash: "7jTwYpTNiIsfMgfHXFBNufqla2itHT7Orh5nzIsoKrk=",
};
const guestExported: ImportedPassword = {
  algorithm: usualAlgorithm,
  hash: "VE1RMeAzz2D7tgkXQLlqZLS3NSy0hs6pC3ICvWg4U7MYcL+b",
};

/** Whether any password matches the hash: not where it is that of an empty text, or of an algorithm that is not known. */
export function opensSomething({ algorithm, hash }: ImportedPassword): boolean {
  const isHash = Buffer.from(hash, "base64").length > saltBytes && Object.hasOwn(algorithms, algorithm);
  return isHash && !matches({ algorithm, hash }, "");
}

/** Never of an empty text: RabbitMQ keeps such a hash, and refuses every login with it. */
export function isImportedPassword(imported: ImportedPassword, password: string): boolean {
  return password !== "" && matches(imported, password);
}

function matches({ algorithm, hash }: ImportedPassword, password: string): boolean {
  const name = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
  const stored = Buffer.from(hash, "base64");
  if (name === undefined || stored.length <= saltBytes) return false;
  const salt = stored.subarray(0, saltBytes);
  const computed = crypto.createHash(name).update(salt).update(password).digest();
  const expected = stored.subarray(saltBytes);
  return computed.length === expected.length && crypto.timingSafeEqual(computed, expected);
}

/** Null: it is no base64. */
export function importedPassword(hash: string, algorithm: string): ImportedPassword | null {
  const isBase64 = hash.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(hash);
  return isBase64 ? { algorithm, hash } : null;
}

/** The passwords of a user as definitions have them: the hash in base64, and its algorithm. Several are joined. */
export function exportedPassword({ passwords, importedPassword: imported }: User): ImportedPassword {
  if (imported !== null) return imported;
  if (passwords.some(({ hash }) => hash === guestStored.hash)) return guestExported;
  if (passwords.length === 0) return { algorithm: usualAlgorithm, hash: "" };
  const text = passwords.map(({ salt, hash }) => `${salt}:${hash}`).join(",");
  return { algorithm: scryptAlgorithm, hash: Buffer.from(text).toString("base64") };
}

/** What `exportedPassword` made of our own passwords; null: it is not that. */
export function storedPasswordsOf({ algorithm, hash }: ImportedPassword): StoredPassword[] | null {
  if (algorithm !== scryptAlgorithm) return null;
  const found = Buffer.from(hash, "base64")
    .toString()
    .split(",")
    .map((text) => {
      const [salt, digest, ...others] = text.split(":");
      return salt === undefined || digest === undefined || others.length > 0 ? null : { salt, hash: digest };
    });
  return found.every((each) => each !== null) ? found : null;
}
