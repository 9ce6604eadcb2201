/** What a user was refused: as an answer to who asked, and as a line of the ACL log. Types only. */

/** What was refused, for the texts of ACL DRYRUN and NOPERM. */
export interface Refusal {
  readonly what: "command" | "key" | "channel";
  readonly name: string;
  /** The argument that named it; 0 for the command. */
  readonly index: number;
}

export interface AclRefusal {
  readonly reason: "auth" | "command" | "key" | "channel";
  /** How the command ran that was refused. */
  readonly context: "toplevel" | "multi" | "lua";
  /** The command, key or channel; of a login the command that brought it. */
  readonly object: string;
  /** The user who was refused; for a login, the user name that was given. */
  readonly username: string;
}
