/** The first line of a script or library: `#!lua name=NAME flags=FLAG,FLAG`, in redis's words where it is wrong. */
import { RedisError } from "../../core/errors.ts";
import { splitInline } from "../../wire/inline-request.ts";
import { RequestArguments } from "../../wire/request-arguments.ts";

const flagNames = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"] as const;
export type FlagName = (typeof flagNames)[number];
export type ScriptFlags = ReadonlySet<FlagName>;

export function isFlagName(name: string): name is FlagName {
  return (flagNames as readonly string[]).includes(name);
}

/** The words of a first line, which may be in quotes as those of an inline request; null where the quotes are wrong. */
export function wordsOfFirstLine(text: Buffer, end: number): string[] | null {
  const words = new RequestArguments();
  if (!splitInline(text, 0, end, words)) return null;
  return Array.from({ length: words.argumentCount }, (_, at) => words.latin1(at));
}

/** The flags that a script's first line names, and the text to compile; null for a script without such a line. */
export function readScriptLine(text: Buffer): { flags: ScriptFlags | null; body: Buffer } {
  if (text[0] !== 0x23 || text[1] !== 0x21) return { flags: null, body: text };
  const end = text.indexOf(0x0a);
  if (end < 0) throw new RedisError("ERR Invalid script shebang");
  const words = wordsOfFirstLine(text, end);
  if (words === null) throw new RedisError("ERR Invalid engine in script shebang");
  if (words[0] !== "#!lua") throw new RedisError(`ERR Unexpected engine in script shebang: ${words[0]}`);
  const flags = new Set<FlagName>();
  for (const word of words.slice(1)) {
    if (!word.toLowerCase().startsWith("flags="))
      throw new RedisError(`ERR Unknown lua shebang option: ${word}`);
    const names = word.slice("flags=".length);
    for (const name of names === "" ? [] : names.split(",")) {
      if (!isFlagName(name)) throw new RedisError(`ERR Unexpected flag in script shebang: ${name}`);
      flags.add(name);
    }
  }
  // The line end stays, so that the next line is number 2.
  return { flags, body: text.subarray(end) };
}
