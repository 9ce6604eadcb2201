import { StartError } from "../src/base/errors.ts";

/** Refuses arguments of a subcommand that takes none. */
export function noArguments(command: string, argv: readonly string[]): void {
  const [first] = argv;
  if (first !== undefined) throw new StartError(2, `${command} takes no argument ${JSON.stringify(first)}`);
}
