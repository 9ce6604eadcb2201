import { StartError } from "../../src/base/errors.ts";

/** The number that `--database` has given; undefined for none. */
export function databaseOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text))
    throw new StartError(2, `--database: ${JSON.stringify(text)} is no number of a database`);
  return Number(text);
}
