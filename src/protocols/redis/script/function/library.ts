/** A function library: its code, its functions, and the first line that names it. */
import { RedisError } from "../../core/errors.ts";
import { type ScriptFlags, wordsOfFirstLine } from "../run/shebang.ts";

export interface LibraryFunction {
  readonly name: string;
  readonly description: string | null;
  readonly flags: ScriptFlags;
  /** Where the machine has it. */
  readonly reference: number;
}

export interface Library {
  readonly name: string;
  /** As it was given, with its first line. */
  readonly code: Buffer;
  /** By `functionKey`. */
  readonly functions: ReadonlyMap<string, LibraryFunction>;
}

const nameAllowed = /^\w+$/;

export function isGoodName(name: string): boolean {
  return nameAllowed.test(name);
}

/** Functions are found in any case. */
export function functionKey(name: string): string {
  return name.toLowerCase();
}

/** The library's name, and the code behind the first line. Throws redis's error. */
export function readLibraryLine(code: Buffer): { name: string; body: Buffer } {
  if (code[0] !== 0x23 || code[1] !== 0x21) throw new RedisError("ERR Missing library metadata");
  const end = code.indexOf(0x0a);
  if (end < 0) throw new RedisError("ERR Invalid library metadata");
  const words = wordsOfFirstLine(code, end);
  if (words === null) throw new RedisError("ERR Invalid library metadata");
  const engine = (words[0] ?? "").slice(2);
  let name: string | undefined;
  for (const word of words.slice(1)) {
    if (!word.toLowerCase().startsWith("name="))
      throw new RedisError(`ERR Invalid metadata value given: ${word}`);
    if (name !== undefined)
      throw new RedisError("ERR Invalid metadata value, name argument was given multiple times");
    name = word.slice("name=".length);
  }
  if (name === undefined) throw new RedisError("ERR Library name was not given");
  if (!isGoodName(name))
    throw new RedisError(
      "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
    );
  if (engine.toLowerCase() !== "lua") throw new RedisError(`ERR Engine '${engine}' not found`);
  return { name, body: code.subarray(end) };
}
