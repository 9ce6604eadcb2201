/** A client as a trace names it: what its connection tells an operator (base/connection-facts.ts). */
import type { Connection } from "../../base/connection.ts";
import type { ConsumerFacts, OpenConnection } from "../../base/connection-facts.ts";
import type { TraceParty } from "../../base/trace/trace-event.ts";
import type { Publisher } from "../look/unroutable.ts";
import { shownName } from "../names.ts";

const brokerParty: TraceParty = { protocol: "broker" };

/** Who published a message; null: the broker itself. */
export function publisherParty(publisher: Publisher | null): TraceParty {
  if (publisher === null) return brokerParty;
  const { protocol, user, clientName, remote } = publisher;
  const address = remote.port === 0 || protocol === "http" ? remote.host : `${remote.host}:${remote.port}`;
  return {
    protocol,
    ...(user === "" ? {} : { user: shownName(user) }),
    ...(address === "" ? {} : { address }),
    ...(clientName === "" ? {} : { client: shownName(clientName) }),
  };
}

type ClientConnection = Pick<Connection, "remote"> & Partial<Pick<OpenConnection, "describe">>;
type More = Partial<Pick<TraceParty, "channel" | "consumer" | "group">>;

/** Who was given a message, by its connection; one that is in no list is one of the HTTP API. */
export function clientParty({ remote, describe }: ClientConnection, more: More = {}): TraceParty {
  if (describe === undefined) return { protocol: "http", address: remote.host, ...more };
  const { protocol, user, clientName } = describe();
  return {
    protocol,
    ...(user === null ? {} : { user: shownName(user) }),
    address: `${remote.host}:${remote.port}`,
    ...(clientName === "" ? {} : { client: clientName }),
    ...more,
  };
}

/** Where a consumer is (queue/readers.ts). */
interface ConsumerPlace {
  readonly consumer: Pick<ConsumerFacts, "tag">;
  readonly channel: number;
  readonly connection: ClientConnection;
}

/** A consumer of AMQP; undefined: one that nobody can describe. */
export function consumerParty(place: ConsumerPlace | undefined): TraceParty {
  if (place === undefined) return brokerParty;
  return clientParty(place.connection, { channel: place.channel, consumer: place.consumer.tag });
}
