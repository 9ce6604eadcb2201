/** What the options need to know of the machine, and what INFO tells of the process. */
import { machine, release, totalmem, type as systemName } from "node:os";
import type { Machine } from "./config/options.ts";

/** The memory this process may have: the machine's, or the container's where that is less. */
export function thisMachine(): Machine {
  const constrained = process.constrainedMemory();
  return { memoryBytesTotal: constrained > 0 ? Math.min(totalmem(), constrained) : totalmem() };
}

const microsecondsOfSecond = 1_000_000;

export const hostFacts = {
  system: `${systemName()} ${release()} ${machine()}`,
  pid: process.pid,
  executable: process.execPath,
  cpuSeconds(): { user: number; system: number } {
    const { user, system } = process.cpuUsage();
    return { user: user / microsecondsOfSecond, system: system / microsecondsOfSecond };
  },
};
