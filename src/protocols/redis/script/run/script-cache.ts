/**
 * The scripts that EVALSHA finds, by their SHA-1.
 *
 * Not here: compiled code (it belongs to a machine, which may be replaced). Invariant: all texts together take at most
 * `luaScriptsBytesMax`; for that, scripts that only EVAL has brought are forgotten, the oldest first.
 */
import { createHash } from "node:crypto";
import { limits } from "../../../../base/limits.ts";
import type { ScriptFlags } from "./shebang.ts";

/** What a cached script takes beside its text: its place here, and compiled. */
const overheadBytes = 512;

/** No machine's number. */
export const notCompiled = 0;

export interface Script {
  readonly sha: string;
  /** The text that is compiled: without a first line that says `#!lua`. */
  readonly body: Buffer;
  readonly flags: ScriptFlags | null;
  /** The number of the machine that it is compiled in, and the reference to it there. A machine that was dropped is not held. */
  machine: number;
  reference: number;
  /** SCRIPT LOAD has brought it: it stays until SCRIPT FLUSH. */
  isLoaded: boolean;
}

export function scriptSha(text: Uint8Array): string {
  return createHash("sha1").update(text).digest("hex");
}

export class ScriptCache {
  readonly #scripts = new Map<string, Script>();
  readonly #forget: (script: Script) => void;
  bytes = 0;

  /** `forget`: the compiled script is not needed any more. */
  constructor(forget: (script: Script) => void) {
    this.#forget = forget;
  }

  get size(): number {
    return this.#scripts.size;
  }

  find(sha: string): Script | undefined {
    return this.#scripts.get(sha);
  }

  /** Whether there is room. Oldest scripts of EVAL give way. */
  makeRoom(size: number): boolean {
    if (this.bytes + size + overheadBytes <= limits.luaScriptsBytesMax) return true;
    for (const script of this.#scripts.values()) {
      if (script.isLoaded) continue;
      this.#remove(script);
      if (this.bytes + size + overheadBytes <= limits.luaScriptsBytesMax) return true;
    }
    return false;
  }

  add(script: Script): void {
    this.#scripts.set(script.sha, script);
    this.bytes += script.body.length + overheadBytes;
  }

  #remove(script: Script): void {
    this.#scripts.delete(script.sha);
    this.bytes -= script.body.length + overheadBytes;
    this.#forget(script);
    script.machine = notCompiled;
  }

  clear(): void {
    this.#scripts.clear();
    this.bytes = 0;
  }
}
