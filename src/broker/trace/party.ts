/** A client as a trace names it: what its connection tells an operator (base/connection-facts.ts). */
import type { Connection } from "../../base/connection.ts";
import type { ConsumerFacts, OpenConnection } from "../../base/connection-facts.ts";
import { shownName } from "../names.ts";
import type { TraceParty } from "../../base/trace/trace-event.ts";

/** Who published or was given a message: a connection, or who says it when asked. A message of the broker's own hand comes from nobody. */
export type TraceOrigin =
  | (Pick<Connection, "remote"> & Partial<Pick<OpenConnection, "describe">>)
  | (() => TraceParty);

type More = Partial<Pick<TraceParty, "user" | "channel" | "consumer" | "group">>;

const brokerParty: TraceParty = { protocol: "broker" };

/** A connection that is in no list is one of the HTTP API. */
export function partyOf(origin: TraceOrigin | null, more: More = {}): TraceParty {
  if (origin === null) return { ...brokerParty, ...more };
  if (typeof origin === "function") return { ...origin(), ...more };
  const { host, port } = origin.remote;
  if (origin.describe === undefined) return { protocol: "http", address: host, ...more };
  const { protocol, user, clientName } = origin.describe();
  return {
    protocol,
    ...(user === null ? {} : { user: shownName(user) }),
    address: `${host}:${port}`,
    ...(clientName === "" ? {} : { client: clientName }),
    ...more,
  };
}

/** Where a consumer is (queue/readers.ts). */
interface ConsumerPlace {
  readonly consumer: Pick<ConsumerFacts, "tag">;
  readonly channel: number;
  readonly connection: Pick<Connection, "remote">;
}

/** A consumer of AMQP; undefined: one that nobody can describe. */
export function consumerParty(place: ConsumerPlace | undefined): TraceParty {
  if (place === undefined) return brokerParty;
  return partyOf(place.connection, { channel: place.channel, consumer: place.consumer.tag });
}
