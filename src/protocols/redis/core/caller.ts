/**
 * On whose behalf commands run, and how: a connection, or a script, which has none.
 *
 * Not here: what is about a connection as such (client-connection.ts), the request and where its reply goes (context.ts). A
 * caller is what a handler may ask while it runs a command on keys, streams or channels.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { AclRefusal, Refusal } from "../acl/refusal.ts";
import type { CommandContext } from "./context.ts";
import type { LaterReplies } from "./later-reply.ts";

/** How a command runs, in the words of ACL LOG: by itself, in EXEC, in a script. */
export type CallPlace = AclRefusal["context"];

export interface Caller {
  /** The user's rules, with its selectors. Null: the caller has to log in first. */
  readonly login: Authorization | null;
  /** The selector by which the command at work is allowed; null: the user's own rules allow it. */
  selector: Authorization | null;
  /** What decides for the command at work: the selector, or the user's own rules. */
  readonly authorization: Authorization | null;
  /** The user's name. */
  readonly user: string;
  /** Host and port of the connection, as lists of clients show them. */
  readonly address: string;
  /** The name that the connection has given itself, or nothing. */
  readonly name: string;
  /** Where the caller is, as rules name it. */
  readonly host: string;
  readonly place: CallPlace;
  /**
   * By which a reply may come after the handler has returned. Null where each command must answer at once, and so must not wait
   * for anything: in EXEC and in scripts.
   */
  readonly later: LaterReplies | null;
  /** What the caller's user may not do of the command in `context`. The refusal is noted in the ACL log. */
  refusalOf(context: CommandContext): Refusal | null;
  /** For the ACL log. */
  noteRefusal(refusal: AclRefusal): void;
  /** The command has added data: the caller is slowed down while the disk or memory is behind. */
  publisherSeen(): void;
  /** The command has changed or removed data, which needs the disk but no memory. */
  writerSeen(): void;
  /** The reply leaves once everything that has been written so far is on stable storage. */
  holdUntilDurable(): void;
}
