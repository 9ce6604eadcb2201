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
  /** What all of them together may do: see `effects` (core/command-spec.ts). */
  effects = 0;
  /** A command was refused when it was to be queued, so EXEC must not run the others. */
  isAborted = false;
  /** Memory that the commands take. */
  bytes = 0;

  queue(spec: CommandSpec, request: RequestArguments, effects: number): void {
    this.commands.push({ spec, request });
    if (spec.denyOom) this.needsRoom = true;
    this.effects |= effects;
    this.bytes += request.memoryBytes;
  }

  refused(): void {
    this.isAborted = true;
  }
}
