/**
 * What the HTTP API needs from around the broker, and the wiring gives it: AMQP's channels without a socket, the listeners, the
 * process.
 *
 * Not here: who implements it (protocols/amqp/direct, embed.ts), since this room knows no protocol.
 */
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Vhost } from "../../broker/vhost.ts";

type Json = Readonly<Record<string, unknown>>;

export interface GotMessage {
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageCount: number;
  readonly properties: Json;
  readonly payload: Buffer;
}

/** What an AMQP channel does for a user. Each call throws what a client would be told: see `isAmqpFault`. */
export interface AmqpCalls {
  declareExchange(
    name: string,
    given: { type: string; durable: boolean; autoDelete: boolean; internal: boolean; arguments: Json },
  ): Promise<void>;
  deleteExchange(name: string, ifUnused: boolean): Promise<void>;
  declareQueue(
    name: string,
    given: { durable: boolean; autoDelete: boolean; arguments: Json },
  ): Promise<void>;
  deleteQueue(name: string, when: { ifUnused: boolean; ifEmpty: boolean }): Promise<void>;
  purgeQueue(name: string): Promise<void>;
  bind(
    kind: "queue" | "exchange",
    source: string,
    destination: string,
    routingKey: string,
    args: Json,
  ): Promise<void>;
  unbind(
    kind: "queue" | "exchange",
    source: string,
    destination: string,
    routingKey: string,
    args: Json,
  ): Promise<void>;
  publish(exchange: string, routingKey: string, properties: Json, payload: Buffer): Promise<boolean>;
  get(queue: string, noAck: boolean): Promise<GotMessage | null>;
  settle(deliveryTag: number, requeue: boolean): void;
  close(): void;
}

export interface AmqpDoor {
  open(vhost: Vhost, user: Authorization, remoteHost: string): AmqpCalls;
  readonly channelsOpened: number;
}

export interface ListenerFacts {
  /** The protocol's name, such as `amqp`. */
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Connections accepted since the start, and open now. */
  readonly accepted: () => number;
  readonly open: () => number;
}

/** A queue of definitions, as far as its arguments are looked at. */
export interface DescribedQueue {
  /** As a text shows it: `queue 'q' in vhost '/'`. */
  readonly what: string;
  readonly arguments: Json;
}

/** What is wrong with the arguments, in AMQP's words; null: nothing. */
export type QueueFault = (queue: DescribedQueue) => string | null;

export interface Surroundings {
  readonly queueFault: QueueFault;
  /** Null: nothing can be declared or published. */
  readonly amqp: AmqpDoor | null;
  readonly listeners: () => readonly ListenerFacts[];
  readonly nodeName: string;
  readonly dataDir: string;
  readonly connectionsMax: number;
  readonly memoryBytesMax: number;
  readonly uptimeMs: () => number;
  /** When the certificate of the TLS listeners ends, wall time in ms; null: there is none. */
  readonly certificateEndsAt: () => number | null;
}

export const nothingAround: Surroundings = {
  queueFault: () => null,
  amqp: null,
  listeners: () => [],
  nodeName: "troikamq@localhost",
  dataDir: "memory",
  connectionsMax: 0,
  memoryBytesMax: 0,
  uptimeMs: () => 0,
  certificateEndsAt: () => null,
};
