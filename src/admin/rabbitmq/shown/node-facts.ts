/** What is told of the node in several places: its listeners, what came and went, the types of exchanges. */
import { resultOf } from "../../../base/turn-work.ts";
import { exchangeTypes } from "../../../broker/exchange/definition.ts";
import { exchangeTypeDescription } from "../../../broker/exchange/exchange-types.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Asked } from "../../api/endpoint.ts";
import type { ListenerFacts, Surroundings } from "../../api/surroundings.ts";

export function exchangeTypesShown(): object[] {
  return exchangeTypes.toSorted().map((name) => ({
    name,
    description: exchangeTypeDescription(name),
    enabled: true,
  }));
}

/** Adds up, in slices. */
export function renewTotals(broker: Broker): Promise<void> {
  return resultOf(broker.work, broker.totals.renewing());
}

export function shownListener({ protocol, host, port, isTls }: ListenerFacts, node: string): object {
  return { node, protocol: protocolName(protocol, isTls), ip_address: host, port, socket_opts: [] };
}

/** As RabbitMQ names listeners. */
export function protocolName(protocol: string, isTls: boolean): string {
  if (!isTls) return protocol;
  return protocol === "http" ? "https" : `${protocol}/ssl`;
}

/** Of connections, channels and queues, how many came and went since the start. */
export function churnOf(broker: Broker, around: Surroundings): Record<string, number> {
  const clients = around.listeners().filter(({ protocol }) => protocol !== "http");
  const byProtocol = new Map(clients.map((listener) => [listener.protocol, listener]));
  let [created, open] = [0, 0];
  for (const listener of byProtocol.values()) {
    created += listener.accepted();
    open += listener.open();
  }
  const channels = around.amqp?.channelsOpened ?? 0;
  const { churn, totals } = broker;
  return {
    channel_closed: Math.max(channels - totals.ofBroker.channels, 0),
    channel_created: channels,
    connection_closed: created - open,
    connection_created: created,
    queue_created: churn.created,
    queue_declared: churn.declared,
    queue_deleted: churn.deleted,
  };
}

export function contextsOf({ around }: Pick<Asked<never>, "around">): object[] {
  return around
    .listeners()
    .filter(({ protocol }) => protocol === "http")
    .map(({ host, port }) => ({
      ssl_opts: [],
      node: around.nodeName,
      description: "RabbitMQ Management",
      path: "/",
      cowboy_opts: "[{sendfile,false}]",
      ip: host,
      port: String(port),
    }));
}
