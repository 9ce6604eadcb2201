/**
 * Waiting for an operation that goes on in the broker: people are told at once which it is, then how far, and when they leave it that it
 * goes on without them.
 */
import { exitCodes } from "../fault.ts";
import type { Printer } from "../output/printer.ts";
import { countText } from "../output/text.ts";
import { type Api, path } from "./api.ts";

export interface OperationNow {
  readonly state: string;
  readonly moved: number;
  readonly matched: number;
}

const pollMsFirst = 10;
const pollMsMost = 500;
/** What ends sooner needs no word before its end. */
const quietMs = 1000;
/** Between two words about how far it is. */
const tellMs = 2000;

/** What it has become in the end; `done` says what is counted: `moved`, or in a dry run `counted`. */
export async function ended<Now extends OperationNow>(
  { api, printer }: { readonly api: Api; readonly printer: Printer },
  id: string,
  done: string,
): Promise<Now> {
  const leave = (): void => {
    process.stderr.write(`\nit goes on as operation ${id}; to end it: troikamq operations --cancel ${id}\n`);
    process.exit(exitCodes.interrupted);
  };
  process.once("SIGINT", leave);
  try {
    let pollMs = pollMsFirst;
    let waitedMs = 0;
    let tellAtMs = quietMs;
    for (;;) {
      const now = await api.get<Now>(path`/api/troika/operations/${id}`);
      if (now.state !== "running") return now;
      if (waitedMs >= tellAtMs) {
        if (tellAtMs === quietMs) printer.remark(`operation ${id} runs; Ctrl-C leaves it running`);
        printer.remark(`${countText(done === "counted" ? now.matched : now.moved)} ${done} so far`);
        tellAtMs = waitedMs + tellMs;
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      waitedMs += pollMs;
      pollMs = Math.min(pollMs * 2, pollMsMost);
    }
  } finally {
    process.off("SIGINT", leave);
  }
}
