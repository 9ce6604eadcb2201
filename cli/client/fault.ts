/**
 * How a command that talks to a running broker can end: one line on stderr, and an exit code. docs/command-line.md has them in a table.
 *
 * Not here: the codes of `start` and `check` (StartError), and those of `import` and `export redis` (cli/redis/transfer-error.ts).
 */
export const exitCodes = {
  /** `diff` found something, `status` found a broker that is not ready. */
  different: 1,
  /** The command line, or a file that it names, is wrong. */
  usage: 2,
  /** No broker answers. */
  unreachable: 3,
  /** The name or the password is wrong, or the user has no right to it. */
  notAllowed: 4,
  /** What the command names is not there. */
  notFound: 5,
  /** The broker refused for another reason, or failed. */
  refused: 6,
  /** Ctrl-C, as shells have it. */
  interrupted: 130,
} as const;

export type FaultKind = keyof typeof exitCodes;

export class CliFault extends Error {
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string) {
    super(message);
    this.kind = kind;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }
}
