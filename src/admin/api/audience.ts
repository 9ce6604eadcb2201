/**
 * Who may ask what of the API, by RabbitMQ's tags of users, and which virtual hosts a caller sees.
 *
 *     tag             may
 *     management      see and use what is in the virtual hosts where it has permissions
 *     policymaker     the same, and set policies and parameters there
 *     monitoring      the same as management, and see all virtual hosts, connections and nodes
 *     administrator   everything
 *
 * Not here: rights on single queues and exchanges, which are those of every protocol (broker/access/rights.ts).
 */
import { isHiddenVhost } from "../../broker/names.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Vhost } from "../../broker/vhost.ts";
import type { Broker } from "../../broker/broker.ts";
import { Refusal } from "../answers.ts";
import type { Audience } from "./endpoint.ts";

/** By audience, the tags of which a user needs one. */
const tagsOf: Readonly<Record<Exclude<Audience, "anyone">, readonly string[]>> = {
  management: ["management", "policymaker", "monitoring", "administrator"],
  policymaker: ["policymaker", "administrator"],
  monitoring: ["monitoring", "administrator"],
  administrator: ["administrator"],
};

const refusals: Readonly<Record<Exclude<Audience, "anyone">, string>> = {
  management: "Not management user",
  policymaker: "Not policymaker user",
  monitoring: "Not monitor user",
  administrator: "Not administrator user",
};

/** @throws Refusal with RabbitMQ's text */
export function mayAsk(caller: Authorization, audience: Exclude<Audience, "anyone">): void {
  if (!isOf(caller, audience)) throw new Refusal(401, "not_authorised", refusals[audience]);
}

function isOf({ user }: Authorization, audience: Exclude<Audience, "anyone">): boolean {
  return user !== null && tagsOf[audience].some((tag) => user.tags.includes(tag));
}

function isShown({ name }: Vhost): boolean {
  return !isHiddenVhost(name);
}

/** Whether the caller sees the virtual host: its own, or all as an administrator or monitor. */
function sees(caller: Authorization, vhost: Vhost): boolean {
  return isShown(vhost) && (isOf(caller, "monitoring") || caller.hasVhost(vhost.name));
}

export function seenVhosts(broker: Broker, caller: Authorization): Vhost[] {
  return [...broker.vhosts.values()].filter((vhost) => sees(caller, vhost));
}

/**
 * The virtual host that the path names.
 * @throws Refusal where there is none, or the caller has no business there
 */
export function vhostAt(broker: Broker, caller: Authorization, name: string): Vhost {
  const vhost = broker.vhost(Buffer.from(name).toString("latin1"));
  if (vhost === undefined || !isShown(vhost)) throw Refusal.notFound();
  if (!sees(caller, vhost))
    throw new Refusal(401, "not_authorised", "User not authorised to access virtual host");
  return vhost;
}

/** Whether the caller sees what is not its own: all connections, channels, consumers and nodes. */
export function isMonitor(caller: Authorization): boolean {
  return isOf(caller, "monitoring");
}

/** The same as `vhostAt` for what changes things there, whose refusal has other words. */
export function vhostToChange(broker: Broker, caller: Authorization, name: string): Vhost {
  const vhost = broker.vhost(Buffer.from(name).toString("latin1"));
  if (vhost === undefined || !isShown(vhost)) throw new Refusal(404, "not_found", "vhost_not_found");
  return vhostAt(broker, caller, name);
}
