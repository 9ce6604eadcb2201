/** What must be so at the server after a run: replies say that it answered, this that it did. */
import { callAll } from "./client.ts";
import type { ConnectionOptions } from "./connection.ts";

export interface Expectation {
  readonly command: readonly string[];
  readonly reply: number | string;
}

/** @returns for the figures' `verified`, ", XLEN 1000" @throws when a reply is another */
export async function verifyAll(
  options: ConnectionOptions,
  expectations: readonly Expectation[],
): Promise<string> {
  const replies = await callAll(
    options,
    expectations.map(({ command }) => command),
  );
  let text = "";
  for (const [index, { command, reply }] of expectations.entries()) {
    if (replies[index] !== reply)
      throw new Error(`${command.join(" ")} is ${JSON.stringify(replies[index])}, expected ${reply}`);
    text += `, ${command[0]} ${reply}`;
  }
  return text;
}
