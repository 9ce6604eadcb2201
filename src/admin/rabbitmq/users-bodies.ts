/**
 * The JSON bodies of the users' API: what they may say, and what is told of one that says something else.
 *
 *     PUT /api/users/NAME               {"password": "…", "tags": "administrator"}
 *     PUT /api/users/NAME               {"password_hash": "…", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}
 *     PUT /api/permissions/VHOST/NAME   {"configure": ".*", "write": ".*", "read": ".*"}
 *
 * RabbitMQ takes unknown keys and tags in silence, and so it is here, but for one that is a known one mistyped: it would take away a
 * right or give none. RabbitMQ's words for a fault are kept where it has some. Invariant: no answer to a fault holds a password.
 */
import { BrokerError } from "../../base/errors.ts";
import { nearest } from "../../base/text/nearest.ts";
import {
  importedPassword,
  scryptAlgorithm,
  storedPasswordsOf,
  usualAlgorithm,
} from "../../broker/access/imported-password.ts";
import { compilePermission } from "../../broker/access/rule.ts";
import type { ImportedPassword, StoredPassword, VhostPermissions } from "../../broker/access/users.ts";
import { limitsFaults, userLimitNames } from "../../broker/parameters/vhost-limits.ts";
import { badRequest } from "../api/body.ts";
import { type Body, bodyWith } from "./lookups.ts";

/** What a user is to log in with; a text is hashed. `none`: it cannot log in. */
export type WantedPassword =
  | { readonly kind: "text"; readonly password: string }
  | { readonly kind: "imported"; readonly imported: ImportedPassword }
  | { readonly kind: "stored"; readonly passwords: readonly StoredPassword[] }
  | { readonly kind: "none" };

export interface WantedUser {
  readonly password: WantedPassword;
  readonly tags: readonly string[];
  /** Undefined: as they were. */
  readonly limits: Readonly<Record<string, number>> | undefined;
}

/** RabbitMQ's. Others may be given, and mean nothing. */
const knownTags = ["administrator", "monitoring", "policymaker", "management", "impersonator"];
const userKeys = ["password", "password_hash", "hashing_algorithm", "tags", "limits"];

/** The text must name a user. @throws Refusal */
function assertUserName(name: string): void {
  if (name === "" || name.includes("\0")) throw badRequest("a user needs a name");
}

/** @throws Refusal */
export function userIn(name: string, body: Body): WantedUser {
  assertUserName(name);
  checkKeys(body, userKeys, { name });
  const { tags, administrator, limits } = body;
  if (tags === undefined && administrator === undefined) throw badRequest("tags_not_present");
  const faults = limits === undefined ? [] : limitsFaults("user-limits", limits, userLimitNames);
  if (faults.length > 0) throw badRequest(faults.join("; "));
  return {
    password: passwordIn(body),
    tags: tags === undefined ? (isTrue(administrator) ? ["administrator"] : []) : tagsIn(tags),
    limits: limits === undefined ? undefined : { ...(limits as Record<string, number>) },
  };
}

/** Of definitions older than tags. */
function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

function passwordIn(body: Body): WantedPassword {
  const { password, password_hash: hash, hashing_algorithm: algorithm = usualAlgorithm } = body;
  if (password !== undefined && hash !== undefined)
    throw badRequest("both_password_and_password_hash_are_provided");
  if (typeof (password ?? "") !== "string") throw badRequest("password is no text; give it in quotes");
  if (typeof password === "string" && password !== "") return { kind: "text", password };
  if (hash === undefined || hash === "") return { kind: "none" };
  if (typeof hash !== "string" || typeof algorithm !== "string") throw badRequest(["not_base64", hash]);
  const imported = importedPassword(hash, algorithm);
  if (imported === null) throw badRequest(["not_base64", hash]);
  if (algorithm !== scryptAlgorithm) return { kind: "imported", imported };
  const passwords = storedPasswordsOf(imported);
  if (passwords === null) throw badRequest(`password_hash is none of ${scryptAlgorithm}`);
  return { kind: "stored", passwords };
}

/** A list, or a text with commas. */
function tagsIn(given: unknown): readonly string[] {
  const list: unknown[] =
    typeof given === "string" ? given.split(",") : Array.isArray(given) ? given : [null];
  const tags = list.map((tag) => {
    if (typeof tag !== "string") {
      throw badRequest('tags is neither a text such as "management,monitoring" nor a list of texts');
    }
    return tag.trim();
  });
  for (const tag of tags) {
    if (tag === "" || knownTags.includes(tag)) continue;
    const close = nearest(tag, knownTags);
    if (close !== undefined) throw badRequest(`unknown tag ${JSON.stringify(tag)}; did you mean ${close}?`);
  }
  return tags.filter((tag) => tag !== "");
}

/** @throws Refusal */
export function permissionsIn(vhost: string, user: string, given: unknown): VhostPermissions {
  const fields = ["configure", "write", "read"] as const;
  const body = bodyWith(given, []);
  checkKeys(body, fields, { vhost, user, username: user });
  bodyWith(body, fields);
  return {
    configure: patternIn(body, "configure"),
    write: patternIn(body, "write"),
    read: patternIn(body, "read"),
  };
}

/** A regular expression of a permission. @throws Refusal */
export function patternIn(body: Body, field: string): string {
  const value = body[field];
  if (typeof value !== "string") throw badRequest(`${field} is no text; give it in quotes`);
  const fault = patternFault(value);
  if (fault !== null) throw badRequest(`${field}: ${fault}`);
  return value;
}

/** The fault of the pattern, and what to do; null: none. */
function patternFault(pattern: string): string | null {
  try {
    compilePermission(pattern);
    return null;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return error.message;
  }
}

/** `repeated` is what RabbitMQ's clients say once more of the path: then it must be the same. Clients in Go send "" for what they leave out. */
function checkKeys(body: Body, known: readonly string[], repeated: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(body)) {
    if (known.includes(key)) continue;
    if (Object.hasOwn(repeated, key)) {
      if (repeated[key] === value || value === "") continue;
      throw badRequest(`${key} is ${JSON.stringify(value)} in the body and another in the path`);
    }
    const close = nearest(key, known);
    if (close !== undefined) throw badRequest(`unknown key ${JSON.stringify(key)}; did you mean ${close}?`);
  }
}
