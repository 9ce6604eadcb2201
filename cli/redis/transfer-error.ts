/** How an import or export can fail: one line on stderr, and an exit code (docs/operations.md has them in a table). */
export const exitCodes = { failed: 1, damaged: 3, alreadyThere: 4, incomplete: 5 } as const;

export class TransferError extends Error {
  readonly exitCode: number;

  constructor(kind: keyof typeof exitCodes, message: string) {
    super(message);
    this.exitCode = exitCodes[kind];
  }
}
