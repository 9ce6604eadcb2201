/** MULTI: the commands that wait for EXEC. They own their bytes; running them is exec.ts. Watched keys are in watches.ts. */
import type { CommandSpec } from "../core/command-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

interface QueuedCommand {
  readonly spec: CommandSpec;
  readonly request: RequestArguments;
}

export class Transaction {
  readonly commands: QueuedCommand[] = [];
  /** One of the commands adds data. */
  needsRoom = false;
  /** One of them is of those that write. */
  writes = false;
  /** One of them writes, or may reach the replicas of a redis. */
  mayReplicate = false;
  /** One of them reads or writes keys, or may reach replicas. */
  touchesKeys = false;
  /** A command was refused when it was to be queued, so EXEC must not run the others. */
  isAborted = false;
  /** Memory that the commands take. */
  bytes = 0;

  /** `writesByRequest`: as in the command's row. */
  queue(spec: CommandSpec, request: RequestArguments, writesByRequest: boolean | null): void {
    const mayReplicate = writesByRequest ?? (spec.write || spec.mayReplicate);
    this.commands.push({ spec, request });
    if (spec.denyOom) this.needsRoom = true;
    if (mayReplicate) this.mayReplicate = true;
    if (writesByRequest ?? spec.write) this.writes = true;
    if (mayReplicate || spec.flags.includes("readonly")) this.touchesKeys = true;
    this.bytes += request.memoryBytes;
  }

  refused(): void {
    this.isAborted = true;
  }
}
