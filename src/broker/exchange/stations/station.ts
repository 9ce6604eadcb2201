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

export interface Stations {
  make(kind: StationKind, of: StationOf): Station;
}
