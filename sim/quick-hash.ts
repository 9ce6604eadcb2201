/** A hash of passwords that takes no time and no other thread: in the simulator nothing may come from outside. */
import crypto from "node:crypto";
import type { HashPassword } from "../src/broker/access/password-hash.ts";

export const quickHash: HashPassword = (digest, salt, done) => {
  done(crypto.createHash("sha256").update(salt).update(digest).digest());
};
