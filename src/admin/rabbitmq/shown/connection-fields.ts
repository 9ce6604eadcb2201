/** What is shown of a connection and of a channel, with RabbitMQ's names. Not here: endpoints (connections.ts, channels.ts). */
import type {
  ChannelFacts,
  ConnectionFacts,
  ConnectionState,
  OpenConnection,
} from "../../../base/connection-facts.ts";
import type { Broker } from "../../../broker/broker.ts";
import { channelCounters, connectionCounters } from "../../../broker/rates.ts";
import type { Fields } from "../../api/list.ts";
import { shownName } from "../names.ts";
import { messageStats, noProcess, type Spans, Stats } from "./stats.ts";

export interface ConnectionItem {
  readonly open: OpenConnection;
  readonly facts: ConnectionFacts;
}

export interface ChannelItem extends ConnectionItem {
  readonly channel: ChannelFacts;
}

type Ends = Pick<ConnectionFacts, "local" | "remote">;

const hostOf = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** RabbitMQ's name of a connection: both ends of it. */
export function connectionName({ local, remote }: Ends): string {
  return `${hostOf(remote.host)}:${remote.port} -> ${hostOf(local.host)}:${local.port}`;
}

export function channelName(ends: Ends, number: number): string {
  return `${connectionName(ends)} (${number})`;
}

const protocols: Readonly<Record<string, string>> = { amqp: "AMQP 0-9-1", redis: "Redis", kafka: "Kafka" };

/** RabbitMQ's words for what a connection is at. */
const states: Readonly<Record<ConnectionState, string>> = {
  starting: "starting",
  running: "running",
  flow: "flow",
  blocked: "blocked",
  heldBack: "blocking",
  closing: "closing",
};

export function connectionFields(broker: Broker, nodeName: string, spans: Spans): Fields<ConnectionItem> {
  const bytes = ({ open }: ConnectionItem, name: "bytesReceived" | "bytesSent"): object =>
    new Stats(broker, spans, connectionCounters, open).details("data_rates", [name]);
  return {
    auth_mechanism: ({ facts }) => facts.negotiated?.authMechanism,
    channel_max: ({ facts }) => facts.negotiated?.channelMax,
    channels: ({ facts }) => facts.channels,
    client_properties: ({ facts }) =>
      facts.negotiated === undefined ? facts.clientProperties : JSON.parse(facts.negotiated.clientProperties),
    connected_at: ({ facts }) => facts.openedAt,
    frame_max: ({ facts }) => facts.negotiated?.frameMax,
    garbage_collection: () => noProcess.garbage_collection,
    host: ({ facts }) => facts.local.host,
    name: ({ facts }) => connectionName(facts),
    node: () => nodeName,
    peer_cert_issuer: () => null,
    peer_cert_subject: () => null,
    peer_cert_validity: () => null,
    peer_host: ({ facts }) => facts.remote.host,
    peer_port: ({ facts }) => facts.remote.port,
    port: ({ facts }) => facts.local.port,
    protocol: ({ facts }) => protocols[facts.protocol] ?? facts.protocol,
    recv_cnt: ({ facts }) => facts.messagesIn ?? facts.requests ?? 0,
    recv_oct: ({ facts }) => facts.bytesReceived,
    recv_oct_details: (item) => bytes(item, "bytesReceived"),
    reductions: () => noProcess.reductions,
    reductions_details: () => noProcess.reductions_details,
    send_cnt: ({ facts }) => facts.messagesOut ?? facts.requests ?? 0,
    send_oct: ({ facts }) => facts.bytesSent,
    send_oct_details: (item) => bytes(item, "bytesSent"),
    send_pend: ({ facts }) => facts.outputBytes,
    ssl: ({ facts }) => facts.isEncrypted,
    ssl_cipher: () => null,
    ssl_hash: () => null,
    ssl_key_exchange: () => null,
    ssl_protocol: () => null,
    state: ({ facts }) => states[facts.state],
    timeout: ({ facts }) => facts.negotiated?.heartbeatSeconds,
    type: () => "network",
    user: ({ facts }) => facts.user ?? "",
    user_provided_name: ({ facts }) => (facts.clientName === "" ? undefined : facts.clientName),
    user_who_performed_action: ({ facts }) => facts.user ?? "",
    vhost: ({ facts }) => (facts.vhost === null ? "" : shownName(facts.vhost)),
  };
}

export function channelFields(broker: Broker, nodeName: string, spans: Spans): Fields<ChannelItem> {
  return {
    acks_uncommitted: ({ channel }) => channel.acksUncommitted,
    confirm: ({ channel }) => channel.isConfirming,
    connection_details: ({ facts }) => ({
      name: connectionName(facts),
      peer_host: facts.remote.host,
      peer_port: facts.remote.port,
    }),
    consumer_count: ({ channel }) => channel.consumers.length,
    garbage_collection: () => noProcess.garbage_collection,
    global_prefetch_count: ({ channel }) => channel.globalPrefetch,
    message_stats: ({ channel: { counts } }) =>
      messageStats(new Stats(broker, spans, channelCounters, counts), {
        published: counts.publish > 0,
        delivered:
          counts.deliver + counts.deliverNoAck + counts.get + counts.getNoAck + counts.getEmpty + counts.ack >
          0,
      }),
    messages_unacknowledged: ({ channel }) => channel.unacknowledged,
    messages_uncommitted: ({ channel }) => channel.uncommitted,
    messages_unconfirmed: ({ channel }) => channel.unconfirmed,
    name: ({ facts, channel }) => channelName(facts, channel.number),
    node: () => nodeName,
    number: ({ channel }) => channel.number,
    pending_raft_commands: () => 0,
    prefetch_count: ({ channel }) => channel.prefetch,
    reductions: () => noProcess.reductions,
    reductions_details: () => noProcess.reductions_details,
    state: ({ facts }) => (facts.state === "flow" || facts.state === "blocked" ? "flow" : "running"),
    transactional: ({ channel }) => channel.isTransactional,
    user: ({ facts }) => facts.user ?? "",
    user_who_performed_action: ({ facts }) => facts.user ?? "",
    vhost: ({ facts }) => (facts.vhost === null ? "" : shownName(facts.vhost)),
  };
}
