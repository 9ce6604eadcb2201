/**
 * One request on its way: what a command is given, and the forms that its answer may take.
 *
 * A command returns the response's body, or says that it comes `later` (a long poll), that there is none (`silent`,
 * Produce with acks=0), or that the connection must be closed, which is Kafka's last word on a request it cannot answer.
 * Where a request may name much, the command is a job (base/turn-work.ts), which goes on in later turns and ends with one
 * of these. What such a request reads or changes is whole for each thing that it names, not for all of them together.
 * Invariant: `later` is followed by exactly one `answer`, unless the connection is gone before.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Connection } from "../../contract.ts";
import type { KafkaServer } from "./server.ts";
import type { ShareSession } from "../share/share-sessions.ts";
import type { ApiName, RequestBody, ResponseInput } from "../wire/codec.ts";

export type Verdict = "later" | "silent" | "close";

export type AnswerJob<N extends ApiName> = Job<ResponseInput<N> | Verdict>;

export type Handler<N extends ApiName> = (
  call: Call<N>,
  body: RequestBody<N>,
) => ResponseInput<N> | Verdict | AnswerJob<N>;

/** The session, as its calls see it. */
export interface Caller {
  readonly connection: Connection;
  readonly server: KafkaServer;
  /** The rights of the client; null: it has to log in first. */
  readonly authorization: Authorization | null;
  /** The client's host, as rules name it. */
  readonly host: string;
  /** The client has logged in by SASL. */
  loggedIn(authorization: Authorization): void;
  /** Sends the pending answers, and reads nothing more. */
  end(): void;
  /** After SaslHandshake version 0 the next frame is a bare token (KIP-43). */
  expectsToken: boolean;
  /** Records produced and fetched. */
  messagesIn: number;
  messagesOut: number;
  /** The client's library, by its own name and version. */
  software: { readonly name: string; readonly version: string } | null;
  /** The client joined this group, and is a member as long as the group says so. */
  joined(groupId: string, memberId: string): void;
  /** Share sessions that end with the connection. */
  readonly shareSessions: Set<ShareSession>;
  answered<N extends ApiName>(call: Call<N>, body: ResponseInput<N>): void;
}

export class Call<N extends ApiName = ApiName> {
  readonly name: N;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly caller: Caller;
  /** Fields of bytes in the body stay valid in later turns; otherwise they are views of the input buffer. */
  readonly keepsBytes: boolean;
  /** See `Connection.answerTo`. */
  readonly answerMark: number;
  /** Called once if the connection ends while the answer is awaited. */
  onGone: (() => void) | null = null;
  #isAnswered = false;

  constructor(
    caller: Caller,
    head: { name: N; version: number; correlationId: number; clientId: string | null },
    keepsBytes: boolean,
  ) {
    this.keepsBytes = keepsBytes;
    this.caller = caller;
    this.answerMark = caller.connection.answerMark;
    this.name = head.name;
    this.version = head.version;
    this.correlationId = head.correlationId;
    this.clientId = head.clientId ?? "";
  }

  get server(): KafkaServer {
    return this.caller.server;
  }

  get connection(): Connection {
    return this.caller.connection;
  }

  /** Sends the body after `later`. */
  answer(body: ResponseInput<N>): void {
    this.onGone = null;
    if (assertsAreOn) {
      assertInvariant(!this.#isAnswered, "a request is answered once");
      this.#isAnswered = true;
    }
    this.caller.answered(this, body);
  }

  /** The same with what was changed in groups of streams, which is appended when the tick ends. */
  holdUntilSettled(): void {
    this.connection.holdUntilDurable(this.server.broker.storage.pendingWithChanges);
  }

  /** Answers from here on leave only when everything appended so far is on the disk. */
  holdUntilDurable(): void {
    this.connection.holdUntilDurable(this.server.broker.storage.pending);
  }
}
