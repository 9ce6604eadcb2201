/**
 * The scripts that EVALSHA finds, by their SHA-1, and EVAL by their text.
 *
 * Not here: compiled code (it belongs to a machine, which may be replaced). Invariants: all texts together take at most
 * `luaScriptsBytesMax`; for that, scripts that only EVAL has brought are forgotten, the oldest first. What `findText` finds has that
 * very text.
 */
import { createHash } from "node:crypto";
import { limits } from "../../../../base/limits.ts";
import type { ScriptFlags } from "./shebang.ts";

/** What a cached script takes beside its text: its place here, and compiled. */
const overheadBytes = 512;

/** Of a text, for its place in the index: scripts of one library begin alike. */
const sampledBytes = 32;

/** No machine's number. */
export const notCompiled = 0;

export interface Script {
  readonly sha: string;
  /** As it was sent. */
  readonly text: Buffer;
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
  /**
   * By some bytes of their text: the script of those with the same ones that came last. Comparing a text costs a tenth of its
   * SHA-1, which is most of what EVAL of a short script costs beside its commands.
   */
  readonly #byText = new Map<number, Script>();
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

  /** The script with the text `bytes[start, end)`, if that is quickly found; else its SHA-1 tells. */
  findText(bytes: Buffer, start: number, end: number): Script | undefined {
    const script = this.#byText.get(sampleOf(bytes, start, end));
    if (script === undefined) return undefined;
    const { text } = script;
    return text.length === end - start && bytes.compare(text, 0, text.length, start, end) === 0
      ? script
      : undefined;
  }

  /** From now on `findText` finds it. */
  rememberText(script: Script): void {
    this.#byText.set(sampleOf(script.text, 0, script.text.length), script);
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
    this.rememberText(script);
    this.bytes += script.text.length + overheadBytes;
  }

  #remove(script: Script): void {
    this.#scripts.delete(script.sha);
    const sample = sampleOf(script.text, 0, script.text.length);
    if (this.#byText.get(sample) === script) this.#byText.delete(sample);
    this.bytes -= script.text.length + overheadBytes;
    this.#forget(script);
    script.machine = notCompiled;
  }

  clear(): void {
    this.#scripts.clear();
    this.#byText.clear();
    this.bytes = 0;
  }
}

/** A hash of the length and of bytes all over the text. */
function sampleOf(bytes: Uint8Array, start: number, end: number): number {
  const size = end - start;
  const step = Math.max(Math.floor(size / sampledBytes), 1);
  let hash = size;
  for (let at = start; at < end; at += step) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return hash;
}
