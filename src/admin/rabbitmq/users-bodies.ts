/**
 * The JSON bodies of the users' API: what they may say, and what is told of one that says something else.
 *
 *     PUT /api/users/NAME               {"password": "…", "tags": "administrator"}
 *     PUT /api/permissions/VHOST/NAME   {"configure": ".*", "write": ".*", "read": ".*"}
 *
 * RabbitMQ takes unknown keys and tags in silence; here a mistyped one is told, since it would take away a right or give
 * none. Its first word for a fault is kept where it has one. Invariant: no answer holds a password.
 */
import { BrokerError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { compilePermission } from "../../broker/access/rule.ts";
import type { VhostPermissions } from "../../broker/access/users.ts";
import { badRequest } from "../api/body.ts";

export interface WantedUser {
  /** Empty: it cannot log in. */
  readonly password: string;
  readonly tags: readonly string[];
}

type Body = Readonly<Record<string, unknown>>;

/** RabbitMQ's; here only `administrator` and `impersonator` mean something. */
const knownTags = ["administrator", "monitoring", "policymaker", "management", "impersonator"];

/** @throws Refusal */
export function objectIn(value: unknown): Body {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Body;
  throw badRequest('not_json: the body is JSON, but no object such as {"name": "value"}');
}

/** @throws Refusal */
export function userIn(name: string, body: Body): WantedUser {
  if (name === "" || /[\0 ]/.test(name)) throw badRequest("a user needs a name without blanks");
  if ("password_hash" in body) {
    throw badRequest("password_hash is not taken: give the password, it is hashed by scrypt");
  }
  checkKeys(body, ["password", "tags"], { name, hashing_algorithm: undefined });
  const { password = "", tags } = body;
  if (typeof password !== "string") throw badRequest("password is no text; give it in quotes");
  if (tags === undefined) throw badRequest('tags_not_present: give "tags", such as "administrator" or ""');
  return { password, tags: tagsIn(tags) };
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
    const advice = close === undefined ? `tags are ${knownTags.join(", ")}` : `did you mean ${close}?`;
    throw badRequest(`unknown tag ${JSON.stringify(tag)}; ${advice}`);
  }
  return tags.filter((tag) => tag !== "");
}

/** @throws Refusal */
export function permissionsIn(vhost: string, user: string, body: Body): VhostPermissions {
  const fields = ["configure", "write", "read"] as const;
  checkKeys(body, fields, { vhost, user, username: user });
  const pattern = (field: (typeof fields)[number]): string => {
    const value = body[field];
    if (value === undefined) throw badRequest(`key_missing: give "${field}", such as ".*" or ""`);
    if (typeof value !== "string") throw badRequest(`${field} is no text; give it in quotes`);
    const fault = patternFault(value);
    if (fault !== null) throw badRequest(`${field}: ${fault}`);
    return value;
  };
  return { configure: pattern("configure"), write: pattern("write"), read: pattern("read") };
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

/** `repeated` is what RabbitMQ's clients say once more of the path: then it must be the same. */
function checkKeys(body: Body, known: readonly string[], repeated: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(body)) {
    if (known.includes(key)) continue;
    if (Object.hasOwn(repeated, key)) {
      if (repeated[key] === undefined || repeated[key] === value) continue;
      throw badRequest(`${key} is ${JSON.stringify(value)} in the body and another in the path`);
    }
    const close = nearest(key, known);
    const advice = close === undefined ? `there are ${known.join(", ")}` : `did you mean ${close}?`;
    throw badRequest(`unknown key ${JSON.stringify(key)}; ${advice}`);
  }
}
