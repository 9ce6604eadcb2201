/**
 * One run of a script or function: on whose behalf, what it may do, what it has done.
 *
 * Not here: the machine that it runs in, its limits (time-limit.ts).
 */
import { noSlot } from "../../cluster/cluster-node.ts";
import type { CommandContext } from "../../core/context.ts";
import type { ScriptRights } from "../../core/dispatch.ts";
import type { RespVersion } from "../../wire/reply-writer.ts";

export interface RunOptions {
  /** What errors name: a script's SHA-1 or a function's name. */
  readonly name: string;
  readonly kind: "script" | "function";
  readonly readOnly: boolean;
  /** Its flag `allow-oom`. */
  readonly mayExceedMemory: boolean;
  /** Its commands may come to keys of different slots of a cluster. */
  readonly mayCrossSlots: boolean;
}

export class ScriptRun implements ScriptRights {
  readonly options: RunOptions;
  /** The caller's own, where the reply goes. */
  readonly outer: CommandContext;
  readonly startedAt: number;
  /** What replies of redis.call are in, by redis.setresp. */
  version: RespVersion = 2;
  /** It has run a command that writes. */
  hasWritten = false;
  slot: number = noSlot;
  /** SCRIPT KILL or FUNCTION KILL: it ends where it next looks. */
  isKilled = false;

  get readOnly(): boolean {
    return this.options.readOnly;
  }

  get mayExceedMemory(): boolean {
    return this.options.mayExceedMemory;
  }

  get mayCrossSlots(): boolean {
    return this.options.mayCrossSlots;
  }

  constructor(outer: CommandContext, options: RunOptions, startedAt: number) {
    this.outer = outer;
    this.options = options;
    this.startedAt = startedAt;
    const { cluster } = outer.server;
    if (cluster !== null) this.slot = cluster.slotOf(outer.spec, outer.request);
  }
}
