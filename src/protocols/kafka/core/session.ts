/**
 * One client's connection: frames in, one request at a time, replies in the order of the requests, as Kafka has it.
 *
 * A request whose answer comes later (long poll, join) holds back those behind it, and so does output that the client
 * does not take. Not here: what requests mean (`commands/`).
 * Invariants: nothing is decoded while a request is under way or the output is full; frames that wait are copies, since
 * the bytes of `onData` are valid during the call only; more of them than `backlogBytesMax` stop the reading.
 */
import { plainHost } from "../../../base/addresses.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";
import type { Timer } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import type { Authorization, Holder } from "../../../broker/access/permissions.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Connection, Session, SessionFacts } from "../../contract.ts";
import { type AnswerJob, Call, type Caller, type Handler, type Verdict } from "./call.ts";
import { handlers } from "./handlers.ts";
import type { KafkaServer } from "./server.ts";
import type { ShareSession } from "../share/share-sessions.ts";
import { assertMayAsk, authenticate } from "../security/sasl.ts";
import {
  type ApiName,
  decodeRequest,
  encodeResponse,
  encodeResponseInPieces,
  produceKey,
  type ResponseInput,
} from "../wire/codec.ts";
import { answerUnsupported } from "../admin/api-versions.ts";
import { FrameSplitter } from "../wire/frames.ts";

const backlogBytesMax = 1 << 20;
/** A connection remembers this many groups that it joined, before it checks in which of them it still is. */
const membershipsMax = 16;
/** Enough for requests before a login, and too little to fill the memory. */
const requestBytesMaxBeforeLogin = 64 << 10;

/** Only Produce has content that is not processed item by item. Throws LIMIT, which ends the connection. */
function assertSize(buffer: Buffer, start: number, end: number): void {
  if (end - start <= limits.kafkaNamingRequestBytesMax || buffer.readInt16BE(start) === produceKey) return;
  const most = limits.kafkaNamingRequestBytesMax;
  throw new BrokerError("LIMIT", `request of ${end - start} bytes; all but Produce have at most ${most}`);
}

function isJob(
  answer: ResponseInput<ApiName> | Exclude<Verdict, "later"> | AnswerJob<ApiName>,
): answer is AnswerJob<ApiName> {
  return typeof (answer as Partial<AnswerJob<ApiName>>).next === "function";
}

/** Encodes the answer, if there is one, into the writer. */
function* encodedAnswer(
  call: Call,
  job: AnswerJob<ApiName>,
  writer: ByteWriter,
): Generator<number, Verdict | "answered", void> {
  const answer = yield* job;
  if (typeof answer === "string") return answer;
  yield* encodeResponseInPieces(writer, call.name, call, answer);
  return "answered";
}

/** Requests whose answers depend on no stored data; the login checks for itself (Access.logIn). */
const lookingAtNothing: ReadonlySet<ApiName> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);
/** Requests that may read any definition except committed offsets, which change all the time. */
const lookingAtNoPosition: ReadonlySet<ApiName> = new Set([
  "Metadata",
  "FindCoordinator",
  "JoinGroup",
  "SyncGroup",
  "Heartbeat",
  "LeaveGroup",
]);

/** Requests that read the topics that they name, where they look them up (topics/directory.ts). */
const lookingAtNames: ReadonlySet<ApiName> = new Set(["Produce", "Fetch", "ListOffsets"]);

/** The journal cannot be written: an answer must not depend on unwritten data. */
function lookedAround(broker: Broker, name: ApiName): void {
  if (!broker.ticker.isStuck || lookingAtNothing.has(name) || lookingAtNames.has(name)) return;
  broker.lookedAtDefinitions();
  if (!lookingAtNoPosition.has(name)) broker.lookedAtPositions();
}

export class KafkaSession implements Session, Caller, Holder {
  readonly connection: Connection;
  readonly server: KafkaServer;
  #loggedInAs: Authorization | null = null;
  /** Closes a connection that does not log in. */
  #deadline: Timer | null = null;
  expectsToken = false;
  messagesIn = 0;
  messagesOut = 0;
  software: Caller["software"] = null;
  #requests = 0;
  #clientId = "";
  /** Member ids by group; most connections are in none. */
  #memberships: Map<string, string> | null = null;
  /** Most connections have none. */
  #shareSessions: Set<ShareSession> | null = null;
  readonly #splitter = new FrameSplitter(limits.kafkaRequestBytesMax);
  /** The request that is being processed, or whose answer comes later. */
  #awaited: Call | null = null;
  /** The token of SaslHandshake version 0 is being checked. */
  #isLoggingIn = false;
  #isOutputFull = false;
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #isReadingPaused = false;
  /** Bytes of the request that takes many turns, and of its answer so far. */
  #workBytes = 0;
  #answer: ByteWriter | null = null;
  #isResuming = false;
  #isEnded = false;

  constructor(connection: Connection, server: KafkaServer) {
    this.connection = connection;
    this.server = server;
    connection.settle(this.authorization !== null);
    if (this.authorization !== null) return;
    this.#splitter.frameBytesMax = requestBytesMaxBeforeLogin;
    this.#deadline = server.broker.timers.after(limits.loginMsMax, () => connection.destroy());
  }

  get authorization(): Authorization | null {
    return this.#loggedInAs ?? this.server.broker.access.anonymous;
  }

  get host(): string {
    return plainHost(this.connection.remote.host);
  }

  loggedIn(authorization: Authorization): void {
    this.#loggedInAs?.holders.delete(this);
    this.#loggedInAs = authorization;
    authorization.holders.add(this);
    this.connection.settle(true);
    this.#splitter.frameBytesMax = limits.kafkaRequestBytesMax;
    this.#deadline?.cancel();
  }

  userDeleted(): void {
    this.end();
  }

  onData(bytes: Buffer): void {
    const splitter = this.#splitter;
    try {
      splitter.push(bytes);
      while (!this.#isEnded && splitter.next()) {
        if (this.#isHeld || this.#backlog.length > 0) this.#keep(splitter);
        else this.#handle(splitter.buffer, splitter.start, splitter.end, splitter.isGathered);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#tellHeld();
  }

  #tellHeld(): void {
    const { heldBytes } = this.#splitter;
    this.connection.holdInput(
      heldBytes + this.#backlogBytes + this.#workBytes + (this.#answer?.buffer.length ?? 0),
    );
  }

  /** A request that waits (long poll, join) does not count as work. */
  get isAtWork(): boolean {
    return this.#answer !== null;
  }

  /** Kafka has no words for it. */
  onRefused(): void {
    this.#fail(
      new BrokerError("LIMIT", "the broker is short of memory, and its requests hold more than their part"),
    );
  }

  get #isHeld(): boolean {
    return this.#awaited !== null || this.#isLoggingIn || this.#isOutputFull;
  }

  #keep({ buffer, start, end }: FrameSplitter): void {
    this.#backlog.push(Buffer.from(buffer.subarray(start, end)));
    this.#backlogBytes += end - start;
    if (this.#backlogBytes > backlogBytesMax && !this.#isReadingPaused) {
      this.#isReadingPaused = true;
      this.connection.pauseReading();
    }
  }

  #handle(buffer: Buffer, start: number, end: number, keepsBytes: boolean): void {
    if (this.expectsToken) {
      return this.#takeBareToken(buffer.subarray(start, end));
    }
    assertSize(buffer, start, end);
    const request = decodeRequest(buffer, start, end);
    if (request.name === null) {
      if (!answerUnsupported(this.connection, request)) {
        throw new BrokerError("INVALID", `no api ${request.apiKey} in version ${request.version}`);
      }
      return;
    }
    assertMayAsk(this, request.name);
    const call = new Call(this, request, keepsBytes);
    this.#requests++;
    this.#clientId = call.clientId;
    lookedAround(this.server.broker, request.name);
    // The table's type ties each name to its body; the union of all names is more than the compiler follows.
    const handler = handlers[request.name] as unknown as Handler<ApiName>;
    this.#awaited = call;
    const answer = handler(call, request.body);
    if (answer === "later") return;
    if (isJob(answer)) return this.#work(call, answer, end - start);
    this.#awaited = null;
    if (answer === "close") this.end();
    else if (answer !== "silent") this.#write(call, answer);
  }

  /** A request that may take many turns. Its answer may be as long, so it is made beside the output and then added. */
  #work(call: Call, job: AnswerJob<ApiName>, requestBytes: number): void {
    const writer = new ByteWriter();
    this.#answer = writer;
    this.#workBytes = requestBytes;
    const running = this.server.broker.work.run(encodedAnswer(call, job, writer), (outcome) => {
      call.onGone = null;
      this.#awaited = this.#answer = null;
      this.#workBytes = 0;
      this.#tellHeld();
      if ("error" in outcome) return this.#fail(outcome.error);
      if (outcome.result === "close") return this.end();
      if (writer.length > 0) {
        this.connection.answerTo(call.answerMark, () => {
          this.connection.output.bytes(writer.buffer, 0, writer.length);
          this.#wrote();
        });
      }
      this.#resumeLater();
    });
    if (running.isRunning) call.onGone = () => running.cancel();
  }

  /** A frame that is only a token (KIP-43). A right token is answered by an empty frame, a wrong one by closing the connection. */
  #takeBareToken(token: Uint8Array): void {
    this.expectsToken = false;
    this.#isLoggingIn = true;
    const mark = this.connection.answerMark;
    authenticate(this, token, (fault) => {
      this.#isLoggingIn = false;
      if (fault !== null) return this.end();
      this.connection.answerTo(mark, () => {
        this.connection.output.int32(0);
        this.connection.touch();
      });
      this.#resumeLater();
    });
  }

  answered<N extends ApiName>(call: Call<N>, body: ResponseInput<N>): void {
    if (this.connection.isClosed) return;
    this.#awaited = null;
    this.connection.answerTo(call.answerMark, () => this.#write(call, body));
    this.#resumeLater();
  }

  joined(groupId: string, memberId: string): void {
    this.#memberships ??= new Map();
    this.#memberships.set(groupId, memberId);
    if (this.#memberships.size > membershipsMax)
      this.#memberships = new Map(this.#memberships.entries().filter(this.#isMember));
  }

  readonly #isMember = ([groupId, memberId]: [string, string]): boolean =>
    this.server.coordinator.find(groupId)?.members.has(memberId) === true;

  get shareSessions(): Set<ShareSession> {
    return (this.#shareSessions ??= new Set());
  }

  describe(): SessionFacts {
    const { authorization, software, messagesIn, messagesOut } = this;
    return {
      user: authorization?.name ?? null,
      vhost: this.server.vhost.name,
      clientName: this.#clientId.slice(0, limits.clientTextBytesMax),
      clientProperties: software === null ? {} : { library: software.name, version: software.version },
      isClosing: this.#isEnded,
      requests: this.#requests,
      messagesIn,
      messagesOut,
      channels: 0,
      subscriptions: 0,
      groups: [...(this.#memberships ?? [])].filter(this.#isMember).map(([groupId]) => groupId),
    };
  }

  /** Kafka has no words for it. */
  closeFor(_reason: string): void {
    this.end();
  }

  #write<N extends ApiName>(call: Call<N>, body: ResponseInput<N>): void {
    const { connection } = this;
    encodeResponse(connection.output, call.name, call, body);
    this.#wrote();
  }

  #wrote(): void {
    const { connection } = this;
    connection.touch();
    if (connection.outputBytes > limits.outputHighWaterBytes) this.#isOutputFull = true;
  }

  onWritable(): void {
    this.#isOutputFull = false;
    this.#resumeLater();
  }

  /** Goes on with waiting requests after the tick's other input: an answer may come in the middle of a delivery. */
  #resumeLater(): void {
    if (this.#backlog.length === 0 || this.#isResuming) return;
    this.#isResuming = true;
    this.server.broker.timers.atTickEnd(() => {
      this.#isResuming = false;
      this.connection.answerTo(this.connection.answerMark, () => this.#resume());
    });
  }

  #resume(): void {
    try {
      while (this.#backlog.length > 0 && !this.#isHeld && !this.#isEnded && !this.connection.isClosed) {
        const frame = this.#backlog.shift()!;
        this.#backlogBytes -= frame.length;
        this.#handle(frame, 0, frame.length, true);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#tellHeld();
    if (this.#isReadingPaused && this.#backlogBytes <= backlogBytesMax / 2) {
      this.#isReadingPaused = false;
      this.connection.resumeReading();
    }
  }

  /** An invalid request closes its own connection, as in Kafka, and no other. */
  #fail(error: unknown): void {
    const isClients = error instanceof BrokerError;
    const { host, port } = this.connection.remote;
    const fields = { client: `${host}:${port}`, error: error as Error };
    if (isClients) this.server.closedLog.add(fields);
    else this.server.broker.logger.error("a Kafka request failed; closed its connection", fields);
    this.end();
  }

  end(): void {
    this.#isEnded = true;
    this.#letGo();
    this.connection.end();
  }

  #letGo(): void {
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#splitter.stop();
  }

  onClosed(): void {
    this.#isEnded = true;
    this.#deadline?.cancel();
    this.#loggedInAs?.holders.delete(this);
    this.#letGo();
    this.server.broker.flow.gone(this.connection);
    const awaited = this.#awaited;
    this.#awaited = null;
    awaited?.onGone?.();
    for (const session of this.#shareSessions ?? []) session.close();
  }
}
