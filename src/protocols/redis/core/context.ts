/**
 * What a command handler gets: who calls, the request, where the reply goes, and what all callers share.
 *
 * One for each caller, reused for all its commands. A handler is a plain function `(context) => void`, named by its command's row;
 * it writes exactly one reply, or throws a `RedisError`, or is answered later (later-reply.ts) if its caller can wait. Only commands
 * that are about a connection ask for `client`: a script calls the others without one.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { RedisServer } from "../server.ts";
import { ReplyWriter } from "../wire/reply-writer.ts";
import type { Transaction } from "../transaction/queue.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { Caller } from "./caller.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { CommandSpec } from "./command-spec.ts";
import { errorTexts, RedisError } from "./errors.ts";
import type { KeyEvent } from "../notifications/key-events.ts";

export type CommandHandler = (context: CommandContext) => void;

/** Of the small integers that the runtimes keep without an object, one bit is for the other arguments. */
const lookBits = 29;

interface CallFrom {
  readonly server: RedisServer;
  readonly caller: Caller;
  /** Null for a caller that is no connection. */
  readonly client: ClientConnection | null;
  /** Where replies go. */
  readonly out: ByteWriter;
  readonly request: RequestArguments;
}

export class CommandContext {
  readonly server: RedisServer;
  readonly caller: Caller;
  readonly clientOrNull: ClientConnection | null;
  readonly reply: ReplyWriter;
  /** The command at work. Its bytes are valid until the handler returns; `clone()` what must live longer. */
  request: RequestArguments;
  spec: CommandSpec;
  /** The database that the caller has selected. */
  database = 0;
  /** 2 where commands do not count as uses of their keys: CLIENT NO-TOUCH. */
  usesFrom: 1 | 2 = 1;
  /** Which arguments the command at work has looked up as a reader: bits of the first ones; the highest bit: others, up to `#lookedUpTo`. */
  lookedUp = 0;
  #lookedUpTo = 0;
  /** The command whose time `#now` is. */
  #timed = -1;
  #now = 0;

  constructor({ server, caller, client, out, request }: CallFrom) {
    this.server = server;
    this.caller = caller;
    this.clientOrNull = client;
    this.reply = new ReplyWriter(out);
    this.request = request;
    this.spec = server.firstSpec;
  }

  get broker(): Broker {
    return this.server.broker;
  }

  /** The connection that the command is about. Throws without one, as for a command that scripts must not call. */
  get client(): ClientConnection {
    if (this.clientOrNull === null) throw new RedisError(errorTexts.noScript);
    return this.clientOrNull;
  }

  /** Wall time in ms, the same for all of a command that is over in its turn: what it lets expire is not over at once. */
  get now(): number {
    const { commandsProcessed, broker } = this.server;
    if (this.#timed !== commandsProcessed) {
      this.#timed = commandsProcessed;
      this.#now = broker.clock.now();
    }
    return this.#now;
  }

  /** The transaction that the command at work is to run: it is EXEC. */
  get executed(): Transaction | null {
    return this.spec.name === "exec" && this.clientOrNull !== null ? this.clientOrNull.transaction : null;
  }

  /** Where the streams of the selected database are. */
  get vhost(): Vhost {
    return this.server.vhostOf(this.database);
  }

  /** Whether the command looks argument `index` up for the first time. Above the first ones it looks them up in their order. */
  isFirstLook(index: number): boolean {
    if (index < lookBits) {
      const bit = 1 << index;
      if ((this.lookedUp & bit) !== 0) return false;
      this.lookedUp |= bit;
      return true;
    }
    if ((this.lookedUp & (1 << lookBits)) !== 0 && index <= this.#lookedUpTo) return false;
    this.lookedUp |= 1 << lookBits;
    this.#lookedUpTo = index;
    return true;
  }

  /** Tells those who listen to keyspace events what happened to the key in argument `index`. */
  notify(event: KeyEvent, index: number, database = this.database): void {
    const { notices } = this.server;
    if (notices.classes === 0) return;
    const { buffer, starts, ends } = this.request;
    notices.tell(event, database, buffer, starts[index]!, ends[index]!);
  }

  /** The same where something was taken from the key, which went with its last element if `isGone`. */
  notifyTaken(event: KeyEvent, index: number, isGone: boolean): void {
    const { notices } = this.server;
    if (notices.classes === 0) return;
    this.notify(event, index);
    if (!isGone) return;
    const { buffer, starts, ends } = this.request;
    notices.keyGone(this.database, buffer, starts[index]!, ends[index]!);
  }

  /** Tells those who WATCH or track the stream in argument `index` that it changed. Call it on every change. */
  keyChanged(index: number, database = this.database): void {
    if (this.server.hearsNoStreams) return;
    this.server.streamChanged(database, this.request.latin1(index));
  }
}
