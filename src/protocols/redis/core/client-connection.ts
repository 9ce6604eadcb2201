/**
 * A connection as commands see it that are about a connection: CLIENT, HELLO, SUBSCRIBE, MULTI, RESET and so on.
 *
 * Not here: who the user is and whether a command may wait (caller.ts); how requests are read (../session.ts, which implements
 * this). Such commands have the flag `noscript`: a script has no connection.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { Connection } from "../../contract.ts";
import type { Subscriptions } from "../pubsub/subscriptions.ts";
import type { Transaction } from "../transaction/queue.ts";
import type { TrackedClient } from "../tracking/tracked-client.ts";
import type { Watcher } from "../transaction/watches.ts";
import type { CommandSpec } from "./command-spec.ts";
import type { CommandContext } from "./context.ts";
import type { BlockedCommand } from "./later-reply.ts";

/** CLIENT REPLY: `skipNext` is set by SKIP and becomes `skip` for the one command that follows. */
export type ReplyMode = "on" | "off" | "skip" | "skipNext";

export interface ClientConnection {
  readonly id: number;
  readonly connection: Connection;
  /** Its database, protocol version and last command. */
  readonly context: CommandContext;
  readonly user: string;
  readonly isAuthenticated: boolean;
  readonly lastCommandAt: number;
  readonly queryBufferBytes: number;
  /** What was pushed since its command began goes before the reply, of which nothing may be written yet. */
  pushesFirst(): void;
  name: string;
  libraryName: string;
  libraryVersion: string;
  replyMode: ReplyMode;
  isNoEvict: boolean;
  /** What it holds of unfinished input, queued commands, and output. */
  readonly memoryBytes: number;
  /** MONITOR: it is told of all commands. */
  isMonitor: boolean;
  /** Bytes for it that have not left. */
  readonly unsentBytes: number;
  /** Sends bytes outside of replies. */
  push(bytes: Buffer, length: number): void;
  /** EXEC runs what was queued. */
  isExecuting: boolean;
  /** CLIENT KILL of the connection that sends it: it ends once the reply is written. */
  endsAfterReply: boolean;
  transaction: Transaction | null;
  watcher: Watcher | null;
  /** Of its client-side cache; null while it has not turned tracking on. */
  tracked: TrackedClient | null;
  subscriptions: Subscriptions | null;
  readonly isSubscriber: boolean;
  /** The reply of a command is still to come. */
  readonly awaitsReply: boolean;
  /** A command waits for keys, or goes on in later turns. */
  readonly isAtWork: boolean;
  /** The command that waits for data, if one does. */
  readonly blocked: BlockedCommand | null;
  ensureSubscriptions(): Subscriptions;
  /** The user's rules have changed: what it may no longer listen to or wait for ends. */
  rulesChanged(): void;
  unwatch(): void;
  /** Nothing is queued or watched any more. */
  endTransaction(): void;
  /** From now on it acts as that user; null: as nobody, until it logs in. */
  loggedIn(authorization: Authorization | null): void;
  /** Sends what is written, then closes. */
  end(): void;
  /** Throws redis's error where the connection's state or its user's rules do not allow the command. */
  assertAllowed(spec: CommandSpec): void;
}
