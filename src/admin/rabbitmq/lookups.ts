/** What a path names, or the refusal that says what is not there. */
import type { User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { Refusal } from "../answers.ts";

/** @throws Refusal */
export function userAt(broker: Broker, name: string): User {
  const user = broker.access.users.get(name);
  if (user === undefined) throw Refusal.notFound(`there is no user '${name}'`);
  return user;
}
