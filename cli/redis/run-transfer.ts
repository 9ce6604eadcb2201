/** Runs an import or export: its lines go to stdout, or the one that says why it failed to stderr. */
import { Progress } from "./progress.ts";
import { TransferError } from "./transfer-error.ts";

export interface Outcome {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

export async function runTransfer(transfer: (progress: Progress) => Promise<Outcome>): Promise<number> {
  const { stdout, stderr } = process;
  const progress = new Progress(stderr, () => performance.now());
  try {
    const { lines, exitCode } = await transfer(progress);
    progress.end();
    stdout.write(lines.map((line) => `${line}\n`).join(""));
    return exitCode;
  } catch (error) {
    progress.end();
    if (!(error instanceof TransferError)) throw error;
    stderr.write(`troikamq: ${error.message}\n`);
    return error.exitCode;
  }
}
