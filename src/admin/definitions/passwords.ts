/**
 * Passwords that a document of definitions has as text, hashed on other threads before its import: each takes some 50 ms.
 *
 * Not here: what a user's item may say (rabbitmq/users-bodies.ts). Invariant: an item with a fault stays as it is, for the import to
 * refuse.
 */
import type { DefinitionItem, Definitions } from "../../base/definitions/document.ts";
import { exportedPassword } from "../../broker/access/imported-password.ts";
import { passwordDigest } from "../../broker/access/password-hash.ts";
import { newUser } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";

/** Hashes that are computed at once: logins need the other threads. */
const hashesAtOnce = 2;

export async function withHashes({ access }: Broker, document: Definitions): Promise<Definitions> {
  const users: DefinitionItem[] = [...(document.users ?? [])];
  let next = 0;
  const hashOn = async (): Promise<void> => {
    while (next < users.length) {
      const at = next++;
      const { password, ...others } = users[at]!;
      if (typeof password !== "string" || password === "" || others["password_hash"] !== undefined) continue;
      const passwords = [await access.storedPasswordLater(passwordDigest(password))];
      const { hash, algorithm } = exportedPassword({ ...newUser(""), passwords });
      users[at] = { ...others, password_hash: hash, hashing_algorithm: algorithm };
    }
  };
  await Promise.all(Array.from({ length: hashesAtOnce }, hashOn));
  return { ...document, ...(document.users === undefined ? {} : { users }) };
}
