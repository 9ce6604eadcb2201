/** What the tracer (tracer.ts) sees of queues, exchanges and messages, and what it notes of a message on its way. */
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import type { Log, LogReader } from "../../storage/index.ts";
import type { TracedMessage } from "./message-facts.ts";
import type { QueueTrace } from "./queue-trace.ts";
import type { TraceParent } from "./traceparent.ts";

/** The part of a queue that is needed here. */
export interface TracedQueue {
  readonly name: string;
  readonly vhost: { readonly name: string };
  readonly log: Log;
  trace: QueueTrace | null;
  reader(offset: number): LogReader;
}

/** The part of a message on its way that is needed here (exchange/outgoing-message.ts). */
export interface PublishedMessage {
  asAmqp(): AmqpRecordParts;
  mayHaveHeader(name: Buffer): boolean;
}

/** Says by which bindings a message goes from an exchange to its queues. */
export interface BindingsOf {
  /** Null where that would take long. */
  of(vhost: object, exchange: object, message: object): readonly string[] | null;
}

export interface TracedExchange {
  readonly name: string;
}

export interface TracedRoute {
  readonly queues: readonly TracedQueue[];
  readonly isTaken: boolean;
}

/** `buffer[start, end)`. */
export interface CameIn {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The trace that a message which the broker publishes itself goes on with. */
export interface Carried {
  readonly traceId: string;
  readonly spanId: string;
  /** What it is to the broker. */
  readonly event: "dead_lettered" | "arrived";
  readonly reason: string;
  readonly from: TracedQueue;
  readonly offset: number;
}

/** A traced message on its way through an exchange. */
export interface TracedPublish {
  readonly traceId: string;
  readonly spanId: string;
  readonly carried: Carried | null;
  readonly message: TracedMessage;
  readonly parent: TraceParent | null;
  /** Of each queue of the route, where its log ended before. */
  readonly ends: readonly number[];
  /** What the intakes of queues did with it; null: nothing. */
  taken: Map<object, Taken> | null;
}

/** A queue's intake has dropped the message as a copy (null), or has it wait in a log until `due`. */
export type Taken = { readonly due: number; readonly waiting: TracedQueue; readonly offset: number } | null;
