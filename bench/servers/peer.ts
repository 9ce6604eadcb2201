/** What all peers have in common once they are up. Not here: how each is started. */
import { removeDirectory, type Started, stopProcess, usageOf } from "../base/process.ts";
import type { Server, ServerPorts } from "../contract.ts";

export interface RunningPeer {
  readonly name: string;
  readonly ports: ServerPorts;
  /** Of the server itself, not of a script before it; `taskset` becomes what it runs. */
  readonly pid: number;
  readonly readyMs: number;
  readonly directory: string;
  /** In the order in which they are ended. */
  readonly processes: readonly Started[];
  /** It is asked to end, and its directory stays. */
  readonly isKept?: boolean;
}

export function runningPeer({
  name,
  ports,
  pid,
  readyMs,
  directory,
  processes,
  isKept = false,
}: RunningPeer): Server {
  return {
    name,
    isTroikaMQ: false,
    ports,
    pid,
    readyMs,
    usage: () => usageOf(pid),
    async stop() {
      for (const started of processes) await stopProcess(started, isKept ? "SIGTERM" : "SIGKILL");
      if (!isKept) removeDirectory(directory);
    },
  };
}
