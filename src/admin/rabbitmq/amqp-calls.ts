/**
 * Calls of AMQP on behalf of the caller, and how what they throw is answered, in RabbitMQ's words.
 *
 * Not here: the calls (api/surroundings.ts). Invariant: a channel is closed when its request is answered.
 */
import { BrokerError } from "../../base/errors.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { Refusal } from "../answers.ts";
import { vhostAt } from "../api/audience.ts";
import type { Asked } from "../api/endpoint.ts";
import { namedVhost } from "./lookups.ts";
import type { AmqpCalls } from "../api/surroundings.ts";

/** What a channel or connection was closed with. */
interface AmqpFault {
  readonly code: number;
  readonly message: string;
  readonly isHard: boolean;
}

/** How a fault is told: `change` for what declares, binds and deletes, `channel` for messages. */
type Manner = "change" | "channel" | "publish";

const accessRefused = 403;
const missing = 404;

function isAmqpFault(error: unknown): error is AmqpFault {
  return error instanceof Error && "code" in error && "isHard" in error;
}

function accessRefusal(): Refusal {
  return new Refusal(401, "not_authorised", "Access refused.");
}

/** Where messages are got or published: without the virtual host nobody gets in, as RabbitMQ says it. @throws Refusal */
export function vhostOfMessages(broker: Broker, caller: Authorization, name: string): Vhost {
  if (namedVhost(broker, name) === undefined) throw accessRefusal();
  return vhostAt(broker, caller, name);
}

/** An administrator too needs permissions in the virtual host for AMQP. @throws Refusal */
export async function withChannel<Result>(
  asked: Asked<never>,
  vhost: Vhost,
  manner: Manner,
  act: (channel: AmqpCalls) => Promise<Result>,
): Promise<Result> {
  const { around, caller, remoteHost } = asked;
  if (around.amqp === null) throw new Refusal(503, "unavailable", "AMQP is off");
  if (!caller.hasVhost(vhost.name)) throw accessRefusal();
  const channel = around.amqp.open(vhost, caller, remoteHost);
  try {
    return await act(channel);
  } catch (error) {
    if (isAmqpFault(error)) throw refusalOf(error, manner);
    if (error instanceof BrokerError) throw new Refusal(400, "bad_request", error.message);
    const { reason } = error as { readonly reason?: unknown };
    if (reason !== undefined && !(error instanceof Refusal)) throw new Refusal(400, "bad_request", reason);
    throw error;
  } finally {
    channel.close();
  }
}

function refusalOf({ code, message, isHard }: AmqpFault, manner: Manner): Refusal {
  const detail = message.replace(/^[A-Z_]+ - /, "");
  if (manner === "publish") return new Refusal(400, "bad_request", `${code} ${message}`);
  if (manner === "channel") {
    if (code === missing) return new Refusal(404, "not_found", message);
    if (code === accessRefused) return new Refusal(401, "not_authorised", message);
    return new Refusal(400, "bad_request", `${code} ${isHard ? detail : message}`);
  }
  if (code === missing) return new Refusal(404, "not_found", detail);
  if (code === accessRefused) return accessRefusal();
  return new Refusal(400, "bad_request", detail);
}
