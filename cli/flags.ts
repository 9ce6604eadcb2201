/**
 * Flags of subcommands that are no options of the broker (src/base/config): `--name`, `--name VALUE` or `--name=VALUE`, and what stands
 * between them. What `--help` shows is the same table.
 */
import { StartError } from "../src/base/errors.ts";
import { nearest } from "../src/base/text/nearest.ts";

export interface Flag {
  /** What the help calls its value; absent where it takes none. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<`--${string}`, Flag>>;

export interface Parsed<Name extends string> {
  /** A flag without a value has "" here. */
  readonly given: ReadonlyMap<Name, string>;
  readonly words: readonly string[];
}

/** @throws StartError */
export function parseFlags<Table extends Flags>(
  command: string,
  table: Table,
  argv: readonly string[],
): Parsed<string & keyof Table> {
  type Name = string & keyof Table;
  const given = new Map<Name, string>();
  const words: string[] = [];
  const isName = (text: string): text is Name => Object.hasOwn(table, text);
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (!word.startsWith("--")) {
      words.push(word);
      continue;
    }
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    if (!isName(name)) throw unknown(command, name, Object.keys(table));
    if (given.has(name)) throw new StartError(2, `${name} is given twice`);
    const takesValue = (table as Flags)[name as `--${string}`]!.value !== undefined;
    if (!takesValue && at >= 0) throw new StartError(2, `${name} takes no value; give it alone, not ${word}`);
    const value = !takesValue ? "" : at >= 0 ? word.slice(at + 1) : argv[++index];
    if (value === undefined) throw new StartError(2, `${name} needs a value`);
    given.set(name, value);
  }
  return { given, words };
}

function unknown(command: string, name: string, names: readonly string[]): StartError {
  const close = nearest(name, names);
  const advice = close === undefined ? `see troikamq ${command} --help` : `did you mean ${close}?`;
  return new StartError(2, `${command} has no option ${name}; ${advice}`);
}
