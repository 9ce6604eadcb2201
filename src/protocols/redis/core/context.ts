/**
 * What a command handler gets: the request, where its reply goes, and the connection's and the server's state.
 *
 * One for each connection, reused for all its commands. A handler is a plain function `(context) => void`, named by its command's
 * row; it writes exactly one reply, or throws a `RedisError`, or is answered later (later-reply.ts).
 */
import type { Broker } from "../../../broker/broker.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { RedisServer } from "../server.ts";
import type { RedisSession } from "../session.ts";
import type { CommandSpec } from "./command-spec.ts";
import { ReplyWriter } from "../wire/reply-writer.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

export type CommandHandler = (context: CommandContext) => void;

export class CommandContext {
  readonly server: RedisServer;
  readonly session: RedisSession;
  readonly reply: ReplyWriter;
  /** The command at work. Its bytes are valid until the handler returns; `clone()` what must live longer. */
  request: RequestArguments;
  spec: CommandSpec;
  /** The database that the connection has selected. */
  database = 0;
  /** EXEC runs the command: it must not block. */
  isInTransaction = false;

  constructor(server: RedisServer, session: RedisSession, request: RequestArguments, spec: CommandSpec) {
    this.server = server;
    this.session = session;
    this.reply = new ReplyWriter(session.connection.output);
    this.request = request;
    this.spec = spec;
  }

  get broker(): Broker {
    return this.server.broker;
  }

  /** Where the streams of the selected database are. */
  get vhost(): Vhost {
    return this.server.vhostOf(this.database);
  }

  /** Tells those who WATCH the key in argument `index` that it changed. Call it on every change. */
  keyChanged(index: number): void {
    if (this.server.watches.isEmpty) return;
    this.server.watches.keyChanged(this.database, this.request.latin1(index));
  }
}
