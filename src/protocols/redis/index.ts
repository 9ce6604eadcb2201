/** The Redis protocol's entry: what the wiring needs of it. */
import type { Dial } from "../../base/connection.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Protocol } from "../contract.ts";
import { ClusterNode, type ClusterOptions } from "./cluster/cluster-node.ts";
import { commandTable } from "./command-table.ts";
import { takeSettingsText } from "./core/parameters/settings-text.ts";
import { type HostFacts, RedisServer } from "./server.ts";
import { RedisSession } from "./session.ts";

export type { ClusterOptions };

export interface RedisOptions {
  /** Shown as the setting `maxclients`. */
  readonly connectionsMax?: number;
  /** The broker is the one node of a Redis cluster; null or absent: it is none. */
  readonly cluster?: ClusterOptions | null;
  /** Settings at the start, by redis's names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More of them, as the operator has written them (`--redis-settings`). They come after the others. */
  readonly settingsText?: string | undefined;
  /** For INFO. */
  readonly host?: HostFacts;
  /** How MIGRATE reaches other servers; without, it reaches none. */
  readonly dial?: Dial;
  /** What SHUTDOWN does; it is refused without. */
  readonly stop?: () => void;
}

/** @throws BrokerError INVALID for a text of settings that is wrong */
export function redisProtocol(broker: Broker, keyspace: Keyspace, options: RedisOptions = {}): Protocol {
  const { connectionsMax, cluster = null, settings = {}, stop = null, host, dial = null } = options;
  const server = new RedisServer(broker, keyspace, commandTable);
  if (cluster !== null) server.cluster = new ClusterNode(broker, commandTable, cluster);
  server.settings.values.set("cluster-enabled", cluster === null ? "no" : "yes");
  if (connectionsMax !== undefined) {
    server.settings.clientsLimit = connectionsMax;
    server.settings.set("maxclients", String(connectionsMax));
  }
  for (const [name, value] of Object.entries(settings)) server.settings.set(name, value);
  if (options.settingsText !== undefined) takeSettingsText(server.settings, options.settingsText);
  server.stop = stop;
  server.dial = dial;
  if (host !== undefined) server.host = host;
  return {
    name: "redis",
    refusal: "-ERR max number of clients reached\r\n",
    createSession: (connection) => {
      const session = new RedisSession(connection, server);
      // Of all protocols together there may be more: that is the entrance's bound.
      if (server.sessions.size > server.settings.clientsMax) refuse(session, server);
      return session;
    },
  };
}

function refuse(session: RedisSession, server: RedisServer): void {
  server.connectionsRejected++;
  session.context.reply.error("ERR max number of clients reached");
  session.end();
}
