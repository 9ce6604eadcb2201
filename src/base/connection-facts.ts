/**
 * The description of a connection for an operator. Made from existing data when somebody asks.
 *
 * Not here: who asks (broker/connections.ts), what a session knows (each protocol's `describe`).
 */
import type { Address, Connection } from "./connection.ts";

/** Messages of a channel, counted since it was opened, where they happen. */
export interface ChannelCounts {
  publish: number;
  confirm: number;
  returnUnroutable: number;
  dropUnroutable: number;
  deliver: number;
  deliverNoAck: number;
  get: number;
  getNoAck: number;
  getEmpty: number;
  redeliver: number;
  ack: number;
}

export function newChannelCounts(): ChannelCounts {
  return {
    publish: 0,
    confirm: 0,
    returnUnroutable: 0,
    dropUnroutable: 0,
    deliver: 0,
    deliverNoAck: 0,
    get: 0,
    getNoAck: 0,
    getEmpty: 0,
    redeliver: 0,
    ack: 0,
  };
}

export interface ConsumerFacts {
  readonly tag: string;
  /** The broker's name: a latin1 string of its bytes. */
  readonly queue: string;
  readonly isNoAck: boolean;
  readonly isExclusive: boolean;
  readonly prefetch: number;
  /** It gets messages; false for those that wait behind a single active consumer. */
  readonly isActive: boolean;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Who holds messages of a queue: a consumer, or basic.get of a channel. */
export interface HolderFacts {
  readonly channel: number;
  /** Null: basic.get. */
  readonly tag: string | null;
}

/** A channel of an AMQP connection. */
export interface ChannelFacts {
  readonly number: number;
  readonly isConfirming: boolean;
  readonly isTransactional: boolean;
  readonly prefetch: number;
  readonly globalPrefetch: number;
  readonly unacknowledged: number;
  readonly unconfirmed: number;
  /** Messages and acknowledgements that wait for the commit of a transaction. */
  readonly uncommitted: number;
  readonly acksUncommitted: number;
  readonly consumers: readonly ConsumerFacts[];
  readonly counts: Readonly<ChannelCounts>;
}

/** What an AMQP connection agreed on with its client. */
export interface NegotiatedFacts {
  readonly authMechanism: string;
  readonly channelMax: number;
  readonly frameMax: number;
  readonly heartbeatSeconds: number;
  /** All that the client tells of itself, as JSON. */
  readonly clientProperties: string;
}

/** Bounded: clients choose them. */
export type ClientProperties = Readonly<Record<string, string>>;

/** The session's part. */
export interface SessionFacts {
  /** Null: it has not logged in, and there is no user for such connections. */
  readonly user: string | null;
  /** Where it works: a virtual host; Redis's other databases are `db1` and so on. */
  readonly vhost: string | null;
  /** As the client calls itself; "" if it does not. */
  readonly clientName: string;
  readonly clientProperties: ClientProperties;
  /** It says goodbye, or waits for the answer to ours. */
  readonly isClosing: boolean;
  /** Requests that were taken; null: the protocol has none to count (AMQP). */
  readonly requests: number | null;
  /** Messages that it published and was given; null: the protocol does not tell them from other requests (Redis). */
  readonly messagesIn: number | null;
  readonly messagesOut: number | null;
  readonly channels: number;
  /** Consumers, channels and patterns that it listens to. */
  readonly subscriptions: number;
  /** Consumer groups of which it is a member now. */
  readonly groups: readonly string[];
  /** Its channels; absent: the protocol has none. */
  readonly describeChannels?: () => readonly ChannelFacts[];
  /** Tells `found` of each of the wanted holders, by the number that queues know it by, that is a part of this; absent: it has none. */
  readonly findHolders?: (
    wanted: ReadonlySet<number>,
    found: (owner: number, holder: HolderFacts) => void,
  ) => void;
  /** Absent: the protocol does not negotiate. */
  readonly negotiated?: NegotiatedFacts;
}

/** `flow`: it does not take its output, so it is not read from; `blocked`: a publisher, while the broker is behind;
 * `heldBack`: it holds too much of the memory for what is under way. */
export type ConnectionState = "starting" | "running" | "flow" | "blocked" | "heldBack" | "closing";

export interface ConnectionFacts extends SessionFacts {
  readonly id: number;
  readonly protocol: string;
  readonly remote: Address;
  readonly local: Address;
  readonly isEncrypted: boolean;
  /** Wall time, ms. */
  readonly openedAt: number;
  /** What the protocol's bytes are: without those of TLS and WebSocket. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Answers that have not left, and input that is kept. */
  readonly outputBytes: number;
  readonly heldBytes: number;
  readonly state: ConnectionState;
}

/** A connection, as the list of them sees it. */
export interface OpenConnection extends Connection {
  readonly protocol: string;
  describe(): ConnectionFacts;
  /** Ends it, and says why if its protocol has words for that. */
  closeFor(reason: string): void;
}
