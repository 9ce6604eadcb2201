/** What a path names, or the refusal that says what is not there, in RabbitMQ's words; and what a body must have. */
import { isHiddenVhost } from "../../broker/names.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { Refusal } from "../answers.ts";
import { vhostAt } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { brokerName } from "./names.ts";

export type Body = Readonly<Record<string, unknown>>;

export function objectNotFound(): Refusal {
  return Refusal.notFound("Not Found");
}

/** @throws Refusal */
export function userAt(broker: Broker, name: string): User {
  const user = broker.access.users.get(name);
  if (user === undefined) throw objectNotFound();
  return user;
}

/** The virtual host that a text names; not one of the broker's own. */
export function namedVhost(broker: Broker, text: string): Vhost | undefined {
  return isHiddenVhost(text) ? undefined : broker.vhost(brokerName(text));
}

/** The virtual host of a request that changes something there. @throws Refusal, with `refusal` for who may not */
export function changedVhostAt(broker: Broker, caller: Authorization, name: string, refusal?: string): Vhost {
  if (namedVhost(broker, name) === undefined) throw new Refusal(404, "not_found", "vhost_not_found");
  return vhostAt(broker, caller, name, refusal);
}

/** The virtual host of a request that looks. @throws Refusal, with `refusal` for who may not */
export function lookedVhostAt(broker: Broker, caller: Authorization, name: string, refusal?: string): Vhost {
  if (namedVhost(broker, name) === undefined) throw objectNotFound();
  return vhostAt(broker, caller, name, refusal);
}

export function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The body, if it is an object with these keys. @throws Refusal that names all that are missing */
export function bodyWith(value: unknown, keys: readonly string[]): Body {
  if (!isBody(value)) throw badRequest("not_json");
  const missing = keys.filter((key) => value[key] === undefined);
  if (missing.length === 0) return value;
  throw badRequest(`[${missing.map((key) => `{key_missing,${key}}`).join(",")}]`);
}

/** RabbitMQ escapes texts that a page may show. */
export function escapedHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
