/**
 * One Redis connection: reads requests, runs them in order, and holds what the connection has set.
 *
 * Not here: what commands do. Everything that few connections need (transaction, subscriptions, a blocked read) is made
 * when it is asked for, so that ten thousand idle connections are cheap. Invariant: while a reply is to come later
 * (later-reply.ts), no further request of this connection runs; nor does one while the client leaves more than
 * `outputHighWaterBytes` unread.
 */
import type { Connection, Session } from "../contract.ts";
import type { Authorization, Holder } from "../../broker/access/permissions.ts";
import { defaultUserName } from "../../broker/access/users.ts";
import { plainHost } from "../../base/addresses.ts";
import type { Timer } from "../../base/clock.ts";
import { AclCheck, type Refusal, refusalOf, refusalText } from "./acl/check.ts";
import type { AclRefusal } from "./acl/log.ts";
import type { BlockedRead } from "./blocking.ts";
import { commandLookup } from "./command-table.ts";
import { clientLine } from "./client-line.ts";
import { CommandContext } from "./context.ts";
import { dispatch, runReply } from "./dispatch.ts";
import { errorTexts, RedisError } from "./errors.ts";
import { LaterReply, type LaterWork } from "./later-reply.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { limits } from "../../base/limits.ts";
import type { Job, RunningJob } from "../../base/turn-work.ts";
import { Subscriptions } from "./pubsub.ts";
import type { RedisServer } from "./server.ts";
import type { CommandSpec } from "./table-spec.ts";
import type { Transaction } from "./transactions.ts";
import type { Watcher } from "./watches.ts";
import { RequestParser } from "./wire/request-parser.ts";

/** CLIENT REPLY: `skipNext` is set by SKIP and becomes `skip` for the one command that follows. */
export type ReplyMode = "on" | "off" | "skip" | "skipNext";

const pingName = Buffer.from("ping");
const firstSpec = commandLookup.find(pingName, 0, pingName.length)!;

/** What a connection may send behind a command that is answered later before it is no longer read from. */
const blockedInputBytesMax = 1 << 20;

/** What one request of a pipeline costs its turn (turn-work.ts), roughly: itself, an argument, a byte of its reply. */
const unitsOfRequest = 0.25;
const unitsOfArgument = 0.25;
const unitsOfReplyByte = 1 / 1024;

const confirmedAlways = new Set([
  "subscribe",
  "psubscribe",
  "ssubscribe",
  "unsubscribe",
  "punsubscribe",
  "sunsubscribe",
]);

function* nothing(): Job<void> {}

export class RedisSession implements Session, Holder {
  readonly id: number;
  readonly server: RedisServer;
  readonly connection: Connection;
  readonly context: CommandContext;
  readonly #parser = new RequestParser();
  name = "";
  libraryName = "";
  libraryVersion = "";
  /** Null: it has to log in first. */
  authorization: Authorization | null;
  /** A command that is answered later: nothing behind it runs until then. */
  #later: LaterReply | null = null;
  readonly #acl = new AclCheck();
  /** Ends a connection that does not log in. */
  #deadline: Timer | null = null;
  replyMode: ReplyMode = "on";
  transaction: Transaction | null = null;
  watcher: Watcher | null = null;
  subscriptions: Subscriptions | null = null;
  /** The request of a command that is answered later, and what is gathered of its reply. */
  #laterBytes = 0;
  /** The command that is answered later, if it is a read that waits. */
  blocked: BlockedRead | null = null;
  /** From when the command at work came; see `Connection.answerTo`. */
  requestMark = -1;
  /** Messages to this connection that came while it ran a command: they follow its reply. */
  #deferredPushes: ByteWriter | null = null;
  /** The same until the reply that comes later is sent: it is half in the output, or confirms what they are of. */
  holdsPushes = false;
  #isRunning = false;
  /** There are requests left, for which this turn has no units. */
  #turnWait: RunningJob | null = null;
  #isPeerEnded = false;
  /** Waits, and sent so much meanwhile that it is not read from. */
  #isPaused = false;
  /** No further request is read: QUIT, a protocol error, CLIENT KILL. */
  isEnding = false;
  /** CLIENT KILL of the connection that sends it. */
  endsAfterReply = false;
  lastCommandAt: number;
  isNoEvict = false;

  constructor(connection: Connection, server: RedisServer) {
    this.connection = connection;
    this.server = server;
    this.id = server.takeSessionId();
    this.lastCommandAt = connection.openedAt;
    this.context = new CommandContext(server, this, this.#parser.request, firstSpec);
    this.authorization = server.broker.access.anonymous;
    this.#authorizationChanged();
    server.sessions.set(this.id, this);
  }

  get isAuthenticated(): boolean {
    return this.authorization !== null;
  }

  /** Where the client is, as rules name it. */
  get host(): string {
    return plainHost(this.connection.remote.host);
  }

  get user(): string {
    return this.authorization?.name ?? defaultUserName;
  }

  /** Who has not logged in may send little, and not for long. */
  #authorizationChanged(): void {
    const { authorization, connection } = this;
    this.#parser.unauthenticated = authorization === null;
    connection.settle(authorization !== null);
    authorization?.holders.add(this);
    if (authorization !== null) {
      this.#deadline?.cancel();
      this.#deadline = null;
    } else this.#deadline ??= this.server.broker.timers.after(limits.loginMsMax, () => connection.destroy());
  }

  userDeleted(): void {
    this.end();
  }

  /** As in Redis, whoever listens to what it may no longer is disconnected. */
  rulesChanged(): void {
    if (this.subscriptions?.areAllowed() === false) this.end();
    else this.blocked?.rulesChanged();
  }

  get queryBufferBytes(): number {
    return this.#parser.heldBytes;
  }

  get isSubscriber(): boolean {
    return this.subscriptions !== null && this.subscriptions.count > 0;
  }

  onData(bytes: Buffer): void {
    if (this.isEnding) return;
    this.#parser.feed(bytes);
    this.#run();
  }

  #run(): void {
    const parser = this.#parser;
    const context = this.context;
    const reply = context.reply;
    const { clock, work } = this.server.broker;
    const { output } = this.connection;
    this.lastCommandAt = clock.now();
    // One at least, or whoever sends few requests would wait for those who send many.
    for (let isFirst = true; !this.#isHeld && !this.isEnding && !this.isOutputFull; isFirst = false) {
      if (!isFirst && work.isSpent && parser.pendingBytes > 0) this.#waitForTurn();
      if (this.#isHeld || !parser.next()) break;
      context.request = parser.request;
      const before = output.length;
      this.#isRunning = true;
      if (this.replyMode === "on") dispatch(context);
      else this.#dispatchWithoutReply();
      this.#isRunning = false;
      if (this.replyMode === "skip") this.replyMode = "on";
      else if (this.replyMode === "skipNext") this.replyMode = "skip";
      if (this.#deferredPushes !== null) this.#flushPushes();
      const replyBytes = Math.max(output.length - before, 0);
      work.spend(
        Math.ceil(
          unitsOfRequest + unitsOfArgument * context.request.argumentCount + unitsOfReplyByte * replyBytes,
        ),
      );
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
      reply.error(`ERR ${parser.error}`);
      this.end();
    }
    this.#tellHeld();
    this.connection.touch();
    if (this.#isPeerEnded && !this.#hasMoreToRun) this.end();
  }

  get #hasMoreToRun(): boolean {
    return this.#isHeld || (this.isOutputFull && this.#parser.pendingBytes > 0);
  }

  /** What was sent before the end is run, unless it waits for what may never come. */
  onPeerEnded(): void {
    if (this.blocked === null && this.#hasMoreToRun) this.#isPeerEnded = true;
    else this.end();
  }

  /** What the connection holds of this client, beside its output. */
  get heldBytes(): number {
    const pushes = this.#deferredPushes?.buffer.length ?? 0;
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

  /** A command waits for something, and those behind it for that command; or they wait for their turn. */
  get #isHeld(): boolean {
    return this.#later !== null || this.#turnWait !== null;
  }

  /** A pipeline goes on in the next turn, so that others are served between its requests. */
  #waitForTurn(): void {
    this.#turnWait = this.server.broker.work.run(nothing(), () => {
      this.#turnWait = null;
      this.connection.answerTo(this.connection.answerMark, () => this.#resume());
    });
  }

  /** One chunk of small requests may ask for gigabytes. */
  get isOutputFull(): boolean {
    return this.connection.outputBytes > limits.outputHighWaterBytes;
  }

  /** Runs a command whose reply the client does not want; what CLIENT REPLY itself answers is for it to say. */
  #dispatchWithoutReply(): void {
    const output = this.connection.output;
    const before = output.length;
    // A command that is refused leaves the spec as it is.
    this.context.spec = firstSpec;
    dispatch(this.context);
    // CLIENT REPLY ON answers for itself.
    if (this.replyMode !== "on" && !this.#isConfirmed) output.length = before;
  }

  /** Confirmations of subscriptions are messages rather than replies. */
  get #isConfirmed(): boolean {
    return confirmedAlways.has(this.context.spec.fullName);
  }

  /** The request is one of HTTP: the connection ends, without an answer, before its body is taken for commands. */
  crossedProtocols(): void {
    const { host, port } = this.connection.remote;
    this.server.crossProtocolLog.add({ remote: `${host}:${port}` });
    this.connection.destroy();
  }

  // Replies that come later

  /**
   * The command at work is answered later, by what this returns. One that waited may be served by work that takes turns:
   * that has its place from then on, and what was said of its reply when it came still holds.
   */
  beginLater(work: LaterWork): LaterReply {
    const isWanted = this.#later?.isWanted ?? (this.replyMode === "on" || this.#isConfirmed);
    this.blocked = null;
    this.#later = new LaterReply(this, work, isWanted);
    return this.#later;
  }

  /** Lets `context.request` outlive the command's handler, until the command is answered. A read that waits needs none. */
  keepRequest(): void {
    if (this.#later === null) this.context.request = this.#parser.keep();
    this.holdLater(0);
  }

  /** So much is gathered of the reply that comes later. */
  holdLater(replyBytes: number): void {
    this.#laterBytes = this.context.request.memoryBytes + replyBytes;
    this.#tellHeld();
  }

  #letGoOfLater(): void {
    this.#later = null;
    this.blocked = null;
    this.#laterBytes = 0;
    this.context.request = this.#parser.request;
  }

  /** For `LaterReply` alone. */
  answerLater(later: LaterReply, write: () => boolean): void {
    if (this.#later !== later) return;
    const { context } = this;
    const { output } = this.connection;
    const before = output.length;
    const isInHandler = this.#isRunning;
    let isAnswered = true;
    this.#isRunning = true;
    runReply(context, () => {
      isAnswered = write();
    });
    this.#isRunning = isInHandler;
    // Else what it waited for is answered by work that took its place, perhaps already.
    if (this.#later === later) {
      if (!isAnswered || !later.isWanted) output.length = before;
      if (isAnswered) {
        this.#letGoOfLater();
        this.holdsPushes = false;
        if (this.endsAfterReply) this.end();
      }
    }
    // It was answered before its handler returned, and the loop that had called that one goes on by itself.
    if (isInHandler) return;
    if (this.#deferredPushes !== null) this.#flushPushes();
    this.#tellHeld();
    this.connection.touch();
    if (this.#later === null) this.#resume();
  }

  /** Sends out-of-band bytes: never in the middle of a reply. */
  push(bytes: Buffer, length: number): void {
    if (this.connection.isClosed) return;
    if (this.#isRunning || this.holdsPushes) {
      this.#deferredPushes ??= new ByteWriter();
      this.#deferredPushes.bytes(bytes, 0, length);
      if (this.holdsPushes) this.#tellHeld();
      return;
    }
    this.connection.output.bytes(bytes, 0, length);
    this.connection.touch();
  }

  /** Bytes for this connection that have not left. */
  get unsentBytes(): number {
    return this.connection.outputBytes + (this.#deferredPushes?.length ?? 0);
  }

  #flushPushes(): void {
    if (this.holdsPushes) return;
    const pushes = this.#deferredPushes!;
    this.#deferredPushes = null;
    this.connection.output.bytes(pushes.buffer, 0, pushes.length);
  }

  ensureSubscriptions(): Subscriptions {
    this.subscriptions ??= new Subscriptions(this);
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

  /** RESET: as the connection was when it began. */
  reset(): void {
    this.endTransaction();
    this.subscriptions?.unsubscribeAll();
    this.subscriptions = null;
    this.context.database = 0;
    this.context.reply.version = 2;
    this.name = "";
    this.replyMode = "on";
    this.isNoEvict = false;
    this.authorization?.holders.delete(this);
    this.authorization = this.server.broker.access.anonymous;
    this.#authorizationChanged();
  }

  /** The reply that was to come later is written: the requests that waited behind it run. */
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
    if (this.subscriptions !== null) this.subscriptions.assertAllowed(spec);
    if (this.transaction !== null && spec.noMulti)
      throw new RedisError("ERR Command not allowed inside a transaction");
    const refusal = this.refusalOf(spec, this.transaction === null ? "toplevel" : "multi");
    if (refusal !== null) throw new RedisError(`NOPERM ${refusalText(refusal)}`);
  }

  /** What the user may not do; asked again when EXEC runs what was queued. */
  refusalOf(spec: CommandSpec, where: AclRefusal["context"]): Refusal | null {
    const { authorization, server, context } = this;
    if (authorization === null) return null;
    const { request, database } = context;
    if (this.#acl.isFree(authorization, database)) return null;
    const isQueued = this.transaction !== null;
    const refusal = refusalOf(this, { server, spec, request, database, isQueued });
    if (refusal !== null) {
      const { what, name } = refusal;
      this.noteRefusal({ reason: what, context: where, object: name, username: this.user });
    }
    return refusal;
  }

  noteRefusal(refusal: AclRefusal): void {
    this.server.aclLog.add(refusal, clientLine(this));
  }

  loggedIn(authorization: Authorization): void {
    this.authorization?.holders.delete(this);
    this.authorization = authorization;
    this.#authorizationChanged();
  }

  /** Sends what is written, then closes. */
  end(): void {
    this.isEnding = true;
    this.#abandonLater();
    this.connection.end();
  }

  #abandonLater(): void {
    this.#turnWait?.cancel();
    this.#turnWait = null;
    const later = this.#later;
    if (later === null) return;
    this.#letGoOfLater();
    later.work.abandon();
    this.#tellHeld();
  }

  /** The client has read: the requests that waited for that run. */
  onWritable(): void {
    if (this.#later !== null) this.#later.work.outputDrained?.();
    else if (this.#parser.pendingBytes > 0) this.#run();
  }

  onClosed(): void {
    this.isEnding = true;
    this.server.sessions.delete(this.id);
    this.#deadline?.cancel();
    this.authorization?.holders.delete(this);
    this.#abandonLater();
    this.subscriptions?.closed();
    this.unwatch();
    this.server.broker.publisherGone(this.connection);
  }
}
