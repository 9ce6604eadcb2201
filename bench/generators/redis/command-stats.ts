/**
 * How often the server says that it has run a command, by INFO commandstats: what a run sent must be there, and none of it
 * refused or failed. redis-benchmark does not look at what it is answered.
 */
import { call } from "./client.ts";
import type { Connection } from "./connection.ts";

interface CommandStats {
  readonly calls: number;
  readonly bad: number;
}

async function statsOf(connection: Connection, name: string): Promise<CommandStats | undefined> {
  const text = String(await call(connection, "INFO", "commandstats"));
  // A version of TroikaMQ that a baseline may be does not count.
  if (!text.includes("cmdstat_")) return undefined;
  const line = new RegExp(`^cmdstat_${name}:(.*)$`, "m").exec(text)?.[1] ?? "";
  const field = (of: string) => Number(new RegExp(`(?:^|,)${of}=(\\d+)`).exec(line)?.[1] ?? 0);
  return { calls: field("calls"), bad: field("rejected_calls") + field("failed_calls") };
}

/** Call what it returns after the run: it says how often the command was run since. @throws where one failed or is missing */
export async function countCalls(
  connection: Connection,
  command: string,
): Promise<(expected: number) => Promise<string>> {
  const name = command.toLowerCase();
  const before = await statsOf(connection, name);
  return async (expected) => {
    const after = await statsOf(connection, name);
    if (before === undefined || after === undefined) return "";
    const [calls, bad] = [after.calls - before.calls, after.bad - before.bad];
    if (calls !== expected || bad !== 0)
      throw new Error(`${command} was sent ${expected} times; ${calls} have run, ${bad} of them failed`);
    return `, ${calls} run`;
  };
}
