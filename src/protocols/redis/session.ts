/**
 * One Redis connection: reads requests, runs them in order, and holds the state that the connection has set. Commands see it as
 * their caller (core/caller.ts) and, if they are about connections, as a client (core/client-connection.ts).
 *
 * Not here: what commands do. What few connections need (a transaction, subscriptions, a blocked read) is made when it is asked
 * for, so that ten thousand idle connections are cheap. Invariant: no further request of this connection runs while a reply is
 * still to come (core/later-reply.ts), or while the client has more than `outputHighWaterBytes` unread.
 */
import type { Connection, Session, SessionFacts } from "../contract.ts";
import type { Authorization, Holder } from "../../broker/access/permissions.ts";
import { defaultUserName } from "../../broker/access/users.ts";
import { plainHost } from "../../base/addresses.ts";
import { AclCheck } from "./acl/check.ts";
import type { AclRefusal, Refusal } from "./acl/refusal.ts";
import type { Caller, CallPlace } from "./core/caller.ts";
import type { ClientConnection, ReplyMode } from "./core/client-connection.ts";
import { addressText, clientLine } from "./connection/client-line.ts";
import { factsOf } from "./connection/session-facts.ts";
import { CommandContext } from "./core/context.ts";
import { DeferredPushes } from "./core/deferred-pushes.ts";
import { unitsOfRequest } from "./core/request-cost.ts";
import { dispatchWithoutReply, isConfirmed, modeAfter } from "./connection/reply-mode.ts";
import { LoginDeadline } from "./connection/login-deadline.ts";
import { holdChanges } from "./core/durable-changes.ts";
import { dispatch, isAboutClient, runReply } from "./core/dispatch.ts";
import { errorTexts, RedisError } from "./core/errors.ts";
import { PipelineHold } from "./core/pipeline-hold.ts";
import { type BlockedCommand, type LaterReplies, LaterReply, type LaterWork } from "./core/later-reply.ts";
import { limits } from "../../base/limits.ts";
import { Subscriptions } from "./pubsub/subscriptions.ts";
import type { RedisServer } from "./server.ts";
import type { CommandSpec } from "./core/command-spec.ts";
import type { Transaction } from "./transaction/queue.ts";
import type { TrackedClient } from "./tracking/tracked-client.ts";
import type { Watcher } from "./transaction/watches.ts";
import type { RespVersion } from "./wire/reply-writer.ts";
import { RequestParser } from "./wire/request-parser.ts";

/** While a command waits for its reply, the connection is read from until it has sent this much more. */
const blockedInputBytesMax = 1 << 20;

export class RedisSession implements Session, Holder, Caller, ClientConnection, LaterReplies {
  readonly id: number;
  readonly server: RedisServer;
  readonly connection: Connection;
  readonly context: CommandContext;
  readonly #parser = new RequestParser();
  name = "";
  libraryName = "";
  libraryVersion = "";
  login: Authorization | null;
  selector: Authorization | null = null;
  /** The reply that is still to come. No further request runs until it is written. */
  #later: LaterReply | null = null;
  begun = 0;
  readonly #acl: AclCheck;
  readonly #deadline: LoginDeadline;
  replyMode: ReplyMode = "on";
  transaction: Transaction | null = null;
  watcher: Watcher | null = null;
  tracked: TrackedClient | null = null;
  subscriptions: Subscriptions | null = null;
  /** Memory of the request whose reply is still to come, and of the part of the reply that is gathered. */
  #laterBytes = 0;
  /** The command that is answered later, if it waits for data. */
  blocked: BlockedCommand | null = null;
  /** From when the command at work came; see `Connection.answerTo`. */
  requestMark = -1;
  /** Pub/Sub messages that came while a command was running. They follow its reply. */
  readonly #pushes = new DeferredPushes();
  /** Messages also wait for a reply that comes later: part of it is in the output, or it confirms their subscription. */
  holdsPushes = false;
  #isRunning = false;
  #hold: PipelineHold | null = null;
  #isPeerEnded = false;
  /** The connection is not read from, since it has sent too much while a command waits. */
  #isPaused = false;
  /** No further request is read, after QUIT, a protocol error or CLIENT KILL. */
  isEnding = false;
  /** The connection has killed itself by CLIENT KILL: it ends once the reply is written. */
  endsAfterReply = false;
  lastCommandAt: number;
  requests = 0;
  isNoEvict = false;
  isMonitor = false;
  isExecuting = false;

  constructor(connection: Connection, server: RedisServer) {
    this.connection = connection;
    this.server = server;
    this.#deadline = new LoginDeadline(server.broker.timers, connection);
    this.#acl = new AclCheck(server.commandRules);
    this.id = server.takeSessionId();
    this.lastCommandAt = connection.openedAt;
    const { request } = this.#parser;
    this.context = new CommandContext({
      server,
      caller: this,
      client: this,
      out: connection.output,
      request,
    });
    this.login = server.broker.access.anonymous;
    this.#authorizationChanged();
    server.sessions.set(this.id, this);
  }

  get isAuthenticated(): boolean {
    return this.login !== null;
  }

  get authorization(): Authorization | null {
    return this.selector ?? this.login;
  }

  /** Where the client is, as rules name it. */
  get host(): string {
    return plainHost(this.connection.remote.host);
  }

  get address(): string {
    return addressText(this.connection.remote);
  }

  get user(): string {
    return this.login?.name ?? defaultUserName;
  }

  get place(): CallPlace {
    return this.isExecuting || this.transaction !== null ? "multi" : "toplevel";
  }

  get later(): LaterReplies | null {
    return this.isExecuting ? null : this;
  }

  get protocolVersion(): RespVersion {
    return this.context.reply.version;
  }

  publisherSeen(): void {
    this.server.broker.flow.requesterSeen(this.connection);
  }

  writerSeen(): void {
    this.server.broker.flow.writerSeen(this.connection);
  }

  holdUntilDurable(): void {
    this.connection.holdUntilDurable(this.server.broker.storage.pending);
  }

  /** A client that has not logged in may send only small requests, for a short time. */
  #authorizationChanged(): void {
    const { login: authorization, connection } = this;
    this.selector = null;
    this.#parser.unauthenticated = authorization === null;
    connection.settle(authorization !== null);
    authorization?.holders.add(this);
    if (authorization !== null) this.#deadline.cancel();
    else this.#deadline.begin();
  }

  userDeleted(): void {
    this.end();
  }

  /** As in Redis, a subscriber whose channels are no longer all allowed is disconnected. */
  rulesChanged(): void {
    if (this.subscriptions?.areAllowed() === false) this.end();
    else this.blocked?.rulesChanged();
  }

  get queryBufferBytes(): number {
    return this.#parser.inputBytes;
  }

  get isSubscriber(): boolean {
    return this.subscriptions !== null && this.subscriptions.count > 0;
  }

  onData(bytes: Buffer): void {
    if (this.isEnding) return;
    this.server.readsProcessed++;
    this.#parser.feed(bytes);
    this.#run();
  }

  #run(): void {
    const parser = this.#parser;
    const context = this.context;
    const { clock, work } = this.server.broker;
    const { output } = this.connection;
    this.lastCommandAt = clock.now();
    // At least one request runs, or clients that send few would wait for those that send many.
    for (let isFirst = true; !this.#isHeld && !this.isEnding && !this.isOutputFull; isFirst = false) {
      if (!isFirst && work.isSpent && parser.pendingBytes > 0) this.#ensureHold().untilNextTurn();
      if (this.#isHeld || !parser.next()) break;
      context.request = parser.request;
      this.requests++;
      const before = output.length;
      this.requestMark = this.connection.answerMark;
      this.#isRunning = true;
      if (this.replyMode === "on") dispatch(context, this);
      else dispatchWithoutReply(context, this);
      this.#isRunning = false;
      if (this.server.syncsAlways) holdChanges(this.server, this.connection, before);
      if (this.replyMode !== "on") this.replyMode = modeAfter(this.replyMode);
      if (!this.holdsPushes) this.#pushes.flushTo(this.connection.output);
      const replyBytes = Math.max(output.length - before, 0);
      work.spend(unitsOfRequest(context.request.argumentCount, replyBytes));
    }
    if (this.isOutputFull) parser.hold();
    if (this.#isHeld) {
      parser.hold();
      if (parser.heldBytes > blockedInputBytesMax && !this.#isPaused) {
        this.#isPaused = true;
        this.connection.pauseReading();
      }
    }
    if (parser.error !== "" && !this.isEnding) {
      context.reply.error(`ERR ${parser.error}`);
      this.end();
    }
    this.#tellHeld();
    this.connection.touch();
    if (this.#isPeerEnded && !this.#hasMoreToRun) this.end();
  }

  get #hasMoreToRun(): boolean {
    return this.#isHeld || (this.isOutputFull && this.#parser.pendingBytes > 0);
  }

  /** Requests sent before the end still run, unless a command waits for data, which may never come. */
  onPeerEnded(): void {
    if (this.blocked === null && this.#hasMoreToRun) this.#isPeerEnded = true;
    else this.end();
  }

  /** Memory that the connection holds for this client, without its output. */
  get heldBytes(): number {
    const pushes = this.#pushes.memoryBytes;
    return this.#parser.memoryBytes + (this.transaction?.bytes ?? 0) + this.#laterBytes + pushes;
  }

  #tellHeld(): void {
    this.connection.holdInput(this.heldBytes);
  }

  get largestHeldBytes(): number {
    return this.#parser.memoryBytes + this.#laterBytes;
  }

  /** A read that waits is no work. */
  get isAtWork(): boolean {
    return this.#isHeld && this.blocked === null;
  }

  onRefused(): void {
    this.transaction = null;
    this.#parser.stop("stopped");
    this.context.reply.error(
      "OOM too much memory is held by requests that are not whole, and most of it by this one",
    );
    this.end();
    this.connection.holdInput(0);
  }

  get awaitsReply(): boolean {
    return this.#later !== null;
  }

  /** Requests wait, for a reply that is still to come or for the next turn. */
  get #isHeld(): boolean {
    return this.awaitsReply || this.#hold?.isHeld === true;
  }

  #ensureHold(): PipelineHold {
    this.#hold ??= new PipelineHold(this.server.broker, this.connection, () => this.#resume());
    return this.#hold;
  }

  /** Small requests in one chunk may ask for gigabytes of replies. */
  get isOutputFull(): boolean {
    return this.connection.outputBytes > limits.outputHighWaterBytes;
  }

  // Replies that come later

  /**
   * The command at work is answered later, by what this returns. One that waited may be served by work that takes turns:
   * that has its place from then on, and what was said of its reply when it came still holds.
   */
  beginLater(work: LaterWork): LaterReply {
    return this.#begin(work, this.#later?.hasWaited ?? false);
  }

  #begin(work: LaterWork, hasWaited: boolean): LaterReply {
    const isWanted = this.#later?.isWanted ?? (this.replyMode === "on" || isConfirmed(this.context));
    this.blocked = null;
    this.begun++;
    const startedAt = this.server.observer.now;
    this.#later = new LaterReply(this, work, { isWanted, hasWaited, startedAt });
    return this.#later;
  }

  beginBlocked(work: BlockedCommand): LaterReply {
    const later = this.#begin(work, true);
    this.blocked = work;
    return later;
  }

  /** Call it before the bytes are appended. */
  touch(): void {
    if (this.server.syncsAlways) holdChanges(this.server, this.connection, this.connection.output.length);
    this.connection.touch();
  }

  get memoryBytes(): number {
    return this.heldBytes + this.connection.output.buffer.length;
  }

  /** Lets `context.request` outlive the command's handler, until the command is answered. One that waited has it already. */
  keepRequest(): void {
    if (this.#later === null) this.context.request = this.#parser.keep();
    this.holdLater(0);
  }

  holdLater(bytes: number): void {
    this.#laterBytes = this.context.request.memoryBytes + bytes;
    this.#tellHeld();
  }

  #letGoOfLater(): void {
    this.#later = null;
    this.blocked = null;
    this.#laterBytes = 0;
    this.context.request = this.#parser.request;
  }

  /** For `LaterReply` alone. */
  answerLater(later: LaterReply, write: () => boolean, isServed: boolean): void {
    if (this.#later !== later) return;
    const { context } = this;
    const { output } = this.connection;
    const before = output.length;
    const isInHandler = this.#isRunning;
    const isAboutOwn = isAboutClient(context);
    let isAnswered = true;
    const { observer, tracking } = this.server;
    const othersCommand = tracking.enter(this.tracked);
    const timedFrom = later.timedFrom(observer.now, isServed);
    this.#isRunning = true;
    runReply(context, () => void (isAnswered = write()));
    tracking.enter(othersCommand);
    this.#isRunning = isInHandler;
    if (this.server.syncsAlways) holdChanges(this.server, this.connection, Math.min(before, output.length));
    // Else what it waited for is answered by work that took its place, perhaps already.
    const isOwn = this.#later === later;
    const isOver = isAnswered && isOwn;
    if (isOwn && (!isAnswered || !later.isWanted)) output.length = before;
    if (isOver) {
      if (timedFrom !== null) observer.answered(context, context.spec, observer.now - timedFrom);
      if (!later.hasWaited || later.work.isWork === true) tracking.readUntilNow(context);
      this.#letGoOfLater();
      this.holdsPushes = false;
      if (this.endsAfterReply) this.end();
    }
    // The reply came before the handler returned: the loop in #run, which called it, goes on by itself.
    if (isInHandler) return;
    if (!this.holdsPushes) this.#pushes.flushTo(this.connection.output);
    if (isOver) tracking.ended(this, isAboutOwn);
    if (!isAnswered && output.length === before) return;
    this.#tellHeld();
    this.connection.touch();
    if (this.#later !== null) return;
    if (later.hasWaited) this.#ensureHold().untilTickEnd();
    else this.#resume();
  }

  /** Sends out-of-band bytes: never in the middle of a reply. */
  push(bytes: Buffer, length: number): void {
    if (this.connection.isClosed) return;
    if (this.#isRunning || this.holdsPushes) {
      this.#pushes.add(bytes, length);
      if (this.holdsPushes) this.#tellHeld();
      return;
    }
    this.connection.output.bytes(bytes, 0, length);
    this.connection.touch();
  }

  /** Pushes that have come since its command began stand before the reply, of which nothing is written. */
  pushesFirst(): void {
    if (this.replyMode === "on" && !this.holdsPushes) this.#pushes.flushTo(this.connection.output);
  }

  /** Bytes for this connection that have not left. */
  get unsentBytes(): number {
    return this.connection.outputBytes + this.#pushes.bytes;
  }

  ensureSubscriptions(): Subscriptions {
    this.subscriptions ??= new Subscriptions(this, this.server);
    return this.subscriptions;
  }

  unwatch(): void {
    if (this.watcher !== null) this.server.watches.unwatchAll(this.watcher);
    this.watcher = null;
  }

  /** EXEC, DISCARD: nothing is queued or watched any more. */
  endTransaction(): void {
    this.transaction = null;
    this.unwatch();
  }

  /** The requests behind a reply that came later run. */
  #resume(): void {
    if (this.connection.isClosed || this.isEnding) return;
    if (this.#isPaused) {
      this.#isPaused = false;
      this.connection.resumeReading();
    }
    this.#run();
  }

  /** Throws redis's error where the connection's state does not allow the command. */
  assertAllowed(spec: CommandSpec): void {
    if (!this.isAuthenticated && !spec.noAuth) throw new RedisError(errorTexts.noAuth);
    if (this.transaction !== null && spec.noMulti)
      throw new RedisError("ERR Command not allowed inside a transaction");
    this.#acl.assertAllows(this.context, this.transaction !== null);
    this.server.cluster?.assertOneSlot(spec, this.context.request);
    if (this.subscriptions !== null) this.subscriptions.assertAllowed(spec);
  }

  /** Asked when a command comes, and again when EXEC runs what was queued. */
  refusalOf(context: CommandContext): Refusal | null {
    return this.#acl.refusalOf(context, this.transaction !== null);
  }

  describe(): SessionFacts {
    return factsOf(this);
  }

  /** Closes as CLIENT KILL does: Redis has no message for this. */
  closeFor(_reason: string): void {
    this.connection.destroy();
  }

  noteRefusal(refusal: AclRefusal): void {
    this.server.aclLog.add(refusal, clientLine(this));
  }

  loggedIn(authorization: Authorization | null): void {
    this.login?.holders.delete(this);
    this.login = authorization;
    this.#authorizationChanged();
  }

  /** Sends what is written, then closes. */
  end(): void {
    this.isEnding = true;
    this.#abandonLater();
    this.connection.end();
  }

  #abandonLater(): void {
    this.#hold?.cancel();
    const later = this.#later;
    if (later === null) return;
    this.#letGoOfLater();
    later.work.abandon();
    this.#tellHeld();
  }

  /** The client has read its output: requests that waited for that run. */
  onWritable(): void {
    this.subscriptions?.past?.resume();
    if (this.#later !== null) this.#later.work.outputDrained?.();
    else if (this.#parser.pendingBytes > 0) this.#run();
  }

  onClosed(): void {
    this.isEnding = true;
    this.server.sessions.delete(this.id);
    this.server.observer.notWatchedBy(this);
    this.server.traffic.ended(this.connection);
    this.#deadline.cancel();
    this.login?.holders.delete(this);
    this.#abandonLater();
    this.subscriptions?.closed();
    this.unwatch();
    this.server.tracking.turnOff(this);
    this.server.broker.flow.gone(this.connection);
  }
}
