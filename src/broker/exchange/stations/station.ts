/**
 * What some exchanges do with messages beside routing them: they keep them for later, or for whoever is bound later.
 *
 * The implementations are set by the protocol whose exchanges they are (`Broker.stations`), so that exchanges know this interface only.
 */
import type { MessageFacts } from "../routing/router.ts";
import type { OutgoingMessage } from "../outgoing-message.ts";

/** Of a message on its way: it goes on as if nothing were there, is kept and goes on, or is kept only. */
export type Sight = "pass" | "copy" | "take";

export interface Station {
  /** What it does depends on the message, and not on its exchange alone. */
  readonly looksAtMessages: boolean;
  sees(message: MessageFacts): Sight;
  /** Keeps a message that it wanted to, in the turn in which it is published. */
  take(message: OutgoingMessage): void;
  /** What new destinations get, oldest first; each is valid until the next. */
  forNewcomers(give: (message: OutgoingMessage, key: string, facts: MessageFacts) => void): void;
  /** The exchange is gone. */
  closed(): void;
}

export type StationKind = "history" | "delay";

export interface StationOf {
  readonly vhostName: string;
  readonly exchangeName: string;
  readonly isDurable: boolean;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A queue by its name. */
export interface QueuePlace {
  readonly name: string;
  readonly vhost: { readonly name: string };
}

export interface Stations {
  /** Dead letters of that queue wait for a target that takes them. */
  hasDeadLetters(queue: QueuePlace): boolean;
  /** How many; that which is just being published again does not count, since it makes room if it leads back. */
  deadLettersOf(queue: QueuePlace): number;
  /** As they are stored. */
  deadLetterBytesOf(queue: QueuePlace): number;
  /** Keeps a dead letter, an AMQP record, and publishes it through its exchange once all queues behind that take it. */
  keepDeadLetter(queue: QueuePlace, record: Buffer, size: number): void;
  make(kind: StationKind, of: StationOf): Station;
}
